"""Names of countries in addition to the English ones of the locale data: official, older, and ISO 3166's own names.

Spellings differ only by rules (`&` and `and`, `St.` and `Saint`, accents, `the`), so nothing here is a guess.
"""

import unicodedata

# ISO 3166 code: official name; further forms. Forms with a comma or brackets come from the ISO 3166 list.
_NAMES = """
AD Principality of Andorra
AE Emirates; UAE
AF Islamic Republic of Afghanistan; Islamic Emirate of Afghanistan
AL Republic of Albania
AM Republic of Armenia
AO Republic of Angola
AR Argentine Republic
AT Republic of Austria
AU Commonwealth of Australia
AX Aland
AZ Republic of Azerbaijan
BA Bosnia
BD People's Republic of Bangladesh
BE Kingdom of Belgium
BF Burkina
BG Republic of Bulgaria
BH Kingdom of Bahrain
BI Republic of Burundi
BJ Republic of Benin
BN Brunei Darussalam; Nation of Brunei, the Abode of Peace
BO Plurinational State of Bolivia; Bolivia, Plurinational State of; Bolivia (Plurinational State of)
BQ Bonaire, Sint Eustatius and Saba
BR Federative Republic of Brazil
BS Commonwealth of the Bahamas; Bahamas (the)
BT Kingdom of Bhutan
BW Republic of Botswana
BY Republic of Belarus
CC Cocos Islands
CD Democratic Republic of the Congo; Congo, Democratic Republic of the; Congo (the Democratic Republic of the); DRC
CF Central African Republic (the)
CG Republic of the Congo; Congo (the); Congo-Brazzaville
CH Swiss Confederation
CI Republic of Côte d'Ivoire; Ivory Coast
CL Republic of Chile
CM Republic of Cameroon
CN People's Republic of China; PR China; PRC
CO Republic of Colombia
CR Republic of Costa Rica
CU Republic of Cuba
CV Republic of Cabo Verde; Cabo Verde
CY Republic of Cyprus
CZ Czech Republic
DE Federal Republic of Germany
DJ Republic of Djibouti
DK Kingdom of Denmark
DM Commonwealth of Dominica
DO Dominican Republic (the)
DZ People's Democratic Republic of Algeria
EC Republic of Ecuador
EE Republic of Estonia
EG Arab Republic of Egypt
ER State of Eritrea
ES Kingdom of Spain
ET Federal Democratic Republic of Ethiopia
FI Republic of Finland
FJ Republic of Fiji
FK Falkland Islands (Malvinas)
FM Federated States of Micronesia; Micronesia, Federated States of; Micronesia (Federated States of)
FO Faroe Islands (the); Faeroe Islands
FR French Republic
GA Gabonese Republic
GB United Kingdom of Great Britain and Northern Ireland; Great Britain; UK; England; Scotland; Wales; Northern Ireland
GH Republic of Ghana
GM Republic of the Gambia; Gambia (the)
GN Republic of Guinea
GQ Republic of Equatorial Guinea
GR Hellenic Republic
GT Republic of Guatemala
GW Republic of Guinea-Bissau
GY Co-operative Republic of Guyana
HK Hong Kong Special Administrative Region of China; Hong Kong SAR; Hong Kong
HM Heard Island and McDonald Islands
HN Republic of Honduras
HR Republic of Croatia
HT Republic of Haiti
ID Republic of Indonesia
IE Republic of Ireland; Éire
IL State of Israel
IN Republic of India
IQ Republic of Iraq
IR Islamic Republic of Iran; Iran, Islamic Republic of; Iran (Islamic Republic of)
IS Republic of Iceland
IT Italian Republic
JO Hashemite Kingdom of Jordan
KE Republic of Kenya
KG Kyrgyz Republic
KH Kingdom of Cambodia
KI Republic of Kiribati
KM Union of the Comoros; Comoros (the)
KN Federation of Saint Christopher and Nevis
KP Democratic People's Republic of Korea; Korea, Democratic People's Republic of; DPRK
KR Republic of Korea; Korea, Republic of; Korea (the Republic of); Korea (Republic of)
KW State of Kuwait
KY Cayman Islands (the)
KZ Republic of Kazakhstan
LA Lao People's Democratic Republic; Lao People's Democratic Republic (the)
LB Lebanese Republic
LI Principality of Liechtenstein
LK Democratic Socialist Republic of Sri Lanka; Ceylon
LR Republic of Liberia
LS Kingdom of Lesotho
LT Republic of Lithuania
LU Grand Duchy of Luxembourg
LV Republic of Latvia
LY State of Libya; Libyan Arab Jamahiriya
MA Kingdom of Morocco
MC Principality of Monaco
MD Republic of Moldova; Moldova, Republic of; Moldova (the Republic of)
MF Saint Martin (French part)
MG Republic of Madagascar
MH Republic of the Marshall Islands; Marshall Islands (the)
MK Republic of North Macedonia; Macedonia; Macedonia, the former Yugoslav Republic of
ML Republic of Mali
MM Republic of the Union of Myanmar; Myanmar; Burma
MO Macao Special Administrative Region of China; Macao SAR; Macao; Macau
MP Northern Mariana Islands (the)
MR Islamic Republic of Mauritania
MT Republic of Malta
MU Republic of Mauritius
MV Republic of Maldives
MW Republic of Malawi
MX United Mexican States
MZ Republic of Mozambique
NA Republic of Namibia
NE Republic of the Niger; Niger (the)
NG Federal Republic of Nigeria
NI Republic of Nicaragua
NL Kingdom of the Netherlands; Netherlands, Kingdom of the; Netherlands (Kingdom of the); Netherlands (the); Holland
NO Kingdom of Norway
NP Federal Democratic Republic of Nepal
NR Republic of Nauru
OM Sultanate of Oman
PA Republic of Panama
PE Republic of Peru
PG Independent State of Papua New Guinea
PH Republic of the Philippines; Philippines (the)
PK Islamic Republic of Pakistan
PL Republic of Poland
PN Pitcairn
PS State of Palestine; Palestine, State of; Palestine
PT Portuguese Republic
PW Republic of Palau
PY Republic of Paraguay
QA State of Qatar
RS Republic of Serbia
RU Russian Federation; Russian Federation (the)
RW Republic of Rwanda
SA Kingdom of Saudi Arabia; KSA
SC Republic of Seychelles
SD Republic of the Sudan; Sudan (the)
SE Kingdom of Sweden
SG Republic of Singapore
SH Saint Helena, Ascension and Tristan da Cunha
SI Republic of Slovenia
SK Slovak Republic
SL Republic of Sierra Leone
SM Republic of San Marino
SN Republic of Senegal
SO Federal Republic of Somalia
SR Republic of Suriname
SS Republic of South Sudan
ST Democratic Republic of São Tomé and Príncipe
SV Republic of El Salvador
SX Sint Maarten (Dutch part)
SY Syrian Arab Republic; Syrian Arab Republic (the)
SZ Kingdom of Eswatini; Swaziland
TC Turks and Caicos Islands (the)
TD Republic of Chad
TF French Southern Territories (the)
TG Togolese Republic
TH Kingdom of Thailand
TJ Republic of Tajikistan
TL Democratic Republic of Timor-Leste; East Timor
TN Republic of Tunisia
TO Kingdom of Tonga
TR Republic of Türkiye; Republic of Turkey; Turkey
TT Republic of Trinidad and Tobago
TW Taiwan, Province of China; Taiwan (Province of China); Chinese Taipei
TZ United Republic of Tanzania; Tanzania, United Republic of; Tanzania, the United Republic of
UG Republic of Uganda
UM United States Minor Outlying Islands; United States Minor Outlying Islands (the)
US United States of America; United States of America (the); USA; U.S.A.; U.S.
UY Oriental Republic of Uruguay; Eastern Republic of Uruguay
UZ Republic of Uzbekistan
VA Vatican City State; Holy See; Holy See (the); Holy See (Vatican City State)
VC Saint Vincent and the Grenadines
VE Bolivarian Republic of Venezuela; Venezuela, Bolivarian Republic of; Venezuela (Bolivarian Republic of)
VG Virgin Islands, British; Virgin Islands (British)
VI Virgin Islands, U.S.; Virgin Islands (U.S.); United States Virgin Islands
VN Socialist Republic of Viet Nam; Socialist Republic of Vietnam; Viet Nam
VU Republic of Vanuatu
WS Independent State of Samoa; Western Samoa
XK Republic of Kosovo
YE Republic of Yemen
ZA Republic of South Africa; RSA
ZM Republic of Zambia
ZW Republic of Zimbabwe
"""


def further_names() -> dict[str, tuple[str, ...]]:
    """Return the names by ISO code, without the English name of the locale data."""
    lines = (line.partition(" ") for line in _NAMES.strip().splitlines())
    return {code: tuple(name.strip() for name in names.split(";")) for code, _, names in lines}


def plain_name(name: str) -> str:
    """Return a spelling for comparing, without case, accents, repeated blanks and leading `the`, and with `and` and
    `saint` written in full."""
    letters = unicodedata.normalize("NFKD", name.replace("\u2019", "'").replace("&", " and ")).casefold()
    text = " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())
    text = f" {text} ".replace(" st. ", " saint ").replace(" st ", " saint ").strip()
    return text.removeprefix("the ")

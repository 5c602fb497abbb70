"""Countries by ISO code, English and official name and aliases; unknown ones are refused, never guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import ConfigError, MappingFailed
from bridge.domain.record import Side
from bridge.mapping.round_trip import Verdict, round_trips
from bridge.mapping.translate import read, write
from bridge.mapping.types.countries import further_names, plain_name
from bridge.mapping.types.places import _territories, parse_country
from bridge.mapping.values import Untranslatable

from .files import mapping_of

ENGLISH = _territories().names


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no", "NO"), ("NOR", "NO"), ("deu", "DE"), ("Norway", "NO"), ("kingdom of norway", "NO"),
        ("The Netherlands", "NL"), ("Netherlands, Kingdom of the", "NL"), ("Korea (the Republic of)", "KR"),
        ("Korea, Democratic People's Republic of", "KP"), ("Cote d'Ivoire", "CI"), ("Côte d\u2019Ivoire", "CI"),
        ("Trinidad and Tobago", "TT"), ("Saint Lucia", "LC"), ("St Lucia", "LC"), ("Turkey", "TR"), ("TÜRKIYE", "TR"),
        ("United States of America", "US"), ("U.S.A.", "US"), ("UK", "GB"), ("Congo - Kinshasa", "CD"),
        ("Democratic Republic of the Congo", "CD"), ("Republic of the Congo", "CG"), ("Viet Nam", "VN"),
        ("Czech Republic", "CZ"), ("Curacao", "CW"), ("Aland Islands", "AX"), ("Hong Kong", "HK"), ("XK", "XK"),
        ("Kosovo", "XK"), ("Republic of Kosovo", "XK"), ("XKX", "XK"), ("xkk", "XK"), ("578", "NO"), ("004", "AF"),
        ("276", "DE"), ("NO\u200b", "NO"),
    ],
)  # fmt: skip
def test_a_country_is_known_by_code_and_by_every_official_form(text: str, code: str) -> None:
    assert parse_country(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "Norwey",
        "DDR",
        "EU",
        "Nordland",
        "Korea",
        "Congo",
        "Norge",
        "4",
        "57",
        "5780",
        "278",
        "990",
        "XX",
        "٥٧٨",
        "N",
        "Guinea Bissau Sud",
    ],
)
def test_an_unknown_or_ambiguous_country_is_refused(text: str) -> None:
    with pytest.raises(Untranslatable, match="is not a country known by ISO code"):
        parse_country(text)


def test_every_country_is_found_by_its_names_and_no_name_is_ambiguous() -> None:
    seen: dict[str, str] = {}
    for code, names in further_names().items():
        assert code in ENGLISH
        for name in (ENGLISH[code], *names):
            assert parse_country(name) == code, name
            assert seen.setdefault(plain_name(name), code) == code, name


@given(st.sampled_from(sorted(ENGLISH)), st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
def test_the_name_of_a_country_returns_as_its_code_however_it_is_cased(code: str, cased: object) -> None:
    assert callable(cased)
    assert parse_country(cased(ENGLISH[code])) == code


@given(st.text(max_size=12))
def test_no_text_is_guessed_as_a_country(text: str) -> None:
    try:
        code = parse_country(text)
    except Untranslatable:
        return
    known = {plain_name(name) for name in ENGLISH.values()} | set(_territories().known)
    assert code is None or text.strip().upper() in ENGLISH or plain_name(text) in known


def test_a_field_rule_may_add_names_and_a_side_may_store_the_english_one() -> None:
    mapping = mapping_of("  land: {crm: a, erp: {name: b}, type: country, aliases: {Norge: NO, Tyskland: DEU}}\n")
    assert read(mapping, Side.LEFT, {"a": "norge"}).values == {"land": "NO"}
    assert read(mapping, Side.LEFT, {"a": "Tyskland"}).values == {"land": "DE"}
    assert write(mapping, Side.RIGHT, {"land": "NO"}, {}) == {"b": "Norway"}


def test_an_alias_of_an_unknown_country_is_refused_when_loaded() -> None:
    with pytest.raises(ConfigError) as caught:
        mapping_of("  land: {crm: a, erp: b, type: country, aliases: {Norge: NN}}\n")
    expected = "people.yaml:6:58: `Norge` in `aliases` of field rule land: `NN` is not a country"
    assert str(caught.value).startswith(expected)


def test_names_in_three_columns_join_and_split() -> None:
    mapping = mapping_of("  name: {crm: name, erp: {first: f, middle: m, last: l}}\n")
    assert write(mapping, Side.RIGHT, {"name": "Anna Maria Sofie Lund"}, {}) == {
        "f": "Anna",
        "m": "Maria Sofie",
        "l": "Lund",
    }
    assert write(mapping, Side.RIGHT, {"name": "Lund"}, {}) == {"f": None, "m": None, "l": "Lund"}
    assert read(mapping, Side.RIGHT, {"f": "Anna", "m": None, "l": "Lund"}).values == {"name": "Anna Lund"}


@pytest.mark.parametrize(("raw", "code"), [(578, "NO"), (4, "AF"), (Decimal(36), "AU"), (Decimal("36.0"), "AU")])
def test_a_numeric_code_in_a_column_of_numbers_has_lost_its_zeros(raw: object, code: str) -> None:
    assert parse_country(raw) == code


@pytest.mark.parametrize("raw", [True, 1.5, -578, ["NO"], {"a": 1}, 0, 10**30])
def test_any_value_that_is_no_code_or_name_is_refused(raw: object) -> None:
    with pytest.raises(Untranslatable, match="is not a country known by ISO code"):
        parse_country(raw)


@pytest.mark.parametrize(
    ("names", "text", "code"),
    [
        ("[nb]", "Norge", "NO"), ("[nb]", "norge", "NO"), ("[nb, de]", "Deutschland", "DE"), ("[de]", "Norwegen", "NO"),
        ("de", "Österreich", "AT"), ("[de]", "Osterreich", "AT"), ("[fr]", "Côte d\u2019Ivoire", "CI"),
        ("[nb]", "Germany", "DE"), ("[fr, nl]", "Pays-Bas", "NL"), ("[ja]", "ノルウェー", "NO"),
        ("[pt-BR]", "Vietnã", "VN"), ("[zh-Hant]", "挪威", "NO"),
    ],
)  # fmt: skip
def test_native_names_are_read_in_the_languages_a_rule_names(names: str, text: str, code: str) -> None:
    mapping = mapping_of(f"  land: {{crm: a, erp: b, type: country, names: {names}}}\n")
    reading = read(mapping, Side.LEFT, {"a": text})
    assert (reading.problems, reading.values) == ((), {"land": code})


@pytest.mark.parametrize(("names", "name"), [("[nb, de]", "Tyskland"), ("de", "Deutschland"), ("[en, nb]", "Germany")])
def test_the_first_language_is_the_one_names_are_written_in(names: str, name: str) -> None:
    mapping = mapping_of(f"  land: {{crm: a, erp: {{name: b}}, type: country, names: {names}}}\n")
    assert write(mapping, Side.RIGHT, {"land": "DE"}, {}) == {"b": name}
    assert round_trips(mapping)[0].verdict is Verdict.HOLDS


@pytest.mark.parametrize(
    ("part", "written"), [("code", "NO"), ("code3", "NOR"), ("numeric", "578"), ("name", "Norway")]
)
def test_a_country_is_written_in_the_form_the_column_takes(part: str, written: str) -> None:
    mapping = mapping_of(f"  land: {{crm: a, erp: {{{part}: b}}, type: country}}\n")
    assert write(mapping, Side.RIGHT, {"land": "NO"}, {}) == {"b": written}
    assert read(mapping, Side.RIGHT, {"b": written}).values == {"land": "NO"}
    assert read(mapping, Side.RIGHT, {"b": "Norway"}).values == {"land": "NO"}


@pytest.mark.parametrize("part", ["code", "code3", "numeric", "name"])
def test_every_country_comes_back_from_every_form(part: str) -> None:
    mapping = mapping_of(f"  land: {{crm: a, erp: {{{part}: b}}, type: country, names: [nb]}}\n")
    for code in ENGLISH:
        if (part, code) in (("numeric", "XK"), ("numeric", "CQ")):
            continue
        sent = write(mapping, Side.RIGHT, {"land": code}, {})
        assert read(mapping, Side.RIGHT, sent).values == {"land": code}, (code, sent)


def test_a_country_without_a_numeric_code_is_not_written_as_one() -> None:
    mapping = mapping_of("  land: {crm: a, erp: {numeric: b}, type: country}\n")
    with pytest.raises(MappingFailed, match="XK has no numeric code"):
        write(mapping, Side.RIGHT, {"land": "XK"}, {})


@pytest.mark.parametrize(
    "language", ["nb", "nn", "sv", "da", "fi", "de", "fr", "es", "it", "nl", "pl", "pt", "ja", "zh"]
)
def test_every_native_name_comes_back_and_none_is_ambiguous(language: str) -> None:
    mapping = mapping_of(f"  land: {{crm: a, erp: {{name: b}}, type: country, names: [{language}]}}\n")
    for code in ENGLISH:
        sent = write(mapping, Side.RIGHT, {"land": code}, {})
        assert read(mapping, Side.RIGHT, sent).values == {"land": code}, sent


@pytest.mark.parametrize("names", ["[xx]", "norwegian", "[nb, 5]", "[]", "{a: b}", "[../de]"])
def test_an_unknown_language_is_refused_when_loaded(names: str) -> None:
    with pytest.raises(ConfigError, match="`names` of field rule land"):
        mapping_of(f"  land: {{crm: a, erp: b, type: country, names: {names}}}\n")


def test_the_languages_of_a_rule_are_part_of_its_fingerprint() -> None:
    plain, named = (mapping_of(f"  land: {{crm: a, erp: b, type: country{more}}}\n") for more in ("", ", names: [nb]"))
    assert plain.fields[0].fingerprint != named.fields[0].fingerprint

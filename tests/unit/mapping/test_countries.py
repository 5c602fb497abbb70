"""Countries by ISO code, English and official name and aliases; unknown ones are refused, never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.mapping.translate import read, write
from bridge.mapping.types.countries import further_names, plain_name
from bridge.mapping.types.places import _territories, parse_country
from bridge.mapping.values import Untranslatable

from .files import mapping_of

ENGLISH = _territories()[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no", "NO"), ("NOR", "NO"), ("deu", "DE"), ("Norway", "NO"), ("kingdom of norway", "NO"),
        ("The Netherlands", "NL"), ("Netherlands, Kingdom of the", "NL"), ("Korea (the Republic of)", "KR"),
        ("Korea, Democratic People's Republic of", "KP"), ("Cote d'Ivoire", "CI"), ("Côte d\u2019Ivoire", "CI"),
        ("Trinidad and Tobago", "TT"), ("Saint Lucia", "LC"), ("St Lucia", "LC"), ("Turkey", "TR"), ("TÜRKIYE", "TR"),
        ("United States of America", "US"), ("U.S.A.", "US"), ("UK", "GB"), ("Congo - Kinshasa", "CD"),
        ("Democratic Republic of the Congo", "CD"), ("Republic of the Congo", "CG"), ("Viet Nam", "VN"),
        ("Czech Republic", "CZ"), ("Curacao", "CW"), ("Aland Islands", "AX"), ("Hong Kong", "HK"),
    ],
)  # fmt: skip
def test_a_country_is_known_by_code_and_by_every_official_form(text: str, code: str) -> None:
    assert parse_country(text) == code


@pytest.mark.parametrize("text", ["Norwey", "DDR", "EU", "Nordland", "Korea", "Congo", "XK", "N", "Guinea Bissau Sud"])
def test_what_is_no_country_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(Untranslatable, match="is no country known by ISO code"):
        parse_country(text)


def test_every_country_is_found_by_its_names_and_no_name_means_two() -> None:
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
def test_no_text_is_guessed_to_be_a_country(text: str) -> None:
    try:
        code = parse_country(text)
    except Untranslatable:
        return
    known = {plain_name(name) for name in ENGLISH.values()} | set(_territories()[1])
    assert code is None or text.strip().upper() in ENGLISH or plain_name(text) in known


def test_a_row_may_know_further_names_and_a_side_may_keep_the_english_one() -> None:
    mapping = mapping_of("  land: {crm: a, erp: {name: b}, type: country, aliases: {Norge: NO, Tyskland: DEU}}\n")
    assert read(mapping, Side.LEFT, {"a": "norge"}).values == {"land": "NO"}
    assert read(mapping, Side.LEFT, {"a": "Tyskland"}).values == {"land": "DE"}
    assert write(mapping, Side.RIGHT, {"land": "NO"}, {}) == {"b": "Norway"}


def test_an_alias_of_no_country_is_refused_when_loaded() -> None:
    with pytest.raises(ConfigError) as caught:
        mapping_of("  land: {crm: a, erp: b, type: country, aliases: {Norge: NN}}\n")
    assert str(caught.value).startswith("people.yaml:6:58: `Norge` in `aliases` of row land: `NN` is no country")


def test_names_in_three_columns_join_and_split() -> None:
    mapping = mapping_of("  name: {crm: name, erp: {first: f, middle: m, last: l}}\n")
    assert write(mapping, Side.RIGHT, {"name": "Anna Maria Sofie Lund"}, {}) == {
        "f": "Anna",
        "m": "Maria Sofie",
        "l": "Lund",
    }
    assert write(mapping, Side.RIGHT, {"name": "Lund"}, {}) == {"f": None, "m": None, "l": "Lund"}
    assert read(mapping, Side.RIGHT, {"f": "Anna", "m": None, "l": "Lund"}).values == {"name": "Anna Lund"}

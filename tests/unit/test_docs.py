"""The pages for people: links and anchors exist, each page is in the navigation, each named command exists."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from ruamel.yaml import YAML

from bridge.connectors.registry import CONNECTORS
from bridge.simulators.bottlecrm.state import ENTITIES as BOTTLECRM
from bridge.simulators.deskera.books.model import MODELS
from bridge.simulators.deskera.schema import SCHEMAS
from bridge.simulators.entrust.app import ENTITIES as ENTRUST
from bridge.simulators.pipedrive.entities import ENTITIES as PIPEDRIVE
from bridge.simulators.superoffice.schema import ENTITIES as SUPEROFFICE
from bridge.simulators.tryton.app import ENTITIES as TRYTON
from tests.unit.test_standing_still import leaf, parses

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCE = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"!?\[(?:[^]\[]|\[[^]]*\])*\]\(\s*([^)\s]+)[^)]*\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
SHELL = re.compile(r"^(?:\s*|.*\$ )(bridge [a-z].*)$")
FILLED = re.compile(r"[$\[(|<>{]|\.\.\.")


def prose(page: Path) -> str:
    """Return the page without blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    return LINK.findall(CODE.sub("", prose(page)))


def slug(heading: str) -> str:
    """Return the anchor of a heading, as mkdocs and code hosts make it."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip())


def anchors(page: Path) -> set[str]:
    return {slug(heading) for heading in HEADING.findall(prose(page))}


def wrong(page: Path, link: str) -> str:
    """Return what is wrong with a link within the project, or ""."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"{link}: there is no such file"
    if page.parent == DOCS and not target.is_relative_to(DOCS):
        return f"{link}: it leads out of docs/, where the site has nothing"
    return f"{link}: there is no such heading" if anchor and anchor not in anchors(target) else ""


def is_elsewhere(link: str) -> bool:
    return re.match(r"[a-z]+:", link) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    assert [told for link in links(page) if not is_elsewhere(link) and (told := wrong(page, link))] == []


@pytest.mark.parametrize("link", ["nowhere.md", "concepts.md#nothing", "../README.md", "#nothing"])
def test_the_rule_on_links_can_fail(link: str) -> None:
    assert wrong(DOCS / "index.md", link)


def test_links_are_found() -> None:
    assert sum(len(links(page)) for page in PAGES) > 80


def navigated(entries: list[object]) -> Iterator[str]:
    for entry in entries:
        (below,) = entry.values() if isinstance(entry, dict) else (entry,)
        if isinstance(below, list):
            yield from navigated(below)
        else:
            yield str(below)


def test_every_page_is_in_the_navigation_once() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = list(navigated(YAML(typ="safe", pure=True).load("nav:\n" + text)["nav"]))
    assert sorted(named) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


def test_every_page_begins_with_its_title_and_says_what_it_is_about() -> None:
    for page in DOCS.rglob("*.md"):
        first, _, rest = page.read_text(encoding="utf-8").partition("\n")
        assert first.startswith("# "), page
        assert not rest.strip().startswith("#"), f"{page}: the page must begin with its purpose"


def named_commands(page: Path) -> Iterator[str]:
    """Return every `bridge ...` of a page: quoted in running text, or a line to type."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^ *```[a-z]*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if found := SHELL.match(line):
                yield found[1].partition("  #")[0].strip().removesuffix(" &")
    yield from (code[1:-1] for code in CODE.findall(prose(page)) if code.startswith("`bridge "))


def arguments(line: str) -> list[str] | None:
    """Return the words after `bridge`, or None where the line has another place to fill in."""
    words = line.split()[1:]
    if words[:1] == ["--settings"]:
        words = words[2:]
    open_ = not words or words[0].startswith("-") or words[0] == "COMMAND" or FILLED.search(" ".join(words))
    return None if open_ else words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_a_page_names_exists(page: Path) -> None:
    """Running text may name a command without its arguments, and several commands with a slash or an ellipsis."""
    for line in sorted(set(named_commands(page))):
        words = arguments(line)
        if words is None:
            continue
        try:
            if leaf(words)[1]:
                parses(words)
        except click.UsageError as problem:
            pytest.fail(f"{page.name}: `{line}`: {problem.format_message()}")


def test_the_simulators_page_names_the_entities_that_each_has() -> None:
    page = (DOCS / "simulators.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([\w, ]+) \| (`[\w.]+`(?:, `[\w.]+`)+) \|$", page, re.MULTILINE))
    told = {product: set(re.findall(r"`([\w.]+)`", names)) for product, names in rows.items()}
    assert told == {
        "Pipedrive": set(PIPEDRIVE),
        "Deskera, Sales CRM": set(SCHEMAS),
        "Deskera, Books": set(MODELS),
        "SuperOffice": set(SUPEROFFICE),
        "Entrust": set(ENTRUST),
        "Tryton": set(TRYTON),
        "BottleCRM": set(BOTTLECRM),
    }


def test_every_setting_a_page_names_exists() -> None:
    known = set(re.findall(r"^\| `([^`]+)` \|", (DOCS / "settings.md").read_text(encoding="utf-8"), re.MULTILINE))
    groups = {key.partition(".")[0] for key in known if "." in key} - {"systems", "mappings"}
    named = re.compile(rf"`((?:{'|'.join(groups)})\.[a-z_]+)`")
    found = {(page.name, key) for page in PAGES for key in named.findall(prose(page)) if not key.endswith(".py")}
    assert len(found) > 40
    assert [(page, key) for page, key in sorted(found) if not any(one.startswith(key) for one in known)] == []


def systems_shown() -> Iterator[tuple[str, dict[str, object]]]:
    """Return the product and the options of each system in an example of settings."""
    for page in DOCS.glob("*.md"):
        for block in re.findall(r"^ *```yaml\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            read = YAML(typ="safe", pure=True).load(textwrap.dedent(block)) if "connector:" in block else {}
            yield from ((one["connector"], one["options"]) for one in read.get("systems", {}).values())


def test_the_systems_in_examples_have_options_that_their_products_accept() -> None:
    shown = list(systems_shown())
    assert {product for product, _ in shown} == set(CONNECTORS)
    for product, options in shown:
        fields = CONNECTORS[product].options.model_fields
        assert set(options) <= set(fields), product
        if options:
            assert {name for name, field in fields.items() if field.is_required()} <= set(options), product


def test_every_page_that_code_and_settings_name_exists() -> None:
    files = [*(ROOT / "bridge").rglob("*.py"), *(ROOT / "bridge").rglob("*.html"), *(ROOT / "config").rglob("*.*")]
    named = {found for file in files for found in re.findall(r"docs/([a-z-]+\.md)", file.read_text(encoding="utf-8"))}
    assert len(named) > 8
    assert [page for page in sorted(named) if not (DOCS / page).exists()] == []


def test_the_glossary_has_at_most_twenty_five_terms() -> None:
    glossary = (DOCS / "concepts.md").read_text(encoding="utf-8").partition("## Glossary\n")[2]
    assert 10 < len([line for line in glossary.splitlines() if line.startswith("| ")]) - 2 <= 25

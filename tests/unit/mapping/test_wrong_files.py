"""Files that cannot be compiled: each gets a message that names the place, what is wrong and what to write."""

import pytest

from bridge.domain.errors import ConfigError
from bridge.mapping.load import load_text

from .files import HEAD, NAME, head

UNREADABLE = {
    "tab": ("mapping: a\n\tsides: b\n", "m.yaml:2:1: this is not YAML", "not with tabs"),
    "bracket": ("mapping: [a\n", "m.yaml:2:1: this is not YAML", "brackets"),
    "key twice": (HEAD + NAME + NAME, "m.yaml:7:3: `name` is written twice", "already in line 6"),
    "no table": ("- a\n", "m.yaml:1:1: a mapping must be a table", "mapping: NAME"),
    "no name": ("sides: {a: b c, d: e f}\n", "m.yaml:1:1: a mapping without a name", "mapping: NAME"),
    "one side": (
        head(sides="{crm: one person}") + NAME,
        "m.yaml:2:1: mapping people must name two sides",
        "sides: {crm: PRODUCT ENTITY",
    ),
    "side without entity": (
        head(sides="{crm: one person, erp: two}") + NAME,
        "m.yaml:2:31: side erp of mapping people must name a product and an entity",
        "PRODUCT ENTITY",
    ),
    "unknown word": (
        head(delte_conflict="keep") + NAME,
        "m.yaml:5:1: unknown `delte-conflict` in mapping people",
        "did you mean `delete-conflict`?",
    ),
    "direction": (
        head(direction="crm <- erp") + NAME,
        "m.yaml:5:12: `direction: crm <- erp` of mapping people is unknown",
        "crm -> erp",
    ),
    "no conflict policy": (
        head(conflict="") + NAME,
        "m.yaml:1:1: mapping people goes both ways and does not say who wins",
        "add conflict: crm",
    ),
    "newest without fallback": (
        head(conflict="newest") + NAME,
        "m.yaml:4:11: `conflict: newest` of mapping people does not say who wins a tie",
        "newest, else crm",
    ),
    "unknown policy": (head(conflict="left") + NAME, "m.yaml:4:11: `conflict: left` of mapping people", "crm, erp"),
    "no match": (
        head(match="") + NAME,
        "m.yaml:1:1: mapping people does not say how to find a record's counterpart",
        "match: none",
    ),
    "match of no field": (
        head(match="[nmae]") + NAME,
        "m.yaml:3:9: `match` of mapping people names `nmae`, which is no field",
        "did you mean `name`?",
    ),
    "creates on no side": (
        head(creates="[left]") + NAME,
        "m.yaml:5:11: `creates` of mapping people names `left`, which is no side",
        "crm, erp",
    ),
    "creates on a side only read": (
        head(direction="crm -> erp", creates="[crm]") + NAME,
        "m.yaml:6:11: `creates` of mapping people names `crm`, which this mapping only reads",
        "direction: both",
    ),
    "no fields": (head() + "  {}\n", "m.yaml:5:1: mapping people has no fields", "one row per field"),
    "deleted": (
        head(deleted="{crm: remove}") + NAME,
        "m.yaml:5:16: `crm: remove` of `deleted` of mapping people is unknown",
        "archive, delete, ignore, unlink",
    ),
    "row is a word": (HEAD + "  name: name\n", "m.yaml:6:9: row name must be a table", "name: {crm: column"),
    "row with one side": (HEAD + "  name: {crm: name}\n", "m.yaml:6:9: row name has no column for erp", "value: for"),
    "unknown type": (
        HEAD + "  name: {crm: name, erp: name, type: txt}\n",
        "m.yaml:6:38: `type: txt` of row name is unknown",
        "did you mean `text`?",
    ),
    "unknown key of a row": (
        HEAD + "  name: {crm: name, erp: name, requird: true}\n",
        "m.yaml:6:32: unknown `requird` in row name",
        "did you mean `required`?",
    ),
    "not true or false": (
        HEAD + "  name: {crm: name, erp: name, required: yes}\n",
        "m.yaml:6:42: `required` of row name must be true or false",
        "required: true",
    ),
    "bad path": (
        HEAD + "  name: {crm: name..first, erp: name}\n",
        "m.yaml:6:15: `name..first` is no path to a column",
        "in quotes",
    ),
    "parts of another type": (
        HEAD + "  name: {crm: {amount: a, unit: b}, erp: name, type: money}\n",
        "m.yaml:6:15: `crm` of row name: type money has no parts amount, unit",
        "{amount: column, currency: column}",
    ),
    "region": (
        HEAD + "  name: {crm: name, erp: name, type: phone, region: Norway}\n",
        "m.yaml:6:53: `region: Norway` of row name is not known",
        "two letters",
    ),
    "option of another type": (
        HEAD + "  name: {crm: name, erp: name, region: NO}\n",
        "m.yaml:6:32: unknown `region` in row name",
        "known are",
    ),
    "zone": (
        HEAD + "  day: {crm: day, erp: {instant: closing}, type: date, zone: CET+1}\n",
        "m.yaml:6:62: `zone: CET+1` of row day is not known",
        "Europe/Oslo",
    ),
    "table of the wrong type": (
        HEAD + "  name: {crm: name, erp: name, type: integer, table: {1: one}}\n",
        "m.yaml:6:54: the table of row name does not fit its type integer",
        "write values of that type",
    ),
    "otherwise both ways": (
        HEAD + "  name: {crm: name, erp: name, table: {a: b}, otherwise: c}\n",
        "m.yaml:6:47: `otherwise` of row name has no way back",
        "add `from:`",
    ),
    "from no side": (
        HEAD + "  name: {crm: name, erp: name, from: pipedrive}\n",
        "m.yaml:6:38: `from: pipedrive` of row name is no side",
        "crm, erp",
    ),
    "constant on two sides": (
        HEAD + "  name: {crm: name, erp: name, value: x}\n",
        "m.yaml:6:9: row name has a constant and must name one side",
        "keep only",
    ),
    "default of another type": (
        HEAD + "  name: {crm: name, erp: name, type: date, default: tomorrow}\n",
        "m.yaml:6:53: `default` of row name does not fit its type date",
        "write a value of that type",
    ),
    "cells": (
        HEAD + "  stage:\n    columns: [crm.a, erp.b]\n    rows: [[x, y], [z]]\n",
        "m.yaml:8:20: this line of row stage has 1 cells for 2 columns",
        "any",
    ),
    "column of no side": (
        HEAD + "  stage:\n    columns: [crm.a, b]\n    rows: [[x, y]]\n",
        "m.yaml:7:22: `b` in `columns` of row stage is no column of a side",
        "crm.stage",
    ),
    "link to nothing": (
        HEAD + NAME + "  boss: {crm: boss, erp: boss, link: poeple}\n",
        "m.yaml:7:9: row boss of people links to `poeple`, which is no mapping",
        "did you mean `people`?",
    ),
    "two of one name": (
        HEAD + NAME + "---\n" + HEAD + NAME,
        "m.yaml:8:1: a second mapping called people",
        "the first is at m.yaml:1:1",
    ),
    "test without a side": (
        HEAD + NAME + "tests:\n  - crm: {name: x}\n",
        "m.yaml:8:5: test `test in line 8` has no record for erp",
        "add erp:",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_cannot_be_compiled_says_where_what_and_what_to_write(case: str) -> None:
    text, what, remedy = UNREADABLE[case]
    with pytest.raises(ConfigError) as caught:
        load_text(text, "m.yaml")
    (fault,) = caught.value.faults
    assert str(fault).startswith(what), str(fault)
    assert remedy in fault.remedy, str(fault)


def test_all_faults_of_a_file_are_shown_at_once() -> None:
    text = head(conflict="left", match="[nmae]") + "  name: {crm: name, erp: name, type: txt}\n  b: c\n"
    with pytest.raises(ConfigError) as caught:
        load_text(text, "m.yaml")
    assert len(caught.value.faults) >= 4

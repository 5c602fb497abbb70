"""How an answer is checked: by what it must show, and by the client's declarations."""

from pathlib import Path

import pytest

from tests.clients.declarations import Declarations
from tests.clients.expected import filled, misses

DECLARED = """
/** A comment with { braces }. */
export interface Base {
    'success'?: boolean;
}
export type Answer = Base & Data;
export interface Data {
    'data': Array<Row>;
}
export interface Row {
    'id': number;
    'name': string | null;
    'color'?: RowColorConst;
    'parts'?: { [key: string]: string; };
}
export declare const RowColorConst: {
    readonly red: "red";
    readonly blue: "blue";
};
export type RowColorConst = typeof RowColorConst[keyof typeof RowColorConst];
export declare class RowsApi extends BaseAPI {
    /**
     * Rows.
     */
    getRows(requestParameters?: RowsApiGetRowsRequest): Promise<Answer>;
}
"""


@pytest.fixture
def declared(tmp_path: Path) -> Declarations:
    (tmp_path / "rows.d.ts").write_text(DECLARED)
    return Declarations(tmp_path)


@pytest.mark.parametrize(
    ("row", "lacks"),
    [
        ({"id": 1, "name": None, "color": "red", "more": 1}, []),
        ({"id": 1, "name": "x", "color": None}, []),
        ({"name": "x"}, ["data[0].id is missing"]),
        ({"id": "1", "name": "x"}, ["data[0].id is '1', not number"]),
        ({"id": None, "name": "x"}, ["data[0].id is None, not number"]),
        ({"id": 1, "name": "x", "color": "green"}, ["data[0].color is 'green', not red"]),
    ],
)
def test_an_answer_lacks_what_the_client_declares(declared: Declarations, row: object, lacks: list[str]) -> None:
    assert declared.methods == {("RowsApi", "getRows"): ("RowsApiGetRowsRequest", "Answer")}
    assert declared.lacks("Answer", {"success": True, "data": [row]}) == lacks


@pytest.mark.parametrize(
    ("wanted", "got", "fits"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": ...}, {"a": None}, False),
        ([{"a": 2}], [{"a": 1}, {"a": 2}], True),
        (({"a": 2},), [{"a": 1}, {"a": 2}], False),
        ((), None, True),
        (True, 1, False),
    ],
)
def test_an_answer_shows_what_was_written(wanted: object, got: object, fits: bool) -> None:
    assert (list(misses(wanted, got)) == []) is fits


def test_a_call_takes_values_of_earlier_answers() -> None:
    kept = {"deal": {"id": 7}, "fields": [{"key": "title", "id": 3}]}

    assert filled({"id": "$deal.id", "ids": ["$fields.key=title.id"]}, kept) == {"id": 7, "ids": [3]}
    with pytest.raises(KeyError, match="of an earlier call"):
        filled("$deal.name", kept)

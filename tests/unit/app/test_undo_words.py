"""Arguments of `bridge undo`: times, and exactly one way to name what is undone."""

import time
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridge.cli.main import main
from bridge.cli.undo import Moment


@pytest.mark.parametrize("text", ["2026-05-01 14:30", "2026-05-01T14:30:00", "2026-05-01 16:30+02:00"])
def test_a_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert Moment().convert(text, None, None) == datetime(2026, 5, 1, 14, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("2h", 7200), ("3d", 259_200)])
def test_a_time_may_be_how_long_ago(text: str, seconds: float) -> None:
    assert abs(time.time() - seconds - Moment().convert(text, None, None)) < 5


def test_a_wrong_time_is_refused_with_an_example() -> None:
    with pytest.raises(click.BadParameter, match="`yesterday` is not a time: write one like `2026-05-01 14:30`"):
        Moment().convert("yesterday", None, None)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("undo", "write one of: SIDE ENTITY ID [--at TIME], --run ID, --mapping NAME --since TIME"),
        ("undo crm deal", "write one of"),
        ("undo crm deal 7 --run undo/1", "write one of"),
        ("undo --run undo/1 --at 2h", "write one of"),
        ("undo --mapping deals", "--mapping and --since need each other"),
        ("undo crm deal 7 --queue", "--queue stores the request for the next bridge, so nothing can be shown first"),
    ],
)
def test_a_mistake_is_reported_before_the_store_is_opened(typed: str, told: str, tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["--settings", str(tmp_path / "none.yaml"), *typed.split()])
    assert (ended.exit_code, told in ended.output) == (2, True), ended.output

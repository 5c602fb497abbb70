"""After `pytest -m pairs`: one line per pair, with the seconds of each step."""

from typing import Any

from tests.pairs.scenario import STEPS


def show_pairs(terminalreporter: Any) -> None:
    """Print the table if pairs were among the tests."""
    reports = [report for word in ("passed", "failed") for report in terminalreporter.getreports(word)]
    lines = {report.nodeid: dict(report.user_properties) for report in reports if "test_from_" in report.nodeid}
    if not lines:
        return
    terminalreporter.section("pairs (seconds)")
    names = [step.__name__ for step in STEPS]
    for number, name in enumerate(names, 1):
        terminalreporter.write_line(f"{number:2} {name}")
    header = "".join(f"{number:>6}" for number in range(1, len(names) + 1))
    terminalreporter.write_line(f"{'source-target':28}{header}")
    for node, taken in sorted(lines.items()):
        cells = "".join(f"{taken.get(name, '-'):>6}" for name in names)
        pair = node.partition("test_from_")[2].replace(".py::test_pair[", "-").rstrip("]")
        terminalreporter.write_line(f"{pair:28}{cells}")

"""`bridge demo --once` needs no setup, shows a table at its end, and ends with exit code 0."""

import os
import subprocess

from tests.acceptance.site import BRIDGE


def test_the_demo_ends_with_a_table_in_which_every_check_passed() -> None:
    done = subprocess.run([BRIDGE, "demo", "--once"], env=os.environ, capture_output=True, text=True, timeout=110)
    table = done.stdout.partition("\nchecked")[2].splitlines()[1:]
    rows = [line for line in table if "  ok  " in line or "FAILED" in line]
    assert len(rows) >= 10, done.stdout
    assert not [row for row in rows if "FAILED" in row], done.stdout
    assert done.stdout.endswith("all checks passed\n")
    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr

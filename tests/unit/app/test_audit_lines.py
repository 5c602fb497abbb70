"""What a line of the audit log says about a request."""

from typing import Any

import pytest

from bridge.app.desk.actions import _act
from bridge.store.journal import AuditEntry


@pytest.mark.parametrize(
    ("action", "told", "about"),
    [
        ("mode", {"mapping": "people", "mode": "live"}, "people live"),
        ("undo", {"side": "crm", "entity": "deal", "record": "7", "go": True}, "crm deal 7"),
        ("undo", {"run": "backfill-3", "side": None, "go": False}, "run backfill-3 only shown"),
        ("link", {"side": "crm", "entity": "deal", "record": "7", "other": "c-9", "go": True}, "crm deal 7 c-9"),
        ("hooks stop", {"system": "pipedrive", "hook": "any.deal"}, "pipedrive any.deal"),
        ("columns accept", {"system": "pipedrive", "column": "deal.size"}, "pipedrive deal.size"),
        ("apply", {"file": "first.plan"}, "first.plan"),
        ("logout", {"session": "an-id"}, ""),
    ],
)
def test_a_line_names_the_request_and_whether_it_was_done(action: str, told: dict[str, Any], about: str) -> None:
    act = _act(AuditEntry(1, 0.0, "anna", action, told, None, "done"))
    assert (act.action, act.about) == (action, about)

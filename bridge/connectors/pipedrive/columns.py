"""Columns of leads, notes, activities and users. Sources: the vendor's descriptions of API v1 (leads, notes, users) and
v2 (activities).
"""

from collections.abc import Mapping

from bridge.domain.catalog import Column, ColumnSpec

USER = ColumnSpec(Column.REFERENCE, to="user")
PINS = tuple(f"pinned_to_{name}_flag" for name in ("deal", "person", "organization"))
TIMES: Mapping[str, ColumnSpec] = {
    "id": ColumnSpec(Column.INTEGER, writable=False),
    "add_time": ColumnSpec(Column.INSTANT, writable=False),
    "update_time": ColumnSpec(Column.INSTANT, writable=False),
}

LEAD: Mapping[str, ColumnSpec] = {
    **TIMES,
    "id": ColumnSpec(Column.TEXT, writable=False),
    "title": ColumnSpec(Column.TEXT, required=True, max_length=255),
    "value": ColumnSpec(Column.OBJECT, parts=("amount", "currency")),
    "owner_id": USER,
    "creator_id": ColumnSpec(Column.REFERENCE, writable=False, to="user"),
    "person_id": ColumnSpec(Column.REFERENCE, to="person"),
    "organization_id": ColumnSpec(Column.REFERENCE, to="organization"),
    "labels": ColumnSpec(Column.SET),
    "expected_close_date": ColumnSpec(Column.DATE),
    "was_seen": ColumnSpec(Column.BOOLEAN),
    "visible_to": ColumnSpec(Column.INTEGER),
    "is_archived": ColumnSpec(Column.BOOLEAN),
    "source_name": ColumnSpec(Column.TEXT, writable=False),
    "origin": ColumnSpec(Column.TEXT, writable=False),
    "origin_id": ColumnSpec(Column.TEXT, writable=False),
}

NOTE: Mapping[str, ColumnSpec] = {
    **TIMES,
    "content": ColumnSpec(Column.TEXT, required=True),
    "user_id": USER,
    "deal_id": ColumnSpec(Column.REFERENCE, to="deal"),
    "person_id": ColumnSpec(Column.REFERENCE, to="person"),
    "org_id": ColumnSpec(Column.REFERENCE, to="organization"),
    "lead_id": ColumnSpec(Column.REFERENCE, to="lead"),
    **dict.fromkeys(PINS, ColumnSpec(Column.BOOLEAN)),
}

ACTIVITY: Mapping[str, ColumnSpec] = {
    **TIMES,
    "subject": ColumnSpec(Column.TEXT),
    "type": ColumnSpec(Column.TEXT),
    "owner_id": USER,
    "creator_user_id": ColumnSpec(Column.REFERENCE, writable=False, to="user"),
    "deal_id": ColumnSpec(Column.REFERENCE, to="deal"),
    "lead_id": ColumnSpec(Column.REFERENCE, to="lead"),
    "person_id": ColumnSpec(Column.REFERENCE, to="person"),
    "org_id": ColumnSpec(Column.REFERENCE, to="organization"),
    "due_date": ColumnSpec(Column.DATE),
    "due_time": ColumnSpec(Column.TEXT),
    "duration": ColumnSpec(Column.TEXT),
    "busy": ColumnSpec(Column.BOOLEAN),
    "done": ColumnSpec(Column.BOOLEAN),
    "marked_as_done_time": ColumnSpec(Column.INSTANT, writable=False),
    "public_description": ColumnSpec(Column.TEXT),
    "note": ColumnSpec(Column.TEXT),
    "priority": ColumnSpec(Column.INTEGER),
}

_READ_ONLY_TEXTS = ("name", "email", "phone", "default_currency", "locale", "timezone_name")
USER_COLUMNS: Mapping[str, ColumnSpec] = {
    "id": ColumnSpec(Column.INTEGER, writable=False),
    **{name: ColumnSpec(Column.TEXT, writable=False) for name in _READ_ONLY_TEXTS},
    "active_flag": ColumnSpec(Column.BOOLEAN, writable=False),
}

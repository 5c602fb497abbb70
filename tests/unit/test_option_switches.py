"""A mapping that creates or removes records where the system's options forbid it is refused before anything runs."""

from pathlib import Path
from textwrap import dedent

import pytest

from bridge.app.plan import checked_plan
from bridge.domain.errors import ConfigError, Problem
from bridge.settings.load import load_settings

SETTINGS = """
instance: test
instance_secret: {env: SECRET}
public_url: https://bridge.example.com
systems:
  crm1:
    connector: pipedrive
    options: {api_token: {env: SECRET}}
  idaas1:
    connector: entrust
    options: {base_url: "https://acme.us.trustedauth.com", application_id: a, shared_secret: {env: SECRET}OPTIONS}
sides: {crm: crm1, idp: idaas1}
mappings_dir: mappings
"""
MAPPING = """
mapping: people
sides: {crm: pipedrive person, idp: entrust user}
direction: crm -> idp
creates: CREATES
match: [login]
deleted: {crm: DELETED}
fields:
  login: {crm: emails.primary, idp: user_id, type: email, required: true}
  name: {crm: name, idp: last_name}
"""


def problems(folder: Path, creates: str, deleted: str, options: str = "") -> list[Problem]:
    (folder / "mappings").mkdir()
    mapping = dedent(MAPPING).replace("CREATES", creates).replace("DELETED", deleted)
    (folder / "mappings" / "people.yaml").write_text(mapping)
    (folder / "bridge.yaml").write_text(dedent(SETTINGS).replace("OPTIONS", options))
    try:
        checked_plan(load_settings(folder / "bridge.yaml", {"SECRET": "0123456789abcdef"}))
    except ConfigError as error:
        return error.problems
    return []


def test_a_forbidden_create_or_removal_is_one_clear_refusal_that_names_the_option(tmp_path: Path) -> None:
    found = problems(tmp_path, "[idp]", "delete")
    assert [(problem.what, problem.remedy) for problem in found] == [
        (
            "mapping people creates entrust user records, which idaas1 does not allow",
            "set `create_users: true` below systems.idaas1.options, or write creates: []",
        ),
        (
            "mapping people deletes entrust user records, which idaas1 does not allow",
            "set `delete_users: true` below systems.idaas1.options, or write deleted: {crm: unlink}",
        ),
    ]
    assert "people.yaml" in found[0].where


@pytest.mark.parametrize(
    ("creates", "deleted", "options"),
    [
        ("[]", "unlink", ""),
        ("[]", "archive", ""),
        ("[idp]", "unlink", ", create_users: true"),
        ("[]", "delete", ", delete_users: true"),
    ],
)
def test_an_allowed_or_unwanted_create_or_removal_is_no_problem(
    tmp_path: Path, creates: str, deleted: str, options: str
) -> None:
    assert problems(tmp_path, creates, deleted, options) == []

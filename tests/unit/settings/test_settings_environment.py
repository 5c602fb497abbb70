"""BRIDGE_ variables override the file."""

import pytest

from tests.unit.settings.conftest import GOOD, Load, ProblemsOf


def test_a_variable_beats_the_file(load: Load) -> None:
    environ = {"BRIDGE_SYNC__WORKERS": "3", "BRIDGE_LOG__LEVEL": "debug", "BRIDGE_ADMIN__ALLOW_REMOTE": "true"}
    settings = load(GOOD + "sync: {workers: 5}\n", environ)
    assert settings.sync.workers == 3
    assert settings.log.level == "debug"
    assert settings.admin.allow_remote is True


def test_an_underscore_stands_for_a_dash_in_names(load: Load) -> None:
    settings = load(GOOD, {"BRIDGE_SYSTEMS__ERP_2__CONNECTOR": "other"})
    assert settings.systems["erp-2"].connector == "other"


def test_a_required_key_may_come_from_the_environment_alone(load: Load) -> None:
    text = GOOD.replace("instance_secret: {env: SECRET}\n", "")
    settings = load(text, {"BRIDGE_INSTANCE_SECRET": "from-the-environment"})
    assert settings.instance_secret.get_secret_value() == "from-the-environment"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("BRIDGE_SYNC__WORKERS", "many", "BRIDGE_SYNC__WORKERS: sync.workers: must be a whole number"),
        ("BRIDGE_SYNK__WORKERS", "1", "BRIDGE_SYNK__WORKERS: synk: unknown key - did you mean `sync`?"),
        ("BRIDGE_STORE__", "1", "BRIDGE_STORE__: names no setting"),
        ("BRIDGE_INSTANCE__NAME", "x", "BRIDGE_INSTANCE__NAME: `instance` is a single value"),
        ("BRIDGE_SIDES__ERP", "nobody", "BRIDGE_SIDES__ERP: sides.erp: `nobody` is not below `systems:`"),
    ],
)
def test_a_wrong_variable_is_named(problems_of: ProblemsOf, name: str, value: str, told: str) -> None:
    (problem,) = problems_of(GOOD, {name: value})
    assert str(problem).startswith(told)


def test_foreign_variables_and_variables_named_in_the_file_are_no_settings(load: Load) -> None:
    environ = {"PATH": "/bin", "BRIDGE_SETTINGS": "x.yaml", "BRIDGE_DB_TOKEN": "tok-4712"}
    settings = load(GOOD.replace("{env: TOKEN}", "{env: BRIDGE_DB_TOKEN}"), environ)
    assert settings.systems["crm1"].options["api_token"].get_secret_value() == "tok-4712"


def test_text_that_only_looks_like_json_stays_text(load: Load) -> None:
    settings = load(GOOD, {"BRIDGE_SYSTEMS__CRM1__OPTIONS__API_TOKEN": "{not json"})
    assert settings.systems["crm1"].options["api_token"].get_secret_value() == "{not json"

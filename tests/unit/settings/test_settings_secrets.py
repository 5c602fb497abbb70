"""Secrets come from files and the environment, never from the settings file, and are never shown."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from bridge.domain.errors import ConfigError
from bridge.settings.load import validate_options
from bridge.settings.summary import summary
from tests.unit.settings.conftest import ENVIRON, GOOD, Load, ProblemsOf


class CrmOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    base_url: str = "https://crm.example"
    api_token: SecretStr | None = None
    page_size: int = 10


class ErpOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: SecretStr = SecretStr("unset")


MODELS = {"pipedrive": CrmOptions, "deskera": ErpOptions}


def options_of(load: Load, options: str, environ: dict[str, str] | None = None) -> CrmOptions:
    checked = validate_options(load(GOOD.replace("{api_token: {env: TOKEN}}", options), environ), MODELS)["crm1"]
    assert isinstance(checked, CrmOptions)
    return checked


def token_of(options: CrmOptions) -> str:
    assert options.api_token is not None
    return options.api_token.get_secret_value()


def test_a_secret_comes_from_a_variable_the_file_names(load: Load) -> None:
    assert token_of(options_of(load, "{api_token: {env: TOKEN}}")) == "tok-4711"


def test_a_secret_comes_from_a_file_beside_the_settings(load: Load, path: Path) -> None:
    (path.parent / "token").write_text("from-file\n")
    assert token_of(options_of(load, "{api_token: {file: token}}")) == "from-file"


def test_a_secret_comes_from_a_bridge_variable(load: Load) -> None:
    environ = {"BRIDGE_SYSTEMS__CRM1__OPTIONS__API_TOKEN": "from-environment"}
    assert token_of(options_of(load, "{}", environ)) == "from-environment"
    assert token_of(options_of(load, "{api_token: {env: TOKEN}}", environ)) == "from-environment"


def test_a_whole_section_of_options_may_come_from_one_variable(load: Load) -> None:
    environ = {"BRIDGE_SYSTEMS__CRM1__OPTIONS": '{"api_token": "from-json", "page_size": 3}'}
    options = options_of(load, "{}", environ)
    assert token_of(options) == "from-json"
    assert options.page_size == 3


@pytest.mark.parametrize("literal", ["plain-secret-1", "4711471147114711"])
def test_a_secret_in_the_settings_file_is_a_problem_that_says_how_to_do_it_right(
    problems_of: ProblemsOf, path: Path, literal: str
) -> None:
    (problem,) = problems_of(GOOD.replace("{env: SECRET}", literal))
    assert str(problem) == (
        f"{path}:2: instance_secret: a secret stands in the settings file"
        " - write {file: path} or {env: NAME} instead"
    )


@pytest.mark.parametrize("literal", ["plain-secret-1", "4711"])
def test_a_secret_among_the_options_in_the_settings_file_is_one_problem(load: Load, path: Path, literal: str) -> None:
    with pytest.raises(ConfigError) as caught:
        options_of(load, f"{{api_token: {literal}}}")
    (problem,) = caught.value.problems
    assert problem.where == f"{path}:7: systems.crm1.options.api_token"
    assert problem.what == "a secret stands in the settings file"


def test_a_store_password_must_not_be_in_the_file_but_may_come_from_elsewhere(
    load: Load, problems_of: ProblemsOf
) -> None:
    (problem,) = problems_of(GOOD + "store: {url: 'postgresql://me:hunter22@db/bridge'}\n")
    assert problem.what == "a secret stands in the settings file"
    assert "hunter22" not in str(problem)
    url = "postgresql://me:hunter22@db/bridge?password=hunter33"
    for settings in (
        load(GOOD + "store: {url: {env: DB}}\n", {"DB": url}),
        load(GOOD, {"BRIDGE_STORE__URL": url}),
    ):
        assert settings.store.url == url
        shown = repr(settings) + str(settings) + "\n".join(summary(settings))
        assert "hunter" not in shown
        assert "store.url = postgresql://me@db/bridge" in shown


def test_problems_of_options_have_the_form_of_all_others(load: Load, path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        options_of(load, "{base_urll: x, page_size: many}", {"BRIDGE_SYSTEMS__CRM1__OPTIONS__PAGES": "1"})
    told = [str(problem) for problem in caught.value.problems]
    assert told == [
        f"{path}:7: systems.crm1.options.base_urll: unknown key - did you mean `base_url`?",
        f"{path}:7: systems.crm1.options.page_size: must be a whole number",
        "BRIDGE_SYSTEMS__CRM1__OPTIONS__PAGES: systems.crm1.options.pages: unknown key - did you mean `page_size`?",
    ]


def test_an_unknown_product_is_a_problem_with_a_guess(load: Load, path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        validate_options(load(GOOD.replace("pipedrive", "pipdrive")), MODELS)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{path}:6: systems.crm1.connector: no product is called `pipdrive` - did you mean `pipedrive`?"
    ]


def test_options_that_are_no_secret_may_be_read_from_elsewhere_too(load: Load) -> None:
    environ = {"URL": "https://other.example", "BRIDGE_SYSTEMS__CRM1__OPTIONS__PAGE_SIZE": "25"}
    options = options_of(load, "{base_url: {env: URL}}", environ)
    assert (options.base_url, options.page_size) == ("https://other.example", 25)


def test_a_secret_that_is_missing_or_empty_is_reported_once(problems_of: ProblemsOf, path: Path) -> None:
    (path.parent / "empty").write_text(" \n")
    assert [problem.what for problem in problems_of(GOOD.replace("{env: SECRET}", "{file: empty}"))] == [
        f"the file {path.parent / 'empty'} is empty"
    ]
    assert [problem.what for problem in problems_of(GOOD.replace("{env: TOKEN}", "{file: nowhere}"))] == [
        f"the file {path.parent / 'nowhere'}: there is no such file"
    ]


def test_a_former_instance_secret_is_a_secret_as_well(load: Load, problems_of: ProblemsOf, path: Path) -> None:
    settings = load(GOOD + "instance_secret_former: {env: SECRET}\n")
    assert settings.instance_secret_former is not None
    assert settings.instance_secret_former.get_secret_value() == ENVIRON["SECRET"]
    (problem,) = problems_of(GOOD + "instance_secret_former: hunter22hunter22hunter22\n")
    assert (problem.what, "hunter" in str(problem)) == ("a secret stands in the settings file", False)
    (problem,) = problems_of(GOOD + "instance_secret_former: {env: SHORT}\n", {"SHORT": "short-one"})
    assert ("16" in problem.what, "short-one" in str(problem)) == (True, False)


def test_a_short_instance_secret_is_refused_without_being_shown(problems_of: ProblemsOf) -> None:
    (problem,) = problems_of(GOOD, {"SECRET": "short-one"})
    assert "16" in problem.what
    assert "short-one" not in str(problem)


def test_a_duplicate_key_does_not_show_its_values(problems_of: ProblemsOf) -> None:
    told = [str(problem) for problem in problems_of("token: hunter22\ntoken: hunter33\n")]
    assert any("`token` is written twice" in problem for problem in told)
    assert "hunter" not in "".join(told)


def test_text_that_looks_like_a_tag_is_not_shown(problems_of: ProblemsOf) -> None:
    told = [str(problem) for problem in problems_of(GOOD.replace("https://bridge", "!hunter22 https://bridge"))]
    assert any("a tag (!NAME) means nothing here" in problem for problem in told)
    assert "hunter" not in "".join(told)


def test_the_start_up_summary_shows_secrets_as_set_or_unset(load: Load) -> None:
    text = GOOD.replace("options: {}", "options: {password: {env: TOKEN}, scope: null}")
    lines = summary(load(text))
    assert "instance = test" in lines
    assert "instance_secret = set" in lines
    assert "systems.crm1.options.api_token = set" in lines
    assert "systems.erp-2.options.password = set" in lines
    assert "sync.workers = 8" in lines
    assert "tok-4711" not in "\n".join(lines)


def test_a_secret_from_a_bridge_variable_is_not_shown_either(load: Load) -> None:
    settings = load(GOOD, {"BRIDGE_SYSTEMS__CRM1__OPTIONS__API_TOKEN": "from-environment"})
    assert "from-environment" not in "\n".join(summary(settings)) + repr(settings)


def test_a_credential_comes_from_the_folder_the_service_manager_names(load: Load, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-systemd\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert token_of(options_of(load, "{api_token: {credential: token}}", environ)) == "from-systemd"


def test_a_credential_outside_of_a_service_is_one_problem_that_says_what_to_do(
    problems_of: ProblemsOf, path: Path
) -> None:
    (problem,) = problems_of(GOOD.replace("{env: SECRET}", "{credential: secret}"))
    assert problem.where == f"{path}:2: instance_secret"
    assert problem.what == "the variable CREDENTIALS_DIRECTORY is not set"
    assert "LoadCredential=" in problem.remedy

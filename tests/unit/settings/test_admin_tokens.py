"""Tokens of the admin listener in the settings: secrets come from elsewhere, names and secrets are unique."""

import pytest

from tests.unit.settings.conftest import GOOD, Load, ProblemsOf

ANNA = "anna-token-0123456789-0123456789"
ENVIRON = {"ANNA": ANNA, "OLE": "ole-token-0123456789-0123456789x"}
TOKENS = """\
admin:
  tokens:
    - {name: anna, role: operate, secret: {env: ANNA}}
    - {name: ole, role: read, secret: {env: OLE}}
"""


def test_tokens_are_read_with_their_roles_and_never_shown(load: Load) -> None:
    settings = load(GOOD + TOKENS, ENVIRON)
    assert [(token.name, token.role) for token in settings.admin.tokens] == [("anna", "operate"), ("ole", "read")]
    assert settings.admin.tokens[0].secret.get_secret_value() == ANNA
    assert ANNA not in repr(settings)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (TOKENS.replace("{env: ANNA}", ANNA), "admin.tokens.0.secret: a secret stands in the settings file"),
        (TOKENS.replace("operate", "admin"), "admin.tokens.0.role: must be 'read' or 'operate'"),
        (TOKENS.replace("name: ole", "name: anna"), "anna appears twice"),
        (TOKENS.replace("{env: OLE}", "{env: ANNA}"), "two of them have the same secret"),
        (TOKENS.replace("{env: OLE}", "{env: SECRET}"), "admin.tokens.1.secret: must have at least 24 characters"),
        ("admin: {host: 10.0.0.5, allow_remote: true, this_machine: read}\n", "for a host on loopback only"),
        ("admin: {this_machine: anybody}\n", "admin.this_machine: must be 'nobody', 'read' or 'operate'"),
    ],
)
def test_problems_of_tokens_are_reported_with_their_place(problems_of: ProblemsOf, written: str, said: str) -> None:
    (problem,) = problems_of(GOOD + written, ENVIRON)
    assert said in str(problem)
    assert ANNA not in str(problem)

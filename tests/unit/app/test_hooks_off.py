"""A hook that the settings switch off must exist in its product."""

from pathlib import Path

import pytest

from bridge.app.plan import checked
from bridge.domain.errors import ConfigError

ROOT = Path(__file__).parents[3]
ENVIRON = {
    "INSTANCE_SECRET": "x" * 40,
    "PIPEDRIVE_API_TOKEN": "t",
    "DESKERA_CLIENT_ID": "cl_pub_1",
    "DESKERA_CLIENT_SECRET": "cl_priv_1",
}


def settings(folder: Path, hooks_off: str) -> Path:
    """Write the example settings with these hooks of crm1 switched off."""
    text = (ROOT / "config" / "bridge.yaml").read_text()
    file = folder / "bridge.yaml"
    mappings = ROOT / "mappings" / "pipedrive-deskera"
    file.write_text(
        text.replace("hooks_off: []", f"hooks_off: {hooks_off}").replace("../mappings/pipedrive-deskera", str(mappings))
    )
    (folder / "secrets").mkdir()
    (folder / "secrets" / "deskera-refresh-token").write_text("refresh-1\n")
    return file


def test_a_known_hook_is_accepted(tmp_path: Path) -> None:
    found, _ = checked(settings(tmp_path, "[any.deal]"), ENVIRON)
    assert found.systems["crm1"].hooks_off == ["any.deal"]


def test_an_unknown_hook_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(settings(tmp_path, "[any.deal, any.dael]"), ENVIRON)
    (problem,) = caught.value.problems
    assert "crm1 has no hook `any.dael`" in problem.what
    assert "did you mean `any.deal`?" in problem.remedy
    assert "systems.crm1.hooks_off" in str(problem)

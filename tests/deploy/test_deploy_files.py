"""The files in config/deploy are valid by their schemas, and agree with each other and with the program."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from tests.acceptance.site import run_command

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "config" / "deploy"
UNIT = DEPLOY / "sync-bridge.service"
EXPOSURE = 15  # tenths: `systemd-analyze security` says 1.2; leaves room for a new line of the unit
KUBERNETES = ("1.31", "1.37")
CADDY = shutil.which("caddy")
EXAMPLES = {
    "instance-secret": "instance-secret-never-shown",
    "store-url": "postgresql://bridge:hidden@127.0.0.1:1/bridge",
    "pipedrive-api-token": "sandbox-token",
    "deskera-client-id": "cl_pub_sandbox",
    "deskera-client-secret": "cl_priv_sandbox",
}


def yaml_of(path: Path) -> list[Any]:
    reader = YAML(typ="safe", pure=True)
    return list(reader.load_all(path.read_text(encoding="utf-8")))


def compose() -> Any:
    return yaml_of(DEPLOY / "compose.yaml")[0]


def manifests() -> dict[str, Any]:
    return {one["kind"]: one for one in yaml_of(DEPLOY / "kubernetes.yaml")}


def pod() -> Any:
    return manifests()["Deployment"]["spec"]["template"]["spec"]


def test_compose_fits_the_specifications_schema() -> None:
    schema = yaml_of(Path(__file__).with_name("compose-spec.json"))[0]
    judge = jsonschema.Draft7Validator(schema)
    judge.validate(compose())
    assert not judge.is_valid({"services": {"bridge": {"image": "x", "read_onl": True}}})


def test_compose_runs_two_bridges_that_can_do_little_behind_a_proxy() -> None:
    services = compose()["services"]
    bridges = [services[name] for name in ("bridge-1", "bridge-2")]
    for one in bridges:
        assert (one["read_only"], one["cap_drop"], one["init"]) == (True, ["ALL"], True)
        assert "ports" not in one
    assert services["caddy"]["ports"] == ["80:80", "443:443"]
    assert compose()["networks"]["inside"] == {"internal": True}
    assert services["postgres"]["networks"] == ["inside"]


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("kind", ["Deployment", "PodDisruptionBudget", "Service", "Ingress"])
def test_manifests_fit_the_schema_of_kubernetes(kind: str, version: str) -> None:
    kubernetes_validate.validate(manifests()[kind], version, strict=True)


def test_the_schema_of_kubernetes_refuses_a_misspelt_key() -> None:
    wrong = manifests()["PodDisruptionBudget"]
    wrong["spec"]["minAvailible"] = wrong["spec"].pop("minAvailable")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES[-1], strict=True)


def test_kubernetes_runs_two_instances_of_which_one_always_stays() -> None:
    found = manifests()
    deployment = found["Deployment"]["spec"]
    assert deployment["replicas"] == 2
    assert found["PodDisruptionBudget"]["spec"]["minAvailable"] == 1
    labels = deployment["template"]["metadata"]["labels"]
    for selector in (
        deployment["selector"]["matchLabels"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
    ):
        assert selector.items() <= labels.items()
    paths = {
        name: pod()["containers"][0][name]["httpGet"]["path"]
        for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    live = "/health/live"
    assert paths == {"startupProbe": live, "livenessProbe": live, "readinessProbe": "/health/ready"}


def test_the_container_can_do_little() -> None:
    security = pod()["containers"][0]["securityContext"]
    assert security == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["enableServiceLinks"] is False  # otherwise BRIDGE_PORT and the like would count as settings


def credentials(node: Any) -> set[str]:
    """Return the names of all {credential: NAME} in the settings."""
    if isinstance(node, dict):
        if node.keys() == {"credential"}:
            return {node["credential"]}
        return set().union(*map(credentials, node.values()))
    return set()


def test_every_way_of_deployment_passes_the_secrets_of_the_settings() -> None:
    wanted = credentials(yaml_of(DEPLOY / "bridge.yaml")[0])
    assert wanted == EXAMPLES.keys()
    assert set(compose()["services"]["bridge-1"]["secrets"]) == wanted
    assert wanted <= compose()["secrets"].keys()
    loaded = [line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith("LoadCredential=")]
    names = {line.partition(":")[0] for line in loaded}
    assert names == wanted - {"store-url"}  # SQLite there
    assert all(
        line == f"{name}:/etc/sync-bridge/secrets/{name}" for line in loaded for name in [line.partition(":")[0]]
    )


def test_the_instructions_for_compose_name_every_file_that_the_services_need() -> None:
    _, _, rest = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8").partition("\nThe compose file has")
    recipe, _, _ = rest.partition("\nFor Kubernetes")
    assert recipe.index("cd config/deploy") < recipe.index("mkdir -p secrets mappings")
    started = recipe.index("docker compose")
    for secret in compose()["secrets"].values():
        assert secret["file"].removeprefix("./") in recipe[:started]
    assert "> .env" in recipe[:started]
    assert "BRIDGE_HOST=" in recipe[:started]


def test_plan_has_room_for_its_scratch_copy() -> None:
    (scratch,) = [one for one in pod()["volumes"] if one["name"] == "scratch"]
    assert scratch["emptyDir"]["sizeLimit"] == "2Gi"  # 1.5 kB a pair


def test_the_settings_have_no_problems(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "bridge.yaml", tmp_path)
    shutil.copytree(ROOT / "mappings" / "pipedrive-deskera", tmp_path / "mappings")
    (tmp_path / "secrets").mkdir()
    for name, value in EXAMPLES.items():
        (tmp_path / "secrets" / name).write_text(value)
    checked = run_command(
        tmp_path / "bridge.yaml", "check", variables={"CREDENTIALS_DIRECTORY": str(tmp_path / "secrets")}
    )
    assert (checked.code, checked.err) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_the_unit_is_valid_and_lets_the_bridge_do_little(tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace("/usr/local/bin/bridge", "/bin/true"))
    verified = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")
    scored = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", str(here)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert scored.returncode == 0, scored.stdout[-300:]
    here.write_text(here.read_text().replace("ProtectSystem=strict\n", "").replace("CapabilityBoundingSet=\n", ""))
    assert subprocess.run(scored.args, capture_output=True, timeout=60).returncode != 0


def test_the_unit_waits_for_the_ready_message_and_longer_than_any_call_to_the_store() -> None:
    text = UNIT.read_text()
    assert "Type=notify\n" in text
    assert "WatchdogSec=180\n" in text


@pytest.mark.skipif(CADDY is None, reason="caddy is not here")
def test_caddy_accepts_its_file(tmp_path: Path) -> None:
    command = [str(CADDY), "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr

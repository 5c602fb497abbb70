"""A CycloneDX SBOM of a release: the wheel and every package that requirements.lock pins, with their hashes.

    python .ci/sbom.py dist

It contains nothing that changes from run to run; the serial number is derived from the content.
"""

import json
import re
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).parents[1]
ENTRY = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^ ;\\\n]+)"
    r"(?P<marker>[^\\\n]*)(?P<hashes>(?:\\\n\s+--hash=\S+ ?)*)",
    re.MULTILINE,
)


def components(lock: str) -> list[dict[str, Any]]:
    found = []
    for entry in ENTRY.finditer(lock):
        name, version = entry["name"].lower(), entry["version"]
        purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name)}@{version}"
        one: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        if marker := entry["marker"].strip(" ;"):
            one["properties"] = [{"name": "python:marker", "value": marker}]
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", entry["hashes"])
        one["externalReferences"] = [
            {
                "type": "distribution",
                "url": purl,
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in hashes],
            }
        ]
        found.append(one)
    return found


def bill(project: dict[str, Any], lock: str, files: dict[str, bytes]) -> dict[str, Any]:
    name, version = project["name"], project["version"]
    mine = f"pkg:pypi/{name}@{version}"
    parts = components(lock)
    product = {
        "type": "application",
        "bom-ref": mine,
        "name": name,
        "version": version,
        "purl": mine,
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
        "externalReferences": [
            {
                "type": "distribution",
                "url": file,
                "hashes": [{"alg": "SHA-256", "content": sha256(content).hexdigest()}],
            }
            for file, content in sorted(files.items())
        ],
    }
    content = {"metadata": {"component": product}, "components": parts}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(content, sort_keys=True))}",
        "version": 1,
        **content,
        "dependencies": [{"ref": mine, "dependsOn": [one["bom-ref"] for one in parts]}],
    }


def main(folder: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    built = [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    text = json.dumps(bill(project, lock, {path.name: path.read_bytes() for path in built}), indent=1)
    out = folder / f"{project['name']}-{project['version']}.cdx.json"
    out.write_text(text + "\n", encoding="utf-8")
    print(f"{out}: {text.count('pkg:pypi')} names, {len(built)} files")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Are pinned packages named by a known advisory? From a dated list in this folder, so that no network is needed.

    python .ci/audit.py                       # exit code 1 when one is; says so when the list is old
    python .ci/audit.py --refresh FOLDER      # make the list anew from a clone of PyPI's advisory database

FOLDER is a clone of https://github.com/pypa/advisory-database. Only packages that the lock files pin are kept.
"""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.version import Version
from ruamel.yaml import YAML

HERE = Path(__file__).parent
LIST = HERE / "advisories.json"
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-docs.lock")
OLD_DAYS = 90
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(*locks: str) -> dict[str, set[str]]:
    """Return the versions of each package that the lock files name."""
    found: dict[str, set[str]] = {}
    for lock in locks:
        for name, version in PINNED.findall((HERE.parent / lock).read_text(encoding="utf-8")):
            found.setdefault(normal(name), set()).add(version)
    return found


def affected(version: str, advisory: dict[str, Any]) -> bool:
    """Whether the version is named, or lies within a range: from `introduced` on, before `fixed` or up to `last`."""
    if version in advisory["versions"]:
        return True
    here = Version(version)
    for span in advisory["ranges"]:
        begins = span["introduced"] in ("0", None) or here >= Version(span["introduced"])
        before = span.get("fixed") is None or here < Version(span["fixed"])
        upto = span.get("last") is None or here <= Version(span["last"])
        if begins and before and upto:
            return True
    return False


def findings(packages: dict[str, set[str]], advisories: list[dict[str, Any]]) -> list[str]:
    return [
        f"{one['package']} {version}: {one['id']} ({', '.join(one['aliases']) or 'no other name'}): {one['summary']}"
        for one in advisories
        for version in sorted(packages.get(one["package"], ()))
        if affected(version, one)
    ]


def refreshed(folder: Path, packages: dict[str, set[str]]) -> dict[str, Any]:
    """Return the list as of the clone's last commit."""
    reader = YAML(typ="safe", pure=True)
    git = ["git", "-C", str(folder)]
    day = subprocess.run([*git, "log", "-1", "--format=%cI"], capture_output=True, text=True, check=True).stdout.strip()
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "--name-only", "HEAD", "vulns/"], capture_output=True, text=True, check=True
    ).stdout.split()
    kept = []
    for path in listed:
        if normal(path.split("/")[1]) in packages:
            text = subprocess.run([*git, "show", f"HEAD:{path}"], capture_output=True, text=True, check=True).stdout
            kept += entries(reader.load(text))
    source = "github.com/pypa/advisory-database"
    return {"source": source, "as_of": day[:10], "looked_for": sorted(packages), "advisories": kept}


def entries(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one entry for each package that an advisory of the database (OSV) is about; leave out withdrawn ones."""
    if content.get("withdrawn"):
        return []
    summary = " ".join(str(content.get("summary") or content.get("details") or "").split())[:200]
    found = []
    for one in content.get("affected", []):
        spans = []
        for within in one.get("ranges", []):
            if within.get("type") != "ECOSYSTEM":
                continue
            for event in within["events"]:
                if "introduced" in event:
                    spans.append({"introduced": str(event["introduced"])})
                elif spans:
                    spans[-1]["fixed" if "fixed" in event else "last"] = str(
                        event.get("fixed") or event.get("last_affected") or event.get("limit")
                    )
        found.append(
            {
                "package": normal(one["package"]["name"]),
                "id": content["id"],
                "aliases": content.get("aliases", []),
                "summary": summary,
                "ranges": spans,
                "versions": [] if spans else [str(version) for version in one.get("versions", [])],
            }
        )
    return found


def main(arguments: list[str]) -> int:
    packages = pinned(*LOCKS)
    if arguments[:1] == ["--refresh"]:
        LIST.write_text(json.dumps(refreshed(Path(arguments[1]), packages), indent=1) + "\n", encoding="utf-8")
    known = json.loads(LIST.read_text(encoding="utf-8"))
    age = (datetime.now(UTC).date() - datetime.fromisoformat(known["as_of"]).date()).days
    found = findings(packages, known["advisories"])
    print(f"{len(packages)} packages, {len(known['advisories'])} advisories as of {known['as_of']} ({age} days ago)")
    for line in found:
        print(f"  {line}")
    if missing := sorted(packages.keys() - set(known.get("looked_for", packages))):
        print(f"the list was made without {', '.join(missing)}: make it anew")
    if age > OLD_DAYS:
        print(f"the list is older than {OLD_DAYS} days: python .ci/audit.py --refresh CLONE makes it anew")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A real BottleCRM on loopback, and a separate client for it that shares nothing with the connector.

Differences from an installation for people: SQLite made from the models, tasks that run within the request, hooks that
may call 127.0.0.1, and a loop in place of the scheduler that retries deliveries.
"""

import json
import os
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.real.install import Server, installed, python_from
from tests.real.progress import say

PACKAGES = ("django-crm==1.35.0",)
NEEDS_PYTHON = 12
DATABASE = "crm.sqlite3"
SETTINGS = '''\
"""Settings of a rehearsal: the product's own, on SQLite and without a broker."""
import os

from crm.settings import *  # noqa: F403

SECRET_KEY = os.environ["REAL_SECRET_KEY"]
INSTALLED_APPS = [*INSTALLED_APPS, "real_app.Loopback"]  # noqa: F405
PRAGMAS = "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
OPTIONS = {"timeout": 30, "transaction_mode": "IMMEDIATE", "init_command": PRAGMAS}
ENGINE, NAME = "django.db.backends.sqlite3", os.environ["REAL_DATABASE"]
DATABASES = {"default": {"ENGINE": ENGINE, "NAME": NAME, "OPTIONS": OPTIONS}}
CELERY_TASK_ALWAYS_EAGER = True
CELERY_BROKER_URL, CELERY_RESULT_BACKEND = "memory://", "cache+memory://"


class FromTheModels(dict):
    """No migrations: the tables are made as the models are."""

    def __contains__(self, app):
        return True

    def __getitem__(self, app):
        return None


MIGRATION_MODULES = FromTheModels()
'''
LOOPBACK = '''\
"""Lets hooks call this machine, which the product refuses with good reason."""
from django.apps import AppConfig


class AnyPort:
    def __contains__(self, port):
        return True


class Loopback(AppConfig):
    name = "real_app"

    def ready(self):
        from webhooks import ssrf

        judged = ssrf.is_blocked
        ssrf.is_blocked = lambda address: str(address) != "127.0.0.1" and judged(address)
        ssrf._allowed_schemes = lambda: ("http", "https")
        ssrf._allowed_ports = AnyPort
'''
ACCOUNT = '''\
"""One organisation with one administrator: its access token, and two logins, one of them for the bridge alone."""
import json

import django

django.setup()
from common.models import Org, PersonalAccessToken, Profile, User
from common.serializer import OrgAwareRefreshToken

user = User.objects.create_superuser(email="admin@example.com", password=None)
org = Org.objects.create(name="Rehearsal")
profile = Profile.objects.create(user=user, org=org, role="ADMIN")
token, _ = PersonalAccessToken.generate(profile, "bridge")
login, person = (OrgAwareRefreshToken.for_user_and_org(user, org, profile) for _ in range(2))
print(json.dumps({"token": token, "refresh": str(login), "person": str(person.access_token)}))
'''
AGAIN = '''\
"""Tries deliveries again that are due, as the scheduler does every minute."""
import time

import django

django.setup()
from django.db import close_old_connections
from webhooks.tasks import dispatch_due_deliveries

while True:
    time.sleep(10)
    try:
        dispatch_due_deliveries()
    except Exception as error:
        print("deliveries:", error, flush=True)
    close_old_connections()
'''
Row = dict[str, Any]


class Bottle:
    """`folder` keeps the packages and an empty database; every run works on a copy of the database."""

    pair = "bottlecrm-tryton"
    mapping = "front-office-accounts"
    side, product, entity, winner = "front", "bottlecrm", "account", "office"
    mappings: tuple[str, ...] = ("front-office-accounts", "front-office-deals")

    def __init__(self, folder: Path, run: Path) -> None:
        self._python = installed(folder, PACKAGES, python_from(NEEDS_PYTHON))
        self._made, self._run = folder / "made", run / "bottlecrm"
        self._run.mkdir(parents=True)
        self.url = f"http://127.0.0.1:{free_port()}"
        self._access: dict[str, str] = {}
        self._secret = secrets.token_urlsafe(48)
        for name, text in (("real_settings", SETTINGS), ("real_app", LOOPBACK)):
            (self._run / f"{name}.py").write_text(text)
        log = self._run / "server.log"
        address = self.url.removeprefix("http://")
        served = ["-m", "gunicorn", "crm.wsgi:application", "-b", address, "--workers", "1", "--threads", "8"]
        self._servers = [
            Server([str(self._python), *command], log, self._environment(self._run), self._run)
            for command in ([*served, "--no-control-socket"], ["-c", AGAIN])
        ]

    def start(self) -> None:
        """Start from the kept database; the first run creates it."""
        if not (self._made / "done").exists():
            self._make()
        shutil.copy(self._made / DATABASE, self._run / DATABASE)
        command = [str(self._python), "-c", ACCOUNT]
        done = subprocess.run(command, env=self._environment(self._run), cwd=self._run, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        self._access = json.loads(done.stdout.strip().splitlines()[-1])
        web, again = self._servers
        web.start(self._answers)
        again.start(lambda: True)

    def stop(self) -> None:
        for server in self._servers:
            server.stop()

    def options(self) -> str:
        return (
            f'{{base_url: "{self.url}", access_token: {{env: REAL_BOTTLE_TOKEN}}, '
            "admin_refresh_token: {env: REAL_BOTTLE_REFRESH}}"
        )

    def secrets(self) -> dict[str, str]:
        return {"REAL_BOTTLE_TOKEN": self._access["token"], "REAL_BOTTLE_REFRESH": self._access["refresh"]}

    def companies(self) -> list[Row]:
        said = self._call("GET", "/api/accounts/?limit=1000")
        rows = said["active_accounts"]["open_accounts"]
        return sorted(rows, key=lambda row: (row["name"], row["id"]))

    def create(self, *names: str) -> list[str]:
        return [self._call("POST", "/api/accounts/", {"name": name})["id"] for name in names]

    def edit(self, record: str, **values: str) -> None:
        self._call("PATCH", f"/api/accounts/{record}/", values)

    def delete(self, record: str) -> None:
        self._call("DELETE", f"/api/accounts/{record}/")

    def opportunities(self) -> list[Row]:
        found: list[Row] = self._call("GET", "/api/opportunities/?limit=1000")["opportunities"]
        return found

    def create_opportunity(self, **values: Any) -> str:
        return str(self._call("POST", "/api/opportunities/", values)["id"])

    def edit_opportunity(self, record: str, **values: Any) -> None:
        self._call("PATCH", f"/api/opportunities/{record}/", values)

    def break_hook(self) -> None:
        """Switch all hooks off, as an administrator does."""
        for hook in self._hooks():
            self._call("PATCH", f"/api/webhooks/{hook['id']}/", {"is_active": False}, person=True)

    def hooks_work(self) -> bool:
        hooks = self._hooks()
        return bool(hooks) and all(hook["is_active"] for hook in hooks)

    def _hooks(self) -> list[Row]:
        found: list[Row] = self._call("GET", "/api/webhooks/", person=True)["endpoints"]
        return found

    def _call(self, method: str, path: str, body: Any = None, *, person: bool = False) -> Any:
        data = None if body is None else json.dumps(body).encode()
        token = self._access["person" if person else "token"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.code} {error.read()[:300]!r}") from None

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/healthz/", timeout=10).close()
        except OSError:
            return False
        return True

    def _make(self) -> None:
        say("making the BottleCRM database (once)")
        shutil.rmtree(self._made, ignore_errors=True)
        self._made.mkdir(parents=True)
        command = [str(self._python), "-m", "django", "migrate", "--run-syncdb", "-v0"]
        environment = {**self._environment(self._made), "PYTHONPATH": str(self._run)}
        with (self._made / "made.log").open("ab") as log:
            subprocess.run(command, check=True, env=environment, cwd=self._made, stdout=log, stderr=log)
        (self._made / "done").touch()

    def _environment(self, folder: Path) -> dict[str, str]:
        ours = {"PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "real_settings", "ENV_TYPE": "dev"}
        return {**os.environ, **ours, "REAL_DATABASE": str(folder / DATABASE), "REAL_SECRET_KEY": self._secret}

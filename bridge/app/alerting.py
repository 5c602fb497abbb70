"""Builds the alerts that the settings define from the parts of a bridge."""

from collections.abc import Callable
from datetime import time
from importlib.util import find_spec
from zoneinfo import ZoneInfo

from bridge.alerts.policy import Rule
from bridge.alerts.quiet import QuietHours
from bridge.alerts.watch import Alerts, Observe, Target, Words, sender
from bridge.app.finding import remedy_of
from bridge.domain.errors import Problem
from bridge.domain.seams import Seams
from bridge.monitoring.health import HealthBoard, Status
from bridge.settings.model import AlertSettings, Settings
from bridge.store.engine import Store


def missing_extras(settings: Settings) -> list[Problem]:
    """Return a problem for each Python package that the settings need and that is not installed."""
    wanted = [
        (("alerts", "targets"), settings.alerts.targets, "apprise", "alerts"),
        (("traces", "endpoint"), settings.traces.endpoint, "opentelemetry", "otel"),
    ]
    return [
        settings.places.problem(
            place,
            f"the Python package {package} is missing",
            f"install sync-bridge[{extra}]: in its clone `pipx install --force '.[{extra}]'`",
        )
        for place, value, package, extra in wanted
        if value and find_spec(package) is None
    ]


def alerts_of(settings: Settings, board: HealthBoard, store: Store, seams: Seams, observe: Observe) -> Alerts:
    """Return the alerts. Nothing is sent yet."""
    alerts = settings.alerts
    targets = [
        Target(target.name, rule_of(alerts, Status[target.least.upper()]), sender(target.url.get_secret_value()))
        for target in alerts.targets
    ]
    return Alerts(targets, words_of(settings, lambda text: text), board, store.alerts, seams, observe)


def words_of(settings: Settings, redact: Callable[[str], str]) -> Words:
    """Return what messages of this bridge need besides health."""
    return Words(settings.instance, ZoneInfo(settings.alerts.zone), remedy_of, redact)


def rule_of(alerts: AlertSettings, least: Status) -> Rule:
    """Return when a target of these settings is told, if `least` is the lowest status that it is told."""
    quiet = None
    if alerts.quiet_from is not None and alerts.quiet_until is not None:
        quiet = QuietHours(
            time.fromisoformat(alerts.quiet_from),
            time.fromisoformat(alerts.quiet_until),
            ZoneInfo(alerts.zone),
            Status.FAIL if alerts.quiet_passes == "fail" else None,
        )
    return Rule(least, alerts.group_seconds, alerts.repeat_seconds, quiet)

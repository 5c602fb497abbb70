"""Where traces go, by OpenTelemetry: its packages are imported only when the settings name an endpoint."""

from typing import Any

from bridge.domain.late import late
from bridge.domain.values import dataclass

OTEL = ("bridge.monitoring.otel", "exporting")


@dataclass(frozen=True, slots=True)
class Traced:
    """endpoint: OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces. sample: how many of 1.0 events are traced.
    propagate: whether calls tell the vendors. authorization: of the endpoint."""

    endpoint: str
    sample: float = 1.0
    propagate: bool = False
    authorization: str = ""


def tracing_to(traced: Traced, bridge: str, instance: str) -> Any:
    """An `Otel` that sends there in the background; end it with `shutdown`. `bridge`: its name in the settings."""
    return late(*OTEL)(traced, bridge, instance)

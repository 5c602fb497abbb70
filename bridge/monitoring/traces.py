"""Where traces are sent, with OpenTelemetry. Its packages are imported only if the settings name an endpoint."""

from typing import Any

from bridge.domain.frozen import dataclass
from bridge.domain.late import late

OTEL = ("bridge.monitoring.otel", "exporting")


@dataclass(frozen=True, slots=True)
class Traced:
    """`endpoint`: OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces. `sample`: the share of events that is
    traced, from 0 to 1. `propagate`: whether calls to the vendors carry the trace's id. `authorization`: the header for
    the endpoint."""

    endpoint: str
    sample: float = 1.0
    propagate: bool = False
    authorization: str = ""


def tracing_to(traced: Traced, bridge: str, instance: str) -> Any:
    """Return an `Otel` that sends to this endpoint in the background; `shutdown` ends it. `bridge`: its name in the
    settings."""
    return late(*OTEL)(traced, bridge, instance)

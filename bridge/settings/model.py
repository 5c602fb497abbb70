"""Every setting, with its description and unit. docs/settings.md is generated from here."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.domain.guess import did_you_mean
from bridge.settings.hosts import is_loopback, plain_host
from bridge.settings.parts import MAPPINGS_DIR, NO_ADDRESS, STORE_URL, is_store
from bridge.settings.problems import NAME, Places

Name = Annotated[str, Field(pattern=NAME)]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]
WRITE_MARGIN_SECONDS = 15.0  # a lease must last this much longer than a write may, or no write could start


def binding_problems(systems: Iterable[str], sides: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (side, what is wrong, remedy) for every side that is bound to no system, or to one that another side
    has."""
    known, taken, problems = set(systems), dict[str, str](), list[tuple[str, str, str]]()
    for side, system in sides.items():
        if system not in known:
            problems.append((side, f"`{system}` is not below `systems:`", did_you_mean(system, known)))
        elif system in taken:
            what = f"`{system}` already plays `{taken[system]}`"
            problems.append((side, what, "bind each side to a system of its own"))
        taken.setdefault(system, side)
    return problems


class Section(BaseModel):
    """A part of the settings file. Unknown keys are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(Section):
    url: str = Field(
        STORE_URL,
        repr=False,
        description="Where the store is: sqlite:///path (relative to this file) or "
        "postgresql://user@host/name, or postgresql://user@one:5432,two:5432/name where the primary may change. "
        "One with a password comes from {file: path}, {env: NAME} or BRIDGE_STORE__URL.",
    )

    @field_validator("url")
    @classmethod
    def _is_store(cls, value: str) -> str:
        if not is_store(value):
            raise ValueError(NO_ADDRESS)
        return value


class SystemSettings(Section):
    connector: str = Field(description="The product: see docs/systems.md.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="What this product needs: address and credentials. Secrets by file or env."
    )
    stopped_hooks: Literal["mend", "respect"] = Field(
        "mend",
        description="What an audit does about a hook of the bridge that somebody deactivated at the vendor. mend: "
        "registers it again; respect: leaves it, and sweeps find its changes.",
    )
    hooks_off: list[str] = Field(
        default_factory=list,
        description="Hooks not to register, as `bridge hooks list` names them; sweeps find the changes.",
    )
    sweep_seconds: Seconds | None = Field(
        None,
        description="How often the bridge looks for changes here, mainly for a product without callbacks; unset:"
        " schedule.sweep_seconds.",
    )
    reserved_share: Annotated[float, Field(ge=0, le=0.9)] = Field(
        0.2,
        description="Share of the account's budget, per second and per day, that only live changes and commands may "
        "use; 0: no share is reserved.",
    )


class MappingSettings(Section):
    mode: Literal["shadow", "live"] = Field(
        description="shadow: does everything except write; live: writes. `bridge mode` changes it without a restart."
    )


class CallbackSettings(Section):
    host: str = Field("127.0.0.1", description="Address the public listener binds to (behind your TLS proxy).")
    port: Port = Field(8080, description="Port of the public listener; 0: any free one.")
    max_body_bytes: Count = Field(1_048_576, description="Larger callbacks get 413.")
    max_waiting: Count = Field(2000, description="Callbacks being stored at the same time; further ones get 503.")
    max_connections: Count = Field(
        512,
        description="Most open connections; then one that keeps the bridge waiting is closed, or a new one gets 503. "
        "Fewer if the limit of open files (ulimit -n) has no room for as many.",
    )
    head_seconds: Seconds = Field(10, description="A request's head must arrive within this time (408).")
    body_seconds: Seconds = Field(10, description="A callback's body must arrive within this time (408).")
    idle_seconds: Seconds = Field(
        75, description="A connection without a request is closed after this time; your proxy must keep them shorter."
    )


class TokenSettings(Section):
    name: str = Field(
        min_length=1, max_length=60, description="Whose token this is: a person or a program. The audit log names it."
    )
    role: Literal["read", "operate"] = Field(description="read: may see everything; operate: may also act.")
    secret: SecretStr = Field(min_length=24, description="The token itself: openssl rand -hex 32.")


class AdminSettings(Section):
    host: str = Field("127.0.0.1", description="Address of the listener for pages, API, health, metrics and status.")
    port: Port = Field(8081, description="Port of the admin listener; 0: any free one.")
    allow_remote: bool = Field(False, description="Allow a host other than loopback; put access control before it.")
    hosts: list[str] = Field(
        default_factory=list,
        description="Names or addresses, without port, that requests may use as Host, besides those it is bound to.",
    )
    tokens: list[TokenSettings] = Field(
        default_factory=list, description="Who may use the pages and the API. See docs/admin.md."
    )
    this_machine: Literal["nobody", "read", "operate"] = Field(
        "nobody",
        description="What everybody on this machine may do on pages and API without a token; only if `host` is "
        "loopback.",
    )
    session_minutes: Annotated[float, Field(gt=0, le=1440)] = Field(
        60, description="A login in a browser ends after this long without a request, and after twelve hours at most."
    )

    @model_validator(mode="after")
    def _local(self) -> Self:
        if not is_loopback(self.host) and not self.allow_remote:
            raise ValueError("host is not loopback: write 127.0.0.1, or set allow_remote: true if you mean it")
        if not is_loopback(self.host) and self.this_machine != "nobody":
            raise ValueError("this_machine is for a host on loopback only: give everybody a token below `tokens:`")
        names = [token.name for token in self.tokens]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"tokens: {', '.join(twice)} appears twice; the audit log must tell people apart")
        if len({token.secret.get_secret_value() for token in self.tokens}) < len(names):
            raise ValueError("tokens: two of them have the same secret; give everybody a secret of their own")
        return self

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, value: list[str]) -> list[str]:
        for host in value:
            if plain_host(host) is None:
                raise ValueError(f"`{host}` is not a name or address: write bridge.internal, 10.0.0.5 or [fd00::5]")
        return value


class ScheduleSettings(Section):
    audit_seconds: Seconds = Field(600, description="How often the bridge compares wanted and registered hooks.")
    sweep_seconds: Seconds = Field(300, description="How often the bridge looks for missed changes.")
    full_sweep_seconds: Seconds = Field(86_400, description="How often the bridge compares every record.")
    columns_seconds: Seconds = Field(
        3600,
        description="How often the bridge looks up the fields, options and stages that mappings name, and "
        "checks what changed there.",
    )
    retention_seconds: Seconds = Field(3600, description="How often old events and journal entries are deleted.")
    jitter_seconds: Annotated[float, Field(ge=0)] = Field(10, description="Each run starts up to this much later.")


class SyncSettings(Section):
    workers: Count = Field(8, description="Records processed at the same time, per pair of systems.")
    attempts_limit: Count = Field(8, description="Attempts before a record becomes a dead letter.")
    lease_seconds: Seconds = Field(
        120, description="How long one worker holds a record before another may take it over."
    )
    write_seconds: Seconds = Field(45, description="After this long without an answer, a write's outcome is unknown.")
    backoff_first_seconds: Seconds = Field(2, description="Wait after the first failed attempt; it doubles each time.")
    backoff_cap_seconds: Seconds = Field(900, description="Longest wait between attempts.")
    loop_writes: Count = Field(
        20, description="More writes to one record within the loop window make it a dead letter."
    )
    loop_window_seconds: Seconds = Field(600, description="Window of the loop alarm.")
    delete_limit: Count = Field(
        25, description="Deletes, archives and blanked fields before the deletion threshold holds further ones."
    )
    delete_window_seconds: Seconds = Field(3600, description="Window of the deletion threshold.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.lease_seconds < self.write_seconds + WRITE_MARGIN_SECONDS:
            raise ValueError(f"lease_seconds must be at least write_seconds + {WRITE_MARGIN_SECONDS:.0f}")
        if self.backoff_first_seconds > self.backoff_cap_seconds:
            raise ValueError("backoff_first_seconds must not be more than backoff_cap_seconds")
        return self


class VerifySettings(Section):
    every_seconds: Seconds | None = Field(
        None, description="How often every mapping is verified, as by `bridge verify`; unset: only by hand."
    )
    sample: Count | None = Field(None, description="How many random pairs of each mapping it verifies; unset: all.")
    repair: bool = Field(
        False, description="Mark records that differ or are missing as due, so that the bridge syncs them."
    )


class RetentionSettings(Section):
    journal_days: Count = Field(
        180, description="How long journal entries are kept, for `bridge why` and `bridge undo`."
    )
    events_days: Count = Field(14, description="How long received callbacks are kept.")


class HealthSettings(Section):
    oldest_waiting_warn_seconds: Seconds = Field(300, description="A change that waits longer than this is a warning.")
    oldest_waiting_fail_seconds: Seconds = Field(3600, description="A change that waits longer than this is a failure.")
    dead_letters_warn: Count = Field(1, description="As many dead letters are a warning.")
    audit_age_warn_seconds: Seconds = Field(1800, description="A hook audit older than this is a warning.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.oldest_waiting_warn_seconds > self.oldest_waiting_fail_seconds:
            raise ValueError("oldest_waiting_warn_seconds must not be more than oldest_waiting_fail_seconds")
        return self


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level that is logged.")
    format: Literal["text", "json"] = Field("text", description="Lines of key=value, or JSON.")


class AlertTargetSettings(Section):
    name: Name = Field(description="A name of your choice, for `bridge alerts test NAME`, health and metrics.")
    url: SecretStr = Field(
        min_length=8,
        description="Address in the form of Apprise: jsons://host/path (a webhook), mailtos://user:password@host?to= "
        "and many more; see docs/monitoring.md.",
    )
    least: Literal["warn", "fail"] = Field("warn", description="Lowest status of a part of health that is sent.")

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: SecretStr) -> SecretStr:
        if "://" not in value.get_secret_value():
            raise ValueError("is not an address of Apprise: it begins like jsons://, mailtos:// or slack://")
        return value


HourOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class AlertSettings(Section):
    targets: list[AlertTargetSettings] = Field(
        default_factory=list,
        description="Who gets a message when a part of health warns or fails, and when it passes again.",
    )
    group_seconds: Seconds = Field(
        60, description="How long a change must last, and waits for others, before it is sent."
    )
    repeat_seconds: Seconds = Field(86_400, description="A problem that lasts is sent again after this long.")
    quiet_from: HourOfDay | None = Field(None, description="When quiet hours begin, such as '22:00'; unset: none.")
    quiet_until: HourOfDay | None = Field(
        None, description="When they end; then lasting problems are sent in one message."
    )
    quiet_passes: Literal["fail", "nothing"] = Field("fail", description="What is sent during quiet hours.")
    zone: str = Field("UTC", description="Time zone of quiet hours and of times in messages, such as Europe/Oslo.")

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"`{value}` is not a time zone: write Europe/Oslo, America/New_York or UTC") from None
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("quiet hours need both quiet_from and quiet_until")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValueError("quiet_from and quiet_until are the same time: no hour would be quiet; leave both out")
        names = [target.name for target in self.targets]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"targets: {', '.join(twice)} appears twice; give each target a name of its own")
        return self


class TraceSettings(Section):
    endpoint: str | None = Field(
        None,
        description="Where traces go (OTLP over HTTP), such as http://127.0.0.1:4318/v1/traces; unset: none. A "
        "bridge that stops waits two seconds for the last ones.",
    )
    authorization: SecretStr | None = Field(
        None, min_length=1, description="The Authorization header of the endpoint, such as Bearer and a token."
    )
    sample: Annotated[float, Field(ge=0, le=1)] = Field(1.0, description="Share of the changes that is traced.")
    propagate: bool = Field(
        False, description="Send the W3C traceparent header with calls, so that vendors can continue the trace."
    )

    @field_validator("endpoint")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("is not an address: write http://127.0.0.1:4318/v1/traces")
        return value


class Settings(BaseSettings):
    """The whole settings file."""

    model_config = SettingsConfigDict(
        extra="forbid", env_prefix="BRIDGE_", env_nested_delimiter="__", frozen=True, hide_input_in_errors=True
    )

    _places: Places = PrivateAttr(default_factory=lambda: Places(Path("settings")))

    instance: Name = Field(description="Name of this bridge and part of every callback address, so choose it once.")
    instance_secret: SecretStr = Field(
        min_length=16, description="Makes callback addresses unguessable, and encrypts tokens in the store."
    )
    instance_secret_former: SecretStr | None = Field(
        None,
        min_length=16,
        description="The previous instance secret, until health says that all hooks have moved; see docs/hooks.md.",
    )
    public_url: str = Field(description="Where vendors reach the public listener: https://bridge.example.com")
    store: StoreSettings = Field(default_factory=StoreSettings, description="The store.")
    mappings_dir: Path = Field(Path(MAPPINGS_DIR), description="Folder of mapping files, relative to this file.")
    functions_file: Path | None = Field(
        None, description="Python file with functions of your own for mapping files, relative to this file."
    )
    systems: dict[Name, SystemSettings] = Field(description="The accounts to keep in sync, by a name of your choice.")
    sides: dict[Name, str] = Field(description="Which system plays which side of the mappings.")
    default_mode: Literal["shadow", "live"] = Field(
        "shadow", description="Mode of mappings not named below; reloaded with the mapping files (SIGHUP)."
    )
    mappings: dict[str, MappingSettings] = Field(default_factory=dict, description="Settings per mapping.")
    callbacks: CallbackSettings = Field(default_factory=CallbackSettings, description="The public listener.")
    admin: AdminSettings = Field(default_factory=AdminSettings, description="The admin listener.")
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings, description="When scheduled jobs run.")
    sync: SyncSettings = Field(default_factory=SyncSettings, description="The worker.")
    verify: VerifySettings = Field(default_factory=VerifySettings, description="Verification by schedule.")
    retention: RetentionSettings = Field(default_factory=RetentionSettings, description="How long things are kept.")
    health: HealthSettings = Field(default_factory=HealthSettings, description="When health warns and fails.")
    log: LogSettings = Field(default_factory=LogSettings, description="Logging.")
    alerts: AlertSettings = Field(default_factory=AlertSettings, description="Alerts by webhook, e-mail and the like.")
    traces: TraceSettings = Field(default_factory=TraceSettings, description="Traces by OpenTelemetry.")

    def sweep_seconds(self, system: str) -> float:
        """Return how often the bridge looks for changes at this system, in seconds."""
        return self.systems[system].sweep_seconds or self.schedule.sweep_seconds

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use no other sources: `load` merges file and environment itself, to name the place of every problem."""
        return (init_settings,)

    @field_validator("public_url")
    @classmethod
    def _reachable(cls, value: str) -> str:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port  # a port that is not a number raises ValueError
        if not host or parts.scheme not in ("https", "http") or (parts.scheme == "http" and not is_loopback(host)):
            raise ValueError("must be an https:// address (http:// only for loopback)")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must end after host, port and path: no user, no ? and no #")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _bound(self) -> Self:
        problems = [f"sides.{side}: {what}" for side, what, _ in binding_problems(self.systems, self.sides)]
        if problems:
            raise ValueError("; ".join(problems))
        if self.callbacks.port == self.admin.port != 0 and self.callbacks.host == self.admin.host:
            raise ValueError(f"callbacks and admin both listen on port {self.admin.port}: give each its own")
        return self

    @property
    def places(self) -> Places:
        """Where each key was written, for problems that are found later."""
        return self._places

    def written_at(self, places: Places) -> Self:
        """Return these settings, with the places where they were written."""
        self._places = places
        return self

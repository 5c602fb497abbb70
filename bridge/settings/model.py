"""Every setting, with its description and unit. docs/settings.md is generated from here."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Section(BaseModel):
    """A part of the settings file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(Section):
    url: str = Field(
        "sqlite:///var/bridge.sqlite",
        description="Where the bridge remembers: sqlite:///path (relative to this file) or postgresql://user@host/name.",
    )


class SystemSettings(Section):
    connector: str = Field(description="The product: see docs/systems.md.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="What this product needs: address and credentials. Secrets by file or env."
    )


class MappingSettings(Section):
    mode: Literal["shadow", "live"] = Field(description="shadow: everything but writes; live: writes.")


class CallbackSettings(Section):
    host: str = Field("127.0.0.1", description="Address the public listener binds to (behind your TLS proxy).")
    port: int = Field(8080, ge=0, le=65535, description="Port of the public listener.")
    max_body_bytes: Count = Field(1_048_576, description="Larger callbacks are refused with 413.")
    max_waiting: Count = Field(2000, description="Callbacks being stored at once; more are answered 503.")


class AdminSettings(Section):
    host: str = Field("127.0.0.1", description="Address of the listener for health, metrics and status.")
    port: int = Field(8081, ge=0, le=65535, description="Port of the admin listener.")
    allow_remote: bool = Field(False, description="Allow a host other than loopback; put access control before it.")


class ScheduleSettings(Section):
    audit_seconds: Seconds = Field(600, description="How often wanted and seen hooks are compared.")
    sweep_seconds: Seconds = Field(300, description="How often changes no callback told of are looked for.")
    full_sweep_seconds: Seconds = Field(86_400, description="How often every record is compared.")
    retention_seconds: Seconds = Field(3600, description="How often old events and journal entries are removed.")
    jitter_seconds: Annotated[float, Field(ge=0)] = Field(10, description="Each run starts up to this much later.")


class SyncSettings(Section):
    workers: Count = Field(8, description="Records worked on at the same time.")
    attempts_limit: Count = Field(8, description="Attempts before a record becomes a dead letter.")
    lease_seconds: Seconds = Field(120, description="How long one worker holds a record before another may take over.")
    write_seconds: Seconds = Field(45, description="After this long without answer a write's outcome is unknown.")
    backoff_first_seconds: Seconds = Field(2, description="Wait after the first failed attempt; doubles each time.")
    backoff_cap_seconds: Seconds = Field(900, description="Longest wait between attempts.")
    loop_writes: Count = Field(20, description="More writes to one record within the loop window park it.")
    loop_window_seconds: Seconds = Field(600, description="Window of the loop alarm.")
    delete_limit: Count = Field(25, description="Deletes, archives and blanked fields before the brake stops.")
    delete_window_seconds: Seconds = Field(3600, description="Window of the delete brake.")


class RetentionSettings(Section):
    journal_days: Count = Field(180, description="How long the journal answers `bridge why`.")
    events_days: Count = Field(14, description="How long received callbacks are kept.")


class HealthSettings(Section):
    oldest_waiting_warn_seconds: Seconds = Field(300, description="A change waiting longer than this is a warning.")
    oldest_waiting_fail_seconds: Seconds = Field(3600, description="A change waiting longer than this is a failure.")
    dead_letters_warn: Count = Field(1, description="This many dead letters are a warning.")
    audit_age_warn_seconds: Seconds = Field(1800, description="A hook audit older than this is a warning.")


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity that is logged.")
    format: Literal["text", "json"] = Field("text", description="Lines of key=value, or JSON.")


class Settings(BaseSettings):
    """The whole settings file."""

    model_config = SettingsConfigDict(
        extra="forbid", env_prefix="BRIDGE_", env_nested_delimiter="__", frozen=True, hide_input_in_errors=True
    )

    instance: Name = Field(description="Name of this bridge; part of every callback address. Never change it lightly.")
    instance_secret: SecretStr = Field(min_length=16, description="Makes callback addresses unguessable.")
    public_url: str = Field(description="Where vendors reach the public listener: https://bridge.example.com")
    store: StoreSettings = Field(default_factory=StoreSettings, description="The store.")
    mappings_dir: Path = Field(Path("../mappings"), description="Folder of mapping files, relative to this file.")
    systems: dict[Name, SystemSettings] = Field(description="The accounts to keep in step, by a name of your choice.")
    sides: dict[Name, str] = Field(description="Which system plays which side of the mappings.")
    default_mode: Literal["shadow", "live"] = Field("shadow", description="Mode of mappings not named below.")
    mappings: dict[str, MappingSettings] = Field(default_factory=dict, description="Settings per mapping.")
    callbacks: CallbackSettings = Field(default_factory=CallbackSettings, description="The public listener.")
    admin: AdminSettings = Field(default_factory=AdminSettings, description="The admin listener.")
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings, description="When things run by themselves.")
    sync: SyncSettings = Field(default_factory=SyncSettings, description="The worker.")
    retention: RetentionSettings = Field(default_factory=RetentionSettings, description="How long things are kept.")
    health: HealthSettings = Field(default_factory=HealthSettings, description="When health warns and fails.")
    log: LogSettings = Field(default_factory=LogSettings, description="Logging.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load` merges file and environment itself, to name the place of every fault."""
        return (init_settings,)

    @field_validator("public_url")
    @classmethod
    def _reachable(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "https" and parts.hostname:
            return value
        if parts.scheme == "http" and parts.hostname in LOOPBACK:
            return value
        raise ValueError("must be an https:// address (http:// only for loopback)")

    @model_validator(mode="after")
    def _bound(self) -> "Settings":
        unknown = sorted(system for system in self.sides.values() if system not in self.systems)
        if unknown:
            raise ValueError(f"sides: {', '.join(unknown)} is not below `systems:` (known: {', '.join(self.systems)})")
        if self.admin.host not in LOOPBACK and not self.admin.allow_remote:
            raise ValueError("admin.host: is not loopback; set `admin.allow_remote: true` if you mean it")
        return self

"""What the operator must supply for an organisation of BottleCRM."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bridge.connectors.quota import Quota


class BottleOptions(BaseModel):
    """A personal access token for records; to register hooks, also an administrator's login."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(description="Address of the server, such as https://crm.example.com.")
    access_token: SecretStr = Field(
        description="Personal access token (bcrm_pat_...) of the user the bridge works as, with every scope."
    )
    admin_refresh_token: SecretStr | None = Field(
        None,
        description="Refresh token of an administrator's login, for the hooks, which access tokens may not manage. It"
        " is valid once; later ones are kept in the store, and a new value here replaces them. Unset: no hooks, sweeps"
        " find every change.",
    )
    signature_age_seconds: float = Field(
        300.0,
        ge=5,
        le=86400,
        description="How far the time of a callback's signature may differ from the bridge's clock.",
    )
    page_size: int = Field(200, ge=1, le=1000, description="Records per page of a listing.")
    calls_at_once: int = Field(4, ge=1, le=16, description="Calls that may run at the same time.")
    requests_per_second: float = Field(10.0, gt=0, le=1000, description="Pace of the calls; the product has no limit.")
    timeout_seconds: float = Field(30.0, gt=0, le=300, description="Longest time for one call.")

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("must start with https://")
        return value.rstrip("/")


def quota(options: BottleOptions) -> Quota:
    """The product has no limit. The options set the pace of the calls."""
    return Quota(options.calls_at_once, per_second=options.requests_per_second)

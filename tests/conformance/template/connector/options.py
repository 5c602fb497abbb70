"""Settings that the operator must supply for an account at Sample."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bridge.connectors.quota import Quota


class SampleOptions(BaseModel):
    """Unknown keys are refused; secrets are SecretStr; every option has a description, which the docs show."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(description="Address of the API, such as https://api.sample.example.")
    api_token: SecretStr = Field(description="API token of the user the bridge works as.")
    page_size: int = Field(100, ge=1, le=1000, description="Records asked for in one page of a listing.")
    calls_at_once: int = Field(4, ge=1, le=16, description="Calls that may run at the same time.")
    requests_per_second: float = Field(5.0, gt=0, le=1000, description="Pace of the calls.")
    timeout_seconds: float = Field(30.0, gt=0, le=300, description="Time one call may take.")

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("must start with https://")
        return value.rstrip("/")


def quota(options: SampleOptions) -> Quota:
    """Return the account's limits, so that `bridge plan` can show what work costs."""
    return Quota(options.calls_at_once, per_second=options.requests_per_second)

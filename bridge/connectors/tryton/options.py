"""What the operator must supply for a Tryton database."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bridge.connectors.quota import Quota


class TrytonOptions(BaseModel):
    """A user of the database, preferably one for the bridge only; its access rights limit the bridge's."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(description="Address of the server without the database, such as https://erp.example.com.")
    database: str = Field(min_length=1, description="Name of the database.")
    user: str = Field(min_length=1, description="Login name of the user the bridge works as.")
    password: SecretStr = Field(description="That user's password.")
    company: int | None = Field(
        None, ge=1, description="Id of the company to work in, if the user has several; unset: the user's main company."
    )
    page_size: int = Field(500, ge=1, le=1000, description="Records per page of a listing.")
    calls_at_once: int = Field(4, ge=1, le=16, description="Calls that may run at the same time.")
    requests_per_second: float = Field(
        20.0, gt=0, le=1000, description="Pace of the calls; the server has no limit of its own."
    )
    timeout_seconds: float = Field(
        60.0, gt=0, le=300, description="Longest time for one call; the server's limit is 60 s."
    )
    longest_transaction_seconds: float = Field(
        120.0,
        ge=0,
        le=3600,
        description="How long other transactions may last. Their changes carry the time when the transaction began,"
        " so each sweep looks back this far.",
    )

    @field_validator("database")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not set(value).isdisjoint("/?# "):
            raise ValueError("must be the name alone, without blanks, slashes or marks")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("must start with https://")
        return value.rstrip("/")


def quota(options: TrytonOptions) -> Quota:
    """A Tryton server has no limit of its own. The options set the pace of the calls."""
    return Quota(options.calls_at_once, per_second=options.requests_per_second)

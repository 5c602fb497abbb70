"""What the operator must supply for a Pipedrive account."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

SHARED_HOST = "https://api.pipedrive.com"


class PipedriveOptions(BaseModel):
    """Either `api_token`, or the client of an OAuth app."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        SHARED_HOST,
        description="Address of the API without a path, such as https://yourcompany.pipedrive.com. With OAuth,"
        " if unset, the address from the vendor's token answer.",
    )
    api_token: SecretStr | None = Field(
        None, description="Personal API token of the user the bridge works as (Pipedrive: Personal preferences, API)."
    )
    client_id: str | None = Field(None, description="OAuth: client id of your Pipedrive app.")
    client_secret: SecretStr | None = Field(None, description="OAuth: client secret of your Pipedrive app.")
    refresh_token: SecretStr | None = Field(
        None,
        description="OAuth: refresh token of an existing installation; unset: `bridge authorize` fetches one.",
    )
    redirect_uri: str | None = Field(
        None,
        description="OAuth: callback URL of your app, where consent ends; unset: the bridge's public_url.",
    )
    token_url: str = Field(
        "https://oauth.pipedrive.com/oauth/token", description="OAuth: address of the token endpoint."
    )
    page_size: int = Field(500, ge=1, le=500, description="Records per page of a listing.")
    calls_at_once: int = Field(4, ge=1, le=20, description="Calls that may run at the same time.")
    timeout_seconds: float = Field(30.0, gt=0, le=300, description="Longest time for one call.")
    daily_tokens: int | None = Field(
        None,
        ge=1000,
        description="How many tokens of the company's daily budget the bridge may spend (a list of 500"
        " records costs 10, a read 1, a write 5, a search 20; leads and notes cost double); unset: only the"
        " vendor's limit.",
    )
    hook_version: Literal["2.0", "1.0"] = Field(
        "2.0", description="Version of the hooks. Hooks of version 1.0 do not report leads."
    )
    hook_user_id: int | None = Field(
        None, description="User whose permissions filter the events of the hooks; unset: the bridge's own user."
    )

    @field_validator("base_url", "token_url", "redirect_uri")
    @classmethod
    def _is_web_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("must start with https://")
        return value if value is None or info.field_name == "redirect_uri" else value.rstrip("/")

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        oauth = (self.client_id, self.client_secret, self.refresh_token, self.redirect_uri)
        if self.api_token is not None:
            if any(part is not None for part in oauth):
                raise ValueError("set either api_token or the OAuth values, not both")
        elif not (self.client_id and self.client_secret):
            raise ValueError("set api_token, or client_id and client_secret (then run `bridge authorize`)")
        return self

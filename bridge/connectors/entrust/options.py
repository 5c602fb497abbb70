"""What the operator must supply for a tenant of Identity as a Service."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bridge.connectors.quota import Quota


class EntrustOptions(BaseModel):
    """The credentials are those of an "Administration API" application; its role limits what the bridge can do."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(description="Address of the tenant, such as https://customer.us.trustedauth.com.")
    application_id: str = Field(min_length=1, description="Id of the Administration API application.")
    shared_secret: SecretStr = Field(description="Shared secret of that application.")
    token_prefix: Literal["", "Bearer "] = Field(
        "", description="Prefix of the token in the Authorization header: nothing, or 'Bearer '."
    )
    create_users: bool = Field(
        False, description="Create users, which are people's logins, if a mapping says so. False: never."
    )
    delete_users: bool = Field(
        False,
        description="Delete users and all their credentials, if a mapping says so. False: never; `archive`"
        " makes them inactive.",
    )
    registration_required: bool = Field(False, description="Ask new users by e-mail to register themselves.")
    verification_required: bool = Field(False, description="Ask new users to verify themselves.")
    email_verification: bool = Field(False, description="Allow a verification e-mail when a user is written.")
    write_synchronised_users: bool = Field(
        False, description="Also write users and groups that a directory or another source owns."
    )
    audit_feed: bool = Field(
        True,
        description="Read changes from the audit events; needs REPORTS:VIEW. Without that right, or when false,"
        " sweeps read every user.",
    )
    signature_scheme: Literal["auto", "rfc9421", "sha2"] = Field(
        "auto", description="How deliveries are signed; auto: as their headers say, never back to the older scheme."
    )
    signature_key: Literal["auto", "utf8", "utf8-without-prefix", "base64", "base64url"] = Field(
        "auto", description="How the key is derived from a hook's token; auto: as the first delivery shows."
    )
    signature_age_seconds: float = Field(
        300.0, ge=5, le=86400, description="How far the time of a signature may differ from the bridge's clock."
    )
    require_signature: bool = Field(
        True, description="Refuse unsigned deliveries; false only for old tenants that sign nothing."
    )
    test_hooks: bool = Field(True, description="Have Entrust send a test delivery after a hook is registered.")
    page_size: int = Field(100, ge=1, le=100, description="Records per page of a listing.")
    calls_at_once: int = Field(5, ge=1, le=16, description="Calls that may run at the same time.")
    requests_per_second: float = Field(
        10.0, gt=0, le=1000, description="Pace of the calls; Entrust publishes no limit."
    )
    timeout_seconds: float = Field(30.0, gt=0, le=300, description="Longest time for one call.")

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("must start with https://")
        return value.rstrip("/")


def quota(options: EntrustOptions) -> Quota:
    """The vendor publishes no limit. The options set the pace of the calls."""
    return Quota(options.calls_at_once, per_second=options.requests_per_second)

"""What the operator must supply for a SuperOffice tenant or an onsite installation."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bridge.connectors.quota import Quota
from bridge.connectors.superoffice.signing import read_private_key

ONLINE = "https://online.superoffice.com"


class SuperOfficeOptions(BaseModel):
    """Choose one way to sign in: system user, OAuth, or (onsite only) user and password."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tenant: str | None = Field(
        None, pattern=r"^[A-Za-z0-9]+$", description="Online: the customer's id, such as Cust12345."
    )
    login_url: str = Field(
        ONLINE,
        description="Online: where to sign in and to look up the tenant's address; https://sod.superoffice.com for"
        " development, https://qaonline.superoffice.com for stage.",
    )
    base_url: str | None = Field(
        None,
        description="Onsite: address of the site without /api, such as https://crm.example.com/superoffice. Online:"
        " leave it out, because a tenant's address may change.",
    )
    client_id: str | None = Field(
        None, description="Client id of your app; the system user needs it only for `bridge authorize`."
    )
    client_secret: SecretStr | None = Field(
        None, description="Client secret of your app; it is also the application token of the system user."
    )
    refresh_token: SecretStr | None = Field(
        None,
        description="OAuth: refresh token of the bridge's user; unset: `bridge authorize` fetches one. A new one"
        " is used when the stored one is refused.",
    )
    redirect_uri: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Redirect address of your app, to which a person's consent leads; unset: the bridge's public_url.",
    )
    system_token: SecretStr | None = Field(
        None,
        description="System user: the token that an administrator's consent gave your app for this tenant; unset:"
        " `bridge authorize` fetches it. A new one is used when the stored one is refused.",
    )
    private_key: SecretStr | None = Field(
        None, description="System user: the app's private RSA key, as PEM or in the vendor's XML form."
    )
    username: str | None = Field(None, description="Onsite: name of the user the bridge works as.")
    password: SecretStr | None = Field(None, description="Onsite: password of that user.")
    language: str = Field(
        "en",
        pattern=r"^[A-Za-z-]{2,10}$",
        description="Language of the list items' texts that mappings use.",
    )
    page_size: int = Field(
        50, ge=1, le=1000, description="Records per page of a listing; each is then read separately."
    )
    calls_at_once: int = Field(4, ge=1, le=16, description="Calls that may run at the same time.")
    requests_per_second: float = Field(
        5.0, gt=0, le=1000, description="Pace of the calls; SuperOffice meters them and publishes no limit."
    )
    timeout_seconds: float = Field(45.0, gt=0, le=300, description="Longest time for one call.")

    @field_validator("login_url", "base_url")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("must start with https://")
        return value.rstrip("/").removesuffix("/v1").removesuffix("/api") if value else None

    @field_validator("private_key")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            read_private_key(value.get_secret_value())
        return value

    @property
    def way(self) -> Literal["system user", "user's consent", "password"]:
        """How to sign in. The private key belongs to the system user, so it distinguishes the two consents."""
        if self.username is not None:
            return "password"
        if self.system_token is not None or (self.private_key is not None and self.refresh_token is None):
            return "system user"
        return "user's consent"

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        given = [name for name in ("system_token", "refresh_token", "username") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError("set one of system_token, refresh_token and username")
        if not given and not (self.client_id and self.client_secret):
            raise ValueError(
                "set client_id and client_secret of your app (then run `bridge authorize`), with its private_key for"
                " the system user; or one of system_token, refresh_token and username"
            )
        needed = {
            "system user": ("private_key", "client_secret"),
            "user's consent": ("client_id", "client_secret"),
            "password": ("password",),
        }
        if not all(getattr(self, name) for name in needed[self.way]):
            raise ValueError(f"{given[0]} needs {' and '.join(needed[self.way])}")
        if (self.tenant is None) == (self.base_url is None):
            raise ValueError("set tenant (online) or base_url (onsite)")
        if self.base_url is not None and self.way == "system user":
            raise ValueError("the system user exists online only: set tenant instead of base_url")
        if self.base_url is None and self.way == "password":
            raise ValueError("user and password work onsite only: set base_url instead of tenant")
        return self


def quota(options: SuperOfficeOptions) -> Quota:
    """The vendor publishes no limit. The options set the pace of the calls."""
    return Quota(options.calls_at_once, per_second=options.requests_per_second)

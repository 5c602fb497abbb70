"""What the operator supplies to connect one Deskera organisation."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bridge.connectors.quota import Quota


class DeskeraOptions(BaseModel):
    """One OAuth token gives access to one organisation, so two organisations are two systems."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: Annotated[
        str,
        Field(
            pattern=r"^https?://[^\s?#]+$",
            description="Address of the API: https://bifrost.deskera.com or https://bifrost-us.deskera.com, "
            "whichever of the two production environments holds the organisation",
        ),
    ]
    client_id: Annotated[str, Field(min_length=1, description="Client id Deskera issued to you (begins with cl_pub_)")]
    client_secret: Annotated[SecretStr, Field(description="Client secret Deskera issued to you (begins with cl_priv_)")]
    access_token: Annotated[
        SecretStr | None, Field(description="First access token; unset: the bridge fetches one with the refresh token")
    ] = None
    refresh_token: Annotated[
        SecretStr | None,
        Field(
            description="First refresh token; unset: `bridge authorize` fetches one. Later ones are kept in the"
            " store; a new value here replaces them"
        ),
    ] = None
    consent_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://",
            description="Address of the page where a person consents; unset: the one of base_url's environment",
        ),
    ] = None
    redirect_uri: Annotated[
        str | None,
        Field(
            pattern=r"^https?://",
            description="Callback URL given to Deskera with your app, to which a person's consent leads; unset: the"
            " bridge's public_url",
        ),
    ] = None
    token_path: Annotated[
        str,
        Field(pattern=r"^/", description="Path of the token call; if it is not found, /oauth/token is tried"),
    ] = "/v2/oauth/token"  # noqa: S105 - a path
    scope: Annotated[
        str | None, Field(description="OAuth scope sent when a token is renewed, e.g. 'write'; unset: none")
    ] = None
    requests_per_second: Annotated[
        float, Field(gt=0, le=1000, description="Pace of the calls; Deskera documents no limit")
    ] = 3.0
    at_once: Annotated[int, Field(ge=1, le=16, description="How many calls may run at the same time")] = 2
    page_size: Annotated[int, Field(ge=1, le=100, description="Records per page of a listing")] = 50
    basic_auth_on_calls: Annotated[
        bool, Field(description="Also send the client id and secret with every call, as Deskera's Java SDK does")
    ] = False


def quota(options: DeskeraOptions) -> Quota:
    """The vendor publishes no limit. The options set the pace of the calls."""
    return Quota(options.at_once, per_second=options.requests_per_second)

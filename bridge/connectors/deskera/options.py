"""What the operator supplies to connect one Deskera organisation."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class DeskeraOptions(BaseModel):
    """One OAuth token opens one organisation: two organisations are two systems."""

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
        SecretStr | None, Field(description="First access token; left out: one is fetched with the refresh token")
    ] = None
    refresh_token: Annotated[
        SecretStr | None,
        Field(description="First refresh token; later ones are kept in the store. A new value here replaces them"),
    ] = None
    token_path: Annotated[
        str,
        Field(pattern=r"^/", description="Path of the token call; /oauth/token is tried when this one is not found"),
    ] = "/v2/oauth/token"  # noqa: S105 - a path
    scope: Annotated[
        str | None, Field(description="OAuth scope sent when a token is renewed, e.g. 'write'; left out: none")
    ] = None
    requests_per_second: Annotated[
        float, Field(gt=0, le=1000, description="Pace of the calls; Deskera documents no limit")
    ] = 3.0
    at_once: Annotated[int, Field(ge=1, le=16, description="How many calls may run at the same time")] = 2
    page_size: Annotated[int, Field(ge=1, le=100, description="Rows asked for per page of a listing")] = 50
    basic_auth_on_calls: Annotated[
        bool, Field(description="Also send the client id and secret with every call, as Deskera's Java SDK does")
    ] = False

    @model_validator(mode="after")
    def _some_token(self) -> Self:
        if self.access_token is None and self.refresh_token is None:
            raise ValueError("give refresh_token (or at least access_token): the connection needs a first token")
        return self

"""Lets people in by an OpenID Connect provider, with Authlib: the authorization code flow with PKCE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from smsjobs import SettingsError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from smsjobs_server.access.settings import OidcSettings

__all__ = ["Oidc", "OidcFailed"]

#: Signatures that only the provider can make. Whoever knows the client's secret could make the others, or anybody.
_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)

#: Seconds for one request to the provider.
_TIMEOUT_S: Final = 10.0


class OidcFailed(Exception):
    """The provider did not say who it is."""


class Oidc:
    """The provider.

    Args:
        settings: Which.
        back: The address to which it sends people back.

    Raises:
        SettingsError: The extra is not installed.
    """

    def __init__(self, settings: OidcSettings, *, back: str) -> None:
        try:
            from authlib.integrations.starlette_client import OAuth  # noqa: PLC0415  an extra
        except ImportError:
            raise SettingsError("SMS_PAGES_OIDC_ISSUER needs: pip install 'smsjobs[oidc]'") from None
        self._settings = settings
        self._back = back
        self._client: Any = OAuth().register(
            "oidc",
            server_metadata_url=f"{settings.issuer}/.well-known/openid-configuration",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            client_kwargs={
                "scope": "openid email",
                "code_challenge_method": "S256",
                "timeout": _TIMEOUT_S,
                "follow_redirects": False,
            },
        )

    async def send_there(self, request: Request) -> Response:
        """Send somebody to the provider, to log in there.

        Raises:
            OidcFailed: It is unreachable, or is another one than the settings name.
        """
        try:
            await self._meet()
            answer: Response = await self._client.authorize_redirect(request, self._back)
        except OidcFailed:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, nobody can log in there
            raise OidcFailed(type(error).__name__) from None
        return answer

    async def names(self, request: Request) -> list[str]:
        """The names of whoever it sent back, the one to show first: a verified e-mail address, its own id, and groups.

        Raises:
            OidcFailed: It did not let anybody in, or what it says proves nothing.
        """
        options = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
            "sub": {"essential": True},
        }
        try:
            await self._meet()
            token = await self._client.authorize_access_token(request, claims_options=options)
            return _names(token["userinfo"])
        except OidcFailed:
            raise
        except Exception as error:  # noqa: BLE001  whatever it sent, it lets nobody in
            # The word of OAuth, such as access_denied.
            raise OidcFailed(str(getattr(error, "error", None) or type(error).__name__)) from None

    async def _meet(self) -> None:
        """Read who the provider says it is.

        Raises:
            OidcFailed: It is another one.
        """
        told = await self._client.load_server_metadata()
        if str(told.get("issuer", "")).rstrip("/") != self._settings.issuer:
            raise OidcFailed("another_issuer")
        offered = told.get("id_token_signing_alg_values_supported") or ["RS256"]
        told["id_token_signing_alg_values_supported"] = [each for each in offered if each in _ALGORITHMS]


def _names(claims: Mapping[str, Any]) -> list[str]:
    names = [str(claims["sub"])]
    # Anybody may have typed an address that is not verified.
    if claims.get("email") and claims.get("email_verified") is True:
        names.insert(0, str(claims["email"]))
    groups = claims.get("groups")
    if isinstance(groups, list):
        names += [f"group:{each}" for each in groups if isinstance(each, str)]
    # Only a list of ours has this one, and it means everybody.
    return [each for each in names if each.strip("* ")]

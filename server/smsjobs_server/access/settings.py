"""Who may see pages: the environment's variables, read and checked."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from smsjobs import SettingsError
from smsjobs.addresses import is_loopback
from smsjobs_server.access.visitors import Roles
from smsjobs_server.allowed import AllowedAddresses

__all__ = ["AccessSettings", "OidcSettings"]

#: What a token may hold: it is typed or pasted into a form.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,200}", re.ASCII)

#: Different characters of a token that somebody drew by lot.
_LEAST_DIFFERENT: Final = 8

_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)

_SHORTEST_KEY: Final = 32

_MAKE_ONE: Final = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


@dataclass(frozen=True, kw_only=True)
class OidcSettings:
    """An OpenID Connect provider, and what this server is to it."""

    #: The provider's address, such as ``https://id.example.com``. Its discovery document is below it.
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AccessSettings:
    """Who may see pages. Without one of its three ways there are none."""

    #: Let in whoever has it.
    view_token: str | None = field(default=None, repr=False)
    operate_token: str | None = field(default=None, repr=False)
    #: The header in which a reverse proxy names who asks, and from which addresses it is believed.
    user_header: str | None = None
    proxies: AllowedAddresses | None = None
    oidc: OidcSettings | None = None
    #: What those may who come by the proxy or the provider.
    roles: Roles = field(default_factory=Roles)
    #: The address at which people see the pages, without a slash at its end. None: only this machine does.
    url: str | None = None
    #: Signs sessions.
    key: str = field(repr=False)

    @property
    def is_secure(self) -> bool:
        """Whether people come by HTTPS."""
        return self.url is not None and self.url.startswith("https:")

    @property
    def ways(self) -> list[str]:
        """The ways in: ``token``, ``proxy``, ``oidc``."""
        ways = {"token": self.view_token or self.operate_token, "proxy": self.user_header, "oidc": self.oidc}
        return [name for name, way in ways.items() if way]

    @classmethod
    def read(cls, environ: Mapping[str, str], *, host: str) -> AccessSettings | None:
        """The settings, or None where no way in is set: then there are no pages.

        Args:
            host: The address that is listened on.

        Raises:
            SettingsError: One is wrong or weak, or one that another needs is missing.
        """
        # Without the line end that a file of secrets has.
        env = {name: value.strip() for name, value in environ.items() if name.startswith("SMS_PAGES_")}
        view, operate = _token(env, "SMS_PAGES_VIEW_TOKEN"), _token(env, "SMS_PAGES_OPERATE_TOKEN")
        if view is not None and view == operate:
            raise SettingsError("SMS_PAGES_VIEW_TOKEN and SMS_PAGES_OPERATE_TOKEN must not be the same")
        header, proxies, oidc = (
            _header(env),
            AllowedAddresses.read(env, "SMS_PAGES_PROXIES", example="127.0.0.1 10.0.0.0/8"),
            _oidc(env),
        )
        if header is not None and proxies is None:
            raise SettingsError(
                "SMS_PAGES_PROXIES is missing: without it, anybody could send the header of SMS_PAGES_USER_HEADER; name "
                "your reverse proxy's addresses, such as 127.0.0.1"
            )
        if not (view or operate or header or oidc):
            return None
        roles = Roles(viewers=_names(env, "SMS_PAGES_VIEWERS"), operators=_names(env, "SMS_PAGES_OPERATORS"))
        if (header or oidc) and not (roles.viewers or roles.operators):
            raise SettingsError(
                "SMS_PAGES_OPERATORS and SMS_PAGES_VIEWERS are missing: name whom your proxy or provider may let in, such "
                "as li@example.com or group:sms; * is everybody"
            )
        url = _url(env)
        if url is None and (oidc or not is_loopback(host)):
            raise SettingsError(
                "SMS_PAGES_URL is missing: set it to the address at which people see the pages, such as "
                "https://sms.example.com"
            )
        return cls(
            view_token=view,
            operate_token=operate,
            user_header=header,
            proxies=proxies,
            oidc=oidc,
            roles=roles,
            url=url,
            key=_key(env),
        )


def _token(env: Mapping[str, str], name: str) -> str | None:
    token = env.get(name, "")
    if token and (not _TOKEN.fullmatch(token) or len(set(token)) < _LEAST_DIFFERENT):
        raise SettingsError(
            f"{name} must have 16 to 200 letters, digits and -._~+/= , and at least {_LEAST_DIFFERENT} different ones; "
            f"{_MAKE_ONE}"
        )
    return token or None


def _header(env: Mapping[str, str]) -> str | None:
    header = env.get("SMS_PAGES_USER_HEADER", "")
    if header and not _HEADER.fullmatch(header):
        raise SettingsError("SMS_PAGES_USER_HEADER must be the name of a header, such as X-Forwarded-Email")
    return header or None


def _oidc(env: Mapping[str, str]) -> OidcSettings | None:
    names = ("SMS_PAGES_OIDC_ISSUER", "SMS_PAGES_OIDC_CLIENT_ID", "SMS_PAGES_OIDC_CLIENT_SECRET")
    issuer, client_id, client_secret = values = tuple(env.get(each, "") for each in names)
    if not any(values):
        return None
    if missing := [name for name, value in zip(names, values, strict=True) if not value]:
        raise SettingsError(f"{missing[0]} is missing: all three of SMS_PAGES_OIDC_… are needed")
    parts = urlsplit(issuer)
    # In clear text, whoever is between could let himself in.
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise SettingsError("SMS_PAGES_OIDC_ISSUER must begin with https://")
    return OidcSettings(issuer=issuer.rstrip("/"), client_id=client_id, client_secret=client_secret)


def _names(env: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(env.get(name, "").replace(",", " ").casefold().split())


def _url(env: Mapping[str, str]) -> str | None:
    url = env.get("SMS_PAGES_URL", "").rstrip("/")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.path or parts.query or parts.fragment or parts.username:
        raise SettingsError(
            "SMS_PAGES_URL must be an address without a path, such as https://sms.example.com"
        )
    return url


def _key(env: Mapping[str, str]) -> str:
    """The key of sessions. It depends on all settings, so a session ends as soon as one of them is changed."""
    key = env.get("SMS_PAGES_SECRET", "")
    if key and (len(key) < _SHORTEST_KEY or len(set(key)) < _LEAST_DIFFERENT):
        raise SettingsError(f"SMS_PAGES_SECRET must have at least {_SHORTEST_KEY} characters; {_MAKE_ONE}")
    all_of_it = "\0".join(f"{name}={value}" for name, value in sorted(env.items()))
    return hmac.new((key or secrets.token_hex()).encode(), all_of_it.encode(), hashlib.sha256).hexdigest()

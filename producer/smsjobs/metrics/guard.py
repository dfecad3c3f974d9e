"""Who may read figures. They hold nothing personal, but tell how much a business sends."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from smsjobs.addresses import is_loopback
from smsjobs.settings import SettingsError

__all__ = ["Guard", "Headers", "read_metrics_token"]

#: What can stand behind "Bearer".
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,200}", re.ASCII)

#: What proxies add. What comes through one does not come from this machine.
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def read_metrics_token(environ: Mapping[str, str]) -> str | None:
    """``SMS_METRICS_TOKEN``, or None where there is none.

    Raises:
        SettingsError: It is too short, or cannot be sent in a header.
    """
    # Without the line end that a file of secrets has.
    token = environ.get("SMS_METRICS_TOKEN", "").strip()
    if token and not _TOKEN.fullmatch(token):
        raise SettingsError(
            "SMS_METRICS_TOKEN must have 16 to 200 letters, digits and -._~+/= ; make one with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )
    return token or None


class Headers(Protocol):
    """A request's headers, in any case."""

    def get(self, name: str, /) -> str | None:
        """One of them."""
        ...


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Lets a request in: by the token, or without one where only this machine can ask."""

    #: The address that is listened on.
    host: str
    token: str | None = field(default=None, repr=False)

    def status(self, headers: Headers) -> Literal[200, 401, 404]:
        """200: it may be answered. 401: its token is missing or wrong. 404: without a token nothing is there for it."""
        if self.token is not None:
            given = (headers.get("Authorization") or "").encode("utf-8", "replace")
            # In constant time, so that nobody finds the token out letter by letter.
            return 200 if hmac.compare_digest(given, f"Bearer {self.token}".encode()) else 401
        return 200 if is_loopback(self.host) and _is_local(headers) else 404


def _is_local(headers: Headers) -> bool:
    """Whether nothing says that the request came from elsewhere: by a proxy, or by a page whose name was turned to here."""
    if any(headers.get(name) for name in _FORWARDED):
        return False
    host = headers.get("Host") or ""
    name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name.lower())

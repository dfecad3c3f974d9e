"""Where it listens, and the secret part of the address for receipts."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from smsjobs import SettingsError

__all__ = ["ServerSettings"]

_SHORTEST_SECRET: Final = 16


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The server's settings."""

    #: The address to listen on.
    host: str = "127.0.0.1"
    #: The port; 0 takes a free one.
    port: int = 8080
    #: The last part of the path for receipts, or None: then none are taken.
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, *, host: str, port: int, environ: Mapping[str, str] | None = None) -> ServerSettings:
        """Settings from the arguments and from ``SMS_RECEIPT_SECRET``.

        Raises:
            SettingsError: The secret is too short, or it is missing and the address is not this machine's own.
        """
        env = os.environ if environ is None else environ
        # Without the line end that a file of secrets has.
        secret = env.get("SMS_RECEIPT_SECRET", "").strip() or None
        if secret is not None and (len(secret) < _SHORTEST_SECRET or not _fits_a_path(secret)):
            raise SettingsError(
                f"SMS_RECEIPT_SECRET must have at least {_SHORTEST_SECRET} letters, digits, - and _; make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
            )
        if secret is None and not _is_loopback(host):
            raise SettingsError(
                "SMS_RECEIPT_SECRET is missing: without it, only 127.0.0.1 and ::1 are served; make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
            )
        return cls(host=host, port=port, secret=secret)


def _fits_a_path(secret: str) -> bool:
    return secret.isascii() and secret.replace("-", "").replace("_", "").isalnum()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

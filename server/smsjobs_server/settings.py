"""Where it listens, and the secret part of the address for receipts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from smsjobs import SettingsError
from smsjobs.addresses import is_loopback
from smsjobs.events import Hook, InvalidHook
from smsjobs.log_formats import LogFormat, read_log_format
from smsjobs.metrics import read_metrics_token
from smsjobs_server.access import AccessSettings
from smsjobs_server.allowed import AllowedAddresses

__all__ = ["ServerSettings"]

_SHORTEST_SECRET: Final = 16

#: The name of an environment.
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The server's settings."""

    #: The address to listen on.
    host: str = "127.0.0.1"
    #: The port; 0 takes a free one.
    port: int = 8080
    #: The last part of the path for receipts, or None: then none are taken.
    secret: str | None = field(default=None, repr=False)
    #: From which addresses receipts are taken, or None: from all.
    allowed: AllowedAddresses | None = None
    #: Other environments of the account, to which is passed on what this one does not know.
    forward: Mapping[str, Hook] = field(default_factory=dict)
    #: With which environments sign what they pass on to each other, or None: then none of it is taken.
    forward_secret: str | None = field(default=None, repr=False)
    #: How the log is written.
    log: LogFormat = "text"
    #: Lets whoever reads figures in. None: only this machine may, and only where nobody else reaches the port.
    metrics_token: str | None = field(default=None, repr=False)

    #: Who may see the operator's pages. None: there are none.
    access: AccessSettings | None = None

    @property
    def metrics(self) -> Literal["token", "local"] | None:
        """Who may read figures: whoever has the token, this machine, or nobody."""
        if self.metrics_token is not None:
            return "token"
        return "local" if is_loopback(self.host) else None

    @classmethod
    def read(
        cls, *, host: str, port: int, forward: Sequence[str] = (), environ: Mapping[str, str] | None = None
    ) -> ServerSettings:
        """Settings from the arguments and from the environment.

        Its variables are ``SMS_RECEIPT_SECRET``, ``SMS_RECEIPT_ADDRESSES``, ``SMS_FORWARD``, ``SMS_FORWARD_SECRET``,
        ``SMS_METRICS_TOKEN``, ``SMS_LOG``, and those of `AccessSettings`.

        Args:
            forward: Names and addresses of other environments, as in ``test=https://sms.example.com/receipts/...``;
                without them those in ``SMS_FORWARD``, with spaces between them.

        Raises:
            SettingsError: A secret is too short, or it is missing where it is needed; an address cannot be used.
        """
        env = os.environ if environ is None else environ
        # Without the line end that a file of secrets has.
        secret = env.get("SMS_RECEIPT_SECRET", "").strip() or None
        if secret is not None and (len(secret) < _SHORTEST_SECRET or not _fits_a_path(secret)):
            raise SettingsError(
                f"SMS_RECEIPT_SECRET must have at least {_SHORTEST_SECRET} letters, digits, - and _; make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
            )
        token = read_metrics_token(env)
        access = AccessSettings.read(env, host=host)
        if secret is None and token is None and access is None and not is_loopback(host):
            raise SettingsError(
                "SMS_RECEIPT_SECRET is missing: without it, only 127.0.0.1 and ::1 are served; make one with: "
                "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
            )
        forward_secret = env.get("SMS_FORWARD_SECRET", "").strip() or None
        targets = dict(
            _target(each, forward_secret or "") for each in forward or env.get("SMS_FORWARD", "").split()
        )
        if forward_secret:
            _hook("https://example.com/", forward_secret)
        return cls(
            host=host,
            port=port,
            secret=secret,
            allowed=AllowedAddresses.read(
                env, "SMS_RECEIPT_ADDRESSES", example="203.0.113.7 198.51.100.0/24"
            ),
            forward=targets,
            forward_secret=forward_secret,
            log=read_log_format(env),
            metrics_token=token,
            access=access,
        )


def _target(given: str, secret: str) -> tuple[str, Hook]:
    name, separator, url = given.partition("=")
    if not separator or not _NAME.fullmatch(name):
        raise SettingsError(
            "SMS_FORWARD and --forward must be NAME=URL, such as test=https://sms.example.com/receipts/...; a name has "
            "letters, digits, - and _"
        )
    return name, _hook(url, secret)


def _hook(url: str, secret: str) -> Hook:
    try:
        return Hook(url=url, secret=secret)
    except InvalidHook as error:
        name = (
            "SMS_FORWARD_SECRET" if error.argument == "secret" else "the address of SMS_FORWARD or --forward"
        )
        raise SettingsError(f"{name} {error}") from None


def _fits_a_path(secret: str) -> bool:
    return secret.isascii() and secret.replace("-", "").replace("_", "").isalnum()

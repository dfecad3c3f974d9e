"""Hands something over by HTTP, signed as Standard Webhooks ask. The package ``standardwebhooks`` signs.

A try is bounded in time as a whole, however the answer trickles. A redirect is a failure: whoever can make one must not get
what is for somebody else. Of the answer only the status is read.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import SplitResult, urlsplit

__all__ = ["Hook", "InvalidHook"]

#: Bytes of the shortest secret, as Standard Webhooks has it.
_SHORTEST: Final = 24

#: Failures one after the other from which on an address counts as down. Then it gets one try at a time, at growing
#: distances.
_DOWN_AFTER: Final = 3
_LONGEST_REST_S: Final = 300.0


class InvalidHook(ValueError):
    """The address or the secret cannot be used. The text says why, and shows nothing of them.

    Attributes:
        argument: ``"url"`` or ``"secret"``.
    """

    def __init__(self, argument: Literal["url", "secret"], why: str) -> None:
        super().__init__(why)
        self.argument = argument


@dataclass(kw_only=True)
class Hook:
    """An address to hand things over to. Threads may share it.

    Raises:
        InvalidHook: The address or the secret cannot be used.
    """

    url: str = field(repr=False)
    secret: str = field(repr=False)
    #: Seconds for a try as a whole.
    within_s: float = 10.0

    def __post_init__(self) -> None:
        self._parts = _checked(self.url)
        _check_secret(self.secret)
        self._failures = 0
        self._rests_until = 0.0
        self._lock = threading.Lock()

    @property
    def is_down(self) -> bool:
        """Whether the last tries failed, one after the other."""
        return self._failures >= _DOWN_AFTER

    @property
    def is_resting(self) -> bool:
        """Whether it is down, and nothing is tried for now."""
        return self.is_down and time.monotonic() < self._rests_until

    def post(self, item_id: str, body: bytes) -> str | None:
        """Hand something over, in one try.

        Args:
            item_id: The same for each try of one thing.
            body: JSON.

        Returns:
            None if it was taken, which is any status of 2xx; else a word or two about why not.
        """
        begun = time.monotonic()
        error = self._post(item_id, body)
        self._note(error, begun)
        return error

    def _note(self, error: str | None, begun: float) -> None:
        with self._lock:
            if error is None:
                self._failures = 0
            # Those that were tried at the same time say nothing new.
            elif not (self.is_down and begun < self._rests_until):
                self._failures += 1
                rest_s = min(2.0 ** min(self._failures - _DOWN_AFTER, 20), _LONGEST_REST_S)
                self._rests_until = time.monotonic() + rest_s

    def _post(self, item_id: str, body: bytes) -> str | None:
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=self.within_s)
        until = time.monotonic() + self.within_s
        cut = threading.Timer(self.within_s, _cut, [connection])
        cut.daemon = True
        cut.start()
        try:
            self._connect(connection, secure=secure)
            connection.request("POST", _target(self._parts), body, self._headers(item_id, body))
            status = connection.getresponse().status
        except Exception as error:  # noqa: BLE001  whatever it was, it was not handed over
            return _why(error, late=time.monotonic() >= until)
        finally:
            cut.cancel()
            connection.close()
        # A connection that was cut in the middle of the headers looks like the end of them.
        if time.monotonic() >= until:
            return "timeout"
        return None if 200 <= status < 300 else f"status {status}"

    def _connect(self, connection: http.client.HTTPConnection, *, secure: bool) -> None:
        """Open the connection so that it can be cut at any time, a TLS handshake included."""
        sock = socket.create_connection((connection.host, connection.port), self.within_s)
        if secure:
            context = ssl.create_default_context()
            sock = context.wrap_socket(sock, server_hostname=connection.host, do_handshake_on_connect=False)
        connection.sock = sock
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()

    def _headers(self, item_id: str, body: bytes) -> dict[str, str]:
        from standardwebhooks import Webhook  # noqa: PLC0415  of the extras worker and server

        now = datetime.now(UTC)
        return {
            "Content-Type": "application/json",
            "User-Agent": "smsjobs",
            "Connection": "close",
            "webhook-id": item_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(item_id, now, body.decode()),
        }


def _cut(connection: http.client.HTTPConnection) -> None:
    # The socket itself is shut down, as its reader may be in the middle of TLS.
    sock: Any = connection.sock
    if sock is not None:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _why(error: Exception, *, late: bool) -> str:
    if late or isinstance(error, TimeoutError):
        return "timeout"
    known: tuple[tuple[type[Exception], str], ...] = (
        (socket.gaierror, "unknown host"),
        (ssl.SSLError, "tls failed"),
        (ConnectionRefusedError, "connection refused"),
        (http.client.HTTPException, "no valid answer"),
    )
    return next((word for kind, word in known if isinstance(error, kind)), type(error).__name__)


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or not url.isascii() or any(each <= " " for each in url):
        raise InvalidHook("url", "must be an address such as https://example.com/hooks/sms")
    if parts.username is not None or parts.fragment:
        raise InvalidHook("url", "must have no user, no password and no fragment")
    return parts


def _check_secret(secret: str) -> None:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==", validate=False)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < _SHORTEST:
        raise InvalidHook(
            "secret",
            "must be whsec_ and at least 24 bytes in base64; make one with: "
            "python -c 'import base64, secrets; print(\"whsec_\" + base64.b64encode(secrets.token_bytes(32)).decode())'",
        )

"""Requests over kept connections of our own, in place of the SDK's HTTP.

The SDK builds and signs the request and reads the answer. Between the two it calls ``DaraCore.do_action``, which makes a
new `requests` call of it: more than half of the processor time of a send. Here that step is a call on a kept connection.

It knows in which phase it is: whatever fails before the connection stands, encryption included, was surely not sent.
`requests` cannot always tell, so there some of these failures are answers lost.

Only endpoints that `use` was called for go this way. A request through a proxy is left to the SDK.
"""

from __future__ import annotations

import inspect
import os
import socket
import ssl
import time
from collections import deque
from functools import cached_property
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, Final, cast

from darabonba.core import DaraCore
from darabonba.request import DaraRequest
from darabonba.response import DaraResponse
from requests.utils import should_bypass_proxies
from urllib3.util import wait_for_read

from smsjobs_worker.aliyun import connections as of_the_sdk
from smsjobs_worker.aliyun.account import Endpoint
from smsjobs_worker.aliyun.deadlines import Deadlines
from smsjobs_worker.aliyun.wire import read_answer, written
from smsjobs_worker.logs.facts import ConnectionsUnmanaged, tell

__all__ = ["ConnectFailed", "leave", "use"]

_deadlines: Final = Deadlines()


class ConnectFailed(Exception):
    """No connection could be opened, so nothing was sent. The text is for people and has nothing private."""


class _Connections:
    """The idle connections to one endpoint. Threads share them."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        #: Each with the monotonic time of its last answer, the latest last.
        self._idle: deque[tuple[socket.socket, float]] = deque()

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        # Made for the first request: reading all authorities takes a tenth of a second.
        return _tls_of_the_sdk() if self._endpoint.protocol == "https" else None

    def exchange(self, request: DaraRequest, *, connect_s: float, read_s: float) -> DaraResponse:
        """Write a request and read its answer."""
        connection = self._take() or self._open(connect_s)
        kept = False
        try:
            connection.settimeout(read_s)
            connection.sendall(written(request))
            _deadlines.begin(connection, within_s=2 * read_s)
            answer, kept = read_answer(connection)
        finally:
            _deadlines.end()
            if kept:
                self._idle.append((connection, time.monotonic()))
            else:
                connection.close()
        return answer

    def _take(self) -> socket.socket | None:
        """Return the connection that idled the shortest, unless it idled for too long or the other side closed it."""
        while True:
            try:
                connection, since = self._idle.pop()
            except IndexError:
                return None
            # Something to read before anything was asked is the end of the connection.
            if time.monotonic() - since < of_the_sdk.MAX_IDLE_S and not wait_for_read(connection, timeout=0):
                return connection
            connection.close()

    def _open(self, connect_s: float) -> socket.socket:
        host, problem = self._endpoint.host, ""
        connection = (
            HTTPConnection(host, timeout=connect_s)
            if self._tls is None
            else HTTPSConnection(host, timeout=connect_s, context=self._tls)
        )
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            problem = _problem(error, reached=connection.sock is not None)
        if problem:
            connection.close()
            raise ConnectFailed(problem)
        opened: socket.socket = connection.sock
        return opened


_connections: Final[dict[tuple[str, str], _Connections]] = {}

#: The SDK's own way, or None in an SDK that has it elsewhere.
_sdk_action: Final[Any] = getattr(DaraCore, "do_action", None)


def use(endpoint: Endpoint) -> None:
    """Let this process's requests to that endpoint go this way."""
    if _sdk_action is None or list(inspect.signature(_sdk_action).parameters) != [
        "request",
        "runtime_option",
    ]:
        # A later SDK may do it elsewhere. It then goes its own way; a test notices it.
        tell(ConnectionsUnmanaged())
        return
    DaraCore.do_action = staticmethod(_do_action)
    if (endpoint.protocol, endpoint.host) not in _connections:
        _connections[endpoint.protocol, endpoint.host] = _Connections(endpoint)


def leave(endpoint: Endpoint) -> None:
    """Let them go the SDK's own way."""
    _connections.pop((endpoint.protocol, endpoint.host), None)


def _do_action(request: DaraRequest, runtime_option: dict[str, Any] | None = None) -> DaraResponse:
    protocol, host = request.protocol.lower(), request.headers.get("host") or ""
    connections = _connections.get((protocol, host))
    if connections is None or _has_proxy(protocol, host):
        return cast("DaraResponse", _sdk_action(request, runtime_option))
    runtime = runtime_option or {}
    return connections.exchange(
        request, connect_s=runtime["connectTimeout"] / 1000, read_s=runtime["readTimeout"] / 1000
    )


def _has_proxy(protocol: str, host: str) -> bool:
    if not (os.environ.get(f"{protocol}_proxy") or os.environ.get(f"{protocol.upper()}_PROXY")):
        return False
    no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return not (no_proxy and should_bypass_proxies(f"{protocol}://{host}/", no_proxy=no_proxy))


def _problem(error: Exception, *, reached: bool) -> str:
    match error:
        case socket.gaierror() | UnicodeError():
            return "the endpoint's name does not resolve"
        case ssl.SSLCertVerificationError():
            return "the certificate of the endpoint is not accepted"
        case TimeoutError():
            return "Aliyun did not open a connection in time"
    return (
        "the endpoint could not agree on encryption"
        if reached
        else "the endpoint refuses connections or cannot be reached"
    )


def _tls_of_the_sdk() -> ssl.SSLContext:
    context = cast("ssl.SSLContext", cast("Any", DaraCore.get_adapter("https")).ssl_context)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _forget() -> None:
    """After a fork: parent and child must not write to the same connections."""
    for key, each in list(_connections.items()):
        _connections[key] = _Connections(each._endpoint)  # noqa: SLF001  the same class


os.register_at_fork(after_in_child=_forget)

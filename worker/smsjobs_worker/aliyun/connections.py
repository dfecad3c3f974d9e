"""Connections to Aliyun: kept alive between requests and threads, and closed before the other side drops them.

A load balancer or a NAT table drops an idle connection unnoticed. The next request on it gets no answer, so a quiet
system's first message would end as an answer lost. urllib3 drops a connection that it sees closed. Here a connection
that idled for `MAX_IDLE_S` is dropped too, before anything is written to it.

An answer has twice the read time-out as a whole. The SDK's read time-out begins again with every byte.

The SDK keeps one `requests` session for each endpoint and pool size in ``DaraCore._sessions``. Ours takes its place,
with the SDK's own TLS settings. It follows no redirect, which would be a second request, with the number, to another
place. It honours ``NO_PROXY``, which the SDK does not read.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Final, cast

import requests
from darabonba.core import DEFAULT_POOL_MAXSIZE, DaraCore
from requests.adapters import HTTPAdapter
from requests.utils import should_bypass_proxies
from Tea.core import TeaCore
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from smsjobs_worker.aliyun.account import Endpoint
from smsjobs_worker.aliyun.deadlines import Deadlines
from smsjobs_worker.logs.facts import ConnectionsUnmanaged, tell

__all__ = ["MAX_IDLE_S", "prepare", "prepare_credentials"]

#: Seconds after which an idle connection is not used again. Usual idle limits of load balancers begin at 15 s.
MAX_IDLE_S: Final = 10.0

#: Most idle connections that are kept: more than a worker has threads. With the SDK's 40, each request beyond that would
#: open and close one.
_KEPT: Final = 256

_lock = threading.Lock()

_deadlines: Final = Deadlines()


class _HTTPConnection(HTTPConnection):
    """Once it idled for too long, it says that it is not connected, and urllib3 opens it again."""

    _answered_at: float | None = None

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        # `self.timeout` is the read time-out by now; the socket still has the one for connecting.
        if self.sock is not None and isinstance(self.timeout, int | float):
            _deadlines.begin(self.sock, within_s=2 * self.timeout)
        response = super().getresponse()
        self._answered_at = time.monotonic()
        return response

    def close(self) -> None:
        self._answered_at = None
        super().close()

    @property
    def is_connected(self) -> bool:
        idles = self._answered_at is not None and time.monotonic() - self._answered_at >= MAX_IDLE_S
        return not idles and super().is_connected


class _HTTPSConnection(_HTTPConnection, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Session(requests.Session):
    def __init__(self, protocol: str) -> None:
        super().__init__()
        self.protocol = protocol

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        if no_proxy and should_bypass_proxies(request.url or "", no_proxy=no_proxy):
            kwargs["proxies"] = {}
        try:
            return super().send(request, **{**kwargs, "allow_redirects": False})
        finally:
            # requests has read the body by then, too.
            _deadlines.end()


def prepare(endpoint: Endpoint) -> None:
    """Give the SDK our session for that endpoint, once for the process."""
    sessions = getattr(DaraCore, "_sessions", None)
    if not isinstance(sessions, dict):
        # A later SDK may keep them elsewhere. It then works with its own session; a test notices it.
        tell(ConnectionsUnmanaged())
        return
    key = f"{endpoint.protocol}://{endpoint.host}:80:pool={DEFAULT_POOL_MAXSIZE}"
    with _lock:
        if not isinstance(sessions.get(key), _Session):
            sessions[key] = _make_session(endpoint.protocol)


def prepare_credentials(protocol: str, host: str) -> None:
    """Give the library of credentials our session for that place, too: its requests go by the SDK's older core.

    Args:
        protocol: As the library has it.
        host: A host, or a whole URL, whose protocol then counts.
    """
    sessions = getattr(TeaCore, "_sessions", None)
    if not isinstance(sessions, dict):
        tell(ConnectionsUnmanaged())
        return
    # It names the port 80 whatever the place is.
    key = f"{protocol}://{host}:80"
    with _lock:
        if not isinstance(sessions.get(key), _Session):
            sessions[key] = _make_session("http" if host.startswith("http://") else protocol)


def _forget() -> None:
    """After a fork: parent and child must not write to the same connections."""
    global _lock  # noqa: PLW0603  another thread of the parent may have held it
    _lock = threading.Lock()
    for core in (DaraCore, TeaCore):
        sessions = getattr(core, "_sessions", {})
        for key, session in list(sessions.items()):
            if isinstance(session, _Session):
                sessions[key] = _make_session(session.protocol)


os.register_at_fork(after_in_child=_forget)


def _make_session(protocol: str) -> _Session:
    session = _Session(protocol)
    adapter = cast("HTTPAdapter", DaraCore.get_adapter(protocol, pool_size=_KEPT))
    adapter.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    session.mount(f"{protocol}://", adapter)
    return session

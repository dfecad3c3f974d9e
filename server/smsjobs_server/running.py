"""Runs the application until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.responses import Response

from smsjobs.metrics import Guard
from smsjobs_server.app import make_app
from smsjobs_server.figures import Figures
from smsjobs_server.forward import Forwarder
from smsjobs_server.metrics import MetricsPage

if TYPE_CHECKING:
    from smsjobs import Sms
    from smsjobs_server.settings import ServerSettings

__all__ = ["Server"]

_BACKLOG: Final = 1_024

#: Requests at the same time; further ones are answered with 503 at once. A connection without a request does not count.
_MOST: Final = 500

#: Seconds within which headers must come, and after which an idle connection is closed.
_IDLE_S: Final = 10

#: Seconds for which requests may end when the server does.
_END_S: Final = 15

_Message = MutableMapping[str, Any]


class Server:
    """The server on its port.

    Args:
        sms: What `smsjobs.connect` gave.
        settings: Where it listens.

    Raises:
        OSError: The address cannot be used.
    """

    def __init__(self, sms: Sms, settings: ServerSettings) -> None:
        self._socket = _bound(settings.host, settings.port)
        self._forwarder = Forwarder(sms, settings.forward) if settings.forward else None
        guard = Guard(host=settings.host, token=settings.metrics_token)
        self._metrics = MetricsPage(Figures(sms).read, guard)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        #: The address of its root.
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        self._app = _AtMost(
            make_app(
                sms,
                secret=settings.secret,
                allowed=settings.allowed,
                forwarder=self._forwarder,
                forward_secret=settings.forward_secret,
                metrics=self._metrics,
            )
        )

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM. Requests that have begun are answered."""
        config = Config()
        config.bind = [f"fd://{self._socket.detach()}"]
        # An access log would hold the secret.
        config.accesslog = None
        config.errorlog = logging.getLogger("hypercorn.error")
        config.backlog = _BACKLOG
        config.include_server_header = False
        config.keep_alive_timeout = config.read_timeout = _IDLE_S
        config.graceful_timeout = _END_S
        if self._forwarder:
            self._forwarder.start()
        stop_counting = self._metrics.start()
        asyncio.run(serve(self._app, config, mode="asgi"))  # type: ignore[arg-type]  # its types of ASGI are its own
        stop_counting()
        if self._forwarder:
            self._forwarder.stop()


class _AtMost:
    """An ASGI application that has so many requests at the same time, and no more."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._running = 0

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "http" and self._running >= _MOST:
            await Response(status_code=503)(scope, receive, send)
            return
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound

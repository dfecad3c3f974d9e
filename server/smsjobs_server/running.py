"""Runs the application until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.responses import Response

from smsjobs.days import Days, DayTally
from smsjobs.facts import is_traced
from smsjobs.metrics import Guard
from smsjobs.traces import trace_facts
from smsjobs_server.app import make_app
from smsjobs_server.figures import Figures
from smsjobs_server.forward import Forwarder
from smsjobs_server.metrics import MetricsPage
from smsjobs_server.operating import OperatorPages

if TYPE_CHECKING:
    from smsjobs import Sms
    from smsjobs_server.settings import ServerSettings

__all__ = ["Server", "listen", "run_app"]

_BACKLOG: Final = 1_024

#: Requests at the same time; further ones are answered with 503 at once. A connection without a request does not count.
_MOST: Final = 500

#: Seconds within which headers must come, and after which an idle connection is closed.
_IDLE_S: Final = 10

#: Seconds for which requests may end when the server does.
_END_S: Final = 15

_Message = MutableMapping[str, Any]


def listen(host: str, port: int) -> tuple[socket.socket, str]:
    """A port that is taken, and the address of its root. Nothing is answered there yet.

    Raises:
        OSError: The address cannot be used.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError:
        taken.close()
        raise
    return taken, f"http://{f'[{host}]' if ':' in host else host}:{taken.getsockname()[1]}"


def run_app(app: Any, taken: socket.socket, *, at_end: Callable[[], None] | None = None) -> None:
    """Serve an ASGI application until SIGINT or SIGTERM. Requests that have begun are answered.

    Args:
        app: The application.
        taken: What `listen` gave.
        at_end: Called when the end begins. It ends what would go on for as long as the client likes, such as `Live`.
    """
    config = Config()
    config.bind = [f"fd://{taken.detach()}"]
    # An access log would hold the secret.
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.backlog = _BACKLOG
    config.include_server_header = False
    # It runs until the headers are there, and between requests. The bodies are timed by `read_body`; hypercorn's
    # read_timeout would also end a page that is watched, as its browser has nothing to say.
    config.keep_alive_timeout = _IDLE_S
    config.read_timeout = None
    config.graceful_timeout = _END_S
    asyncio.run(_serve(_AtMost(app), config, at_end))


async def _serve(app: Any, config: Config, at_end: Callable[[], None] | None) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, told.set)

    async def until_told() -> None:
        await told.wait()
        if at_end:
            at_end()

    await serve(app, config, mode="asgi", shutdown_trigger=until_told)


class Server:
    """The server on its port; `url` is the address of its root.

    Args:
        sms: What `smsjobs.connect` gave.
        settings: Where it listens.

    Raises:
        OSError: The address cannot be used.
    """

    def __init__(self, sms: Sms, settings: ServerSettings) -> None:
        self._socket, self.url = listen(settings.host, settings.port)
        self._forwarder = Forwarder(sms, settings.forward) if settings.forward else None
        guard = Guard(host=settings.host, token=settings.metrics_token)
        self._metrics = MetricsPage(Figures(sms).read, guard)
        self._pages = OperatorPages(sms, settings.access, self._metrics.samples) if settings.access else None
        self._app = make_app(
            sms,
            secret=settings.secret,
            allowed=settings.allowed,
            forwarder=self._forwarder,
            forward_secret=settings.forward_secret,
            metrics=self._metrics,
            pages=self._pages.app if self._pages else None,
        )
        self._tally = DayTally(Days(sms.connection.redis()))

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM. Requests that have begun are answered."""
        if self._forwarder:
            self._forwarder.start()
        stop_counting = self._metrics.start()
        stop_tracing = trace_facts() if is_traced() else None
        self._tally.start()
        run_app(self._app, self._socket, at_end=self._pages.close if self._pages else None)
        self._tally.stop()
        stop_counting()
        if stop_tracing:
            stop_tracing()
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

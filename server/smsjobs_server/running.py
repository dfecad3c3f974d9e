"""Runs the application until it is told to end."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING, Final

import uvicorn

from smsjobs_server.app import make_app
from smsjobs_server.forward import Forwarder

if TYPE_CHECKING:
    from smsjobs import Sms
    from smsjobs_server.settings import ServerSettings

__all__ = ["Server"]

_BACKLOG: Final = 1_024

#: Requests at the same time; further ones are answered with 503 at once.
_MOST: Final = 500

#: Seconds after which an idle connection is closed, and for which requests may end when the server does.
_IDLE_S: Final = 15


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
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        #: The address of its root.
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            make_app(
                sms,
                secret=settings.secret,
                forwarder=self._forwarder,
                forward_secret=settings.forward_secret,
            ),
            # An access log would hold the secret.
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            backlog=_BACKLOG,
            limit_concurrency=_MOST,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=_IDLE_S,
        )
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM. Requests that have begun are answered."""
        # uvicorn ends in order, and then sends itself the signal again, for whoever handled it before.
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: None)
        if self._forwarder:
            self._forwarder.start()
        self._server.run([self._socket])
        if self._forwarder:
            self._forwarder.stop()


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

"""Serves a worker's figures over HTTP, from threads that no job needs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from smsjobs.metrics.guard import Guard

__all__ = ["Exposition"]

_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

#: Requests at the same time. Further ones are hung up on.
_MOST: Final = 8

#: Seconds for which a silent client is listened to.
_IDLE_S: Final = 5.0


class Exposition:
    """A server of ``/metrics``.

    Args:
        render: Gives the figures as text.
        guard: Who may read them. Its host is listened on.
        port: The port; 0 takes a free one.

    Raises:
        OSError: The address cannot be used.
    """

    def __init__(self, render: Callable[[], bytes], guard: Guard, port: int) -> None:
        self._server = _Server((guard.host, port), render, guard)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="smsjobs-metrics", daemon=True
        )
        #: The port.
        self.port = int(self._server.server_address[1])

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Another worker's port must be an error, not shared.
    allow_reuse_port = False

    def __init__(self, address: tuple[str, int], render: Callable[[], bytes], guard: Guard) -> None:
        self.render, self.guard = render, guard
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self._room = threading.BoundedSemaphore(_MOST)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind. The base would look its own name up, which may take long where no DNS answers."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, if there is room."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up has his reasons, and no line of the log."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _IDLE_S
    server_version, sys_version = "smsjobs", ""

    def do_GET(self) -> None:
        status: int = self.server.guard.status(self.headers)
        if self.path.partition("?")[0] != "/metrics":
            status = 404
        body = self.server.render() if status == 200 else b""
        self.send_response(status)
        if status == 200:
            self.send_header("Content-Type", _CONTENT_TYPE)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """None."""

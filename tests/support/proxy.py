"""A TCP proxy that cuts connections at a chosen moment."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Forwards to a port of 127.0.0.1, and can lose the answer to a request that the server has carried out.

    Args:
        port: Where it forwards to.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._needle: bytes | None = None
        self._lock = threading.Lock()
        self._clients: set[socket.socket] = set()
        #: Connections cut so far.
        self.cuts = 0
        #: Called when the server has answered, just before the cut.
        self.at_the_cut: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def cut_after(self, needle: bytes) -> None:
        """Of the next request that holds `needle`, pass it on, wait for the server's answer, and cut in its place."""
        with self._lock:
            self._needle = needle

    def say(self, text: bytes) -> int:
        """Say something to every client in the server's name; gives how many there are."""
        clients = tuple(self._clients)
        for each in clients:
            each.sendall(text)
        return len(clients)

    def _serve(self, client: socket.socket) -> None:
        self._clients.add(client)
        try:
            self._forward(client)
        finally:
            self._clients.discard(client)

    def _forward(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._target)) as server:
            doomed = threading.Event()
            back = threading.Thread(target=self._pump_back, args=[server, client, doomed], daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(1 << 16):
                    with self._lock:
                        if self._needle is not None and self._needle in data:
                            self._needle = None
                            self.cuts += 1
                            doomed.set()
                    server.sendall(data)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join(5)

    def _pump_back(self, server: socket.socket, client: socket.socket, doomed: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if doomed.is_set():
                    self.at_the_cut()
                    break
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

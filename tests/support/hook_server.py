"""An application's HTTP server that takes webhooks, checks who signed them, and can be made to fail."""

import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError

__all__ = ["SECRET", "HookServer"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwe4NfKQ9r8GK="

#: What it does with a request: ``"ok"``, a status, ``"redirect"``, ``"hang"``, ``"trickle"``.
Fault = str | int


class HookServer(ThreadingHTTPServer):
    """The server.

    Attributes:
        fault: Tells what to do with an event.
        events: What was taken, in the order of arrival.
        ids: The ``webhook-id`` of each try, whatever became of it.
        forged: How many requests nobody had signed who knows the secret. They are answered with 401.
        redirected: How many requests came to where it redirects.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, secret: str = SECRET, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.webhook = Webhook(secret)
        self.fault: Callable[[Any], Fault] = lambda _: "ok"
        self.events: list[Any] = []
        self.ids: list[str] = []
        self.forged = 0
        self.redirected = 0
        self.closing = Event()
        self.url = f"http://127.0.0.1:{self.server_port}/hooks/sms?from=tests"

    def of(self, type: str) -> list[Any]:
        """The events of that type that were taken."""
        return [each for each in self.events if each["type"] == type]

    def __enter__(self) -> Self:
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: HookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/elsewhere":
            self.server.redirected += 1
        self.server.ids.append(self.headers["webhook-id"])
        try:
            event = self.server.webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.server.forged += 1
            self._answer(401)
            return
        match self.server.fault(event):
            case "ok":
                self.server.events.append(event)
                self._answer(204)
            case "redirect":
                self._answer(307, Location="/elsewhere")
            case "hang":
                self.server.closing.wait(30)
            case "trickle":
                self._trickle()
            case int() as status:
                self._answer(status)

    do_GET = do_POST

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _trickle(self) -> None:
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while not self.server.closing.is_set():
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

"""An HTTP server that takes what the simulator pushes, as an application's own route would."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

from smsjobs import Sms
from smsjobs.receipts import Receiver

__all__ = ["Callback"]


class Callback(ThreadingHTTPServer):
    """Answers with a `Receiver`, in threads of its own."""

    daemon_threads = True

    def __init__(self, sms: Sms) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver = Receiver(sms)
        self.url = f"http://127.0.0.1:{self.server_port}/receipts"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Callback

    def do_POST(self) -> None:
        answer = self.server.receiver.handle(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

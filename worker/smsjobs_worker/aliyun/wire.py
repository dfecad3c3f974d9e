"""One HTTP/1.1 request as bytes, and its answer read from a socket. httptools takes it apart: Node's parser, in C.

Python's own `http.client` reads headers as those of an e-mail, which alone is a tenth of a job's processor time.
"""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlencode

from darabonba.request import DaraRequest
from darabonba.response import DaraResponse
from httptools import HttpParserError, HttpResponseParser

__all__ = ["AnswerBroken", "read_answer", "written"]

#: Most bytes of an answer. A page of a look-up, Aliyun's longest, has some ten thousand.
_MOST_BYTES: Final = 4 * 1024 * 1024

_CHUNK: Final = 65_536

#: The first status of a final answer. Those below announce one.
_FINAL: Final = 200


class AnswerBroken(Exception):
    """The answer was cut off, is too long, or is not HTTP. The text has nothing private."""


class _Answer:
    """What the parser tells of an answer. The names are httptools'."""

    def __init__(self) -> None:
        self.parser = HttpResponseParser(self)
        self.status = 0
        self.reason = b""
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.complete = False
        #: Whether it ends with the connection, because it does not tell its length.
        self.until_closed = False
        #: Whether the connection can be used again.
        self.kept = False

    def on_message_begin(self) -> None:
        # Announcements may precede an answer. Whatever follows it was not asked for.
        if self.complete:
            self.kept = False
        else:
            self.reason, self.headers, self.body = b"", {}, bytearray()

    def on_status(self, reason: bytes) -> None:
        self.reason += b"" if self.complete else reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.complete:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if not self.complete:
            self.status = self.parser.get_status_code()
            sized = "content-length" in self.headers or "transfer-encoding" in self.headers
            self.until_closed = self.status >= _FINAL and not sized

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self.body += body

    def on_message_complete(self) -> None:
        if not self.complete and self.status >= _FINAL:
            self.complete, self.kept = True, self.parser.should_keep_alive()


def written(request: DaraRequest) -> bytes:
    """Return the request as it is written.

    Raises:
        ValueError: A header has a line break or is no Latin text.
    """
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    headers = {"accept-encoding": "identity", "content-length": str(len(body)), **request.headers}
    lines = [f"{request.method} {_target(request)} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in each or "\n" in each for each in lines):
        raise ValueError("a header with a line break")
    return b"%s\r\n\r\n%s" % ("\r\n".join(lines).encode("latin-1"), body)


def read_answer(connection: socket.socket) -> tuple[DaraResponse, bool]:
    """Return the answer to a request that was written, and whether the connection can be used again.

    Raises:
        AnswerBroken: It is not whole.
        OSError: The connection broke, or did not answer within its time-out.
    """
    answer, size = _Answer(), 0
    while not answer.complete:
        received = connection.recv(_CHUNK)
        size += len(received)
        if not received and not answer.until_closed:
            raise AnswerBroken("cut off")
        if size > _MOST_BYTES:
            raise AnswerBroken("too long")
        if not received:
            break
        try:
            answer.parser.feed_data(received)
        except HttpParserError:
            if not answer.complete:  # else it is what follows the answer
                raise AnswerBroken("not HTTP") from None
    response = DaraResponse()
    response.status_code, response.status_message = answer.status, answer.reason.decode("latin-1")
    response.headers, response.body = answer.headers, bytes(answer.body)
    return response, answer.kept


def _target(request: DaraRequest) -> str:
    query = urlencode({name: str(value) for name, value in request.query.items() if value is not None})
    path = request.pathname or "/"
    return f"{path}?{query}" if query else path

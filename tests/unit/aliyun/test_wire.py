"""Requests as bytes, and answers read from a socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from darabonba.request import DaraRequest
from hypothesis import given
from hypothesis import strategies as st

from smsjobs_worker.aliyun import wire
from smsjobs_worker.aliyun.wire import AnswerBroken, read_answer, written

SIZED = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\nX-Request: a\r\n\r\n{"Code":"OK"}'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{"Code\r\n7\r\n":"OK"}\r\n0\r\n\r\n'
UNSIZED = b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"Code":"OK"}'
ANNOUNCED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Hint: b\r\n\r\n" + SIZED


@contextmanager
def answered(*pieces: bytes, closed: bool = True) -> Iterator[socket.socket]:
    """A connection whose other side says these pieces, each after the one before was read, and may then close it."""
    ours, theirs = socket.socketpair()

    def say() -> None:
        for each in pieces:
            theirs.sendall(each)
        if closed:
            theirs.close()

    with ours, theirs:
        ours.settimeout(10)
        speaker = threading.Thread(target=say)
        speaker.start()
        yield ours
        speaker.join()


@given(answer=st.sampled_from((SIZED, CHUNKED, UNSIZED, ANNOUNCED)), cuts=st.lists(st.integers(0, 200)))
def test_it_is_read_however_it_comes(answer: bytes, cuts: list[int]) -> None:
    """An answer is the same in one piece and in many, announced or not, whatever tells its length."""
    places = sorted({0, len(answer), *(each for each in cuts if each < len(answer))})
    pieces = [answer[a:b] for a, b in pairwise(places)]
    with answered(*pieces) as connection:
        response, kept = read_answer(connection)
    assert (response.status_code, response.status_message, response.body) == (200, "OK", b'{"Code":"OK"}')
    assert response.headers is not None
    assert "x-hint" not in response.headers
    assert kept == (answer != UNSIZED)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (SIZED, True),
        (SIZED.replace(b"1.1", b"1.0"), False),
        (SIZED.replace(b"X-Request: a", b"Connection: close"), False),
        (SIZED + b"HTTP/1.1 200 OK\r\n\r\n", False),
        (SIZED + b"\x00\x01", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    ],
)
def test_kept(answer: bytes, kept: bool) -> None:
    """A connection is used again only where the answer ended as HTTP/1.1 says, and nothing follows it."""
    with answered(answer, closed=False) as connection:
        response, again = read_answer(connection)
    assert again is kept
    assert response.body in (b'{"Code":"OK"}', b"")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-x\r\n",
        SIZED[:-1],
        CHUNKED[:-3],
        SIZED[:20],
        SIZED.replace(b"13", b"-1"),
        SIZED.replace(b"\r\nX-Request", b"\r\nContent-Length: 2\r\nX-Request"),
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_broken(answer: bytes) -> None:
    """What is not a whole answer is none."""
    with answered(answer) as connection, pytest.raises(AnswerBroken):
        read_answer(connection)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 20_000 + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 120000\r\n\r\n" + b" " * 120_000,
    ],
    ids=["headers", "body"],
)
def test_too_long(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer has a bound, its headers included."""
    monkeypatch.setattr(wire, "_MOST_BYTES", 100_000)
    with answered(answer) as connection, pytest.raises(AnswerBroken, match="too long"):
        read_answer(connection)
    monkeypatch.setattr(wire, "_MOST_BYTES", 200_000)
    with answered(answer) as connection:
        assert read_answer(connection)[0].status_code == 200


def asked(**headers: str) -> DaraRequest:
    """A request like the SDK's."""
    request = DaraRequest()
    request.method, request.pathname = "POST", "/"
    request.query = {"SignName": "示例 公司", "OutId": "a&b", "Absent": None}
    request.headers = {"host": "example.com", **headers}
    return request


def test_written() -> None:
    """A request is its line, its headers, and its body with its length."""
    request = asked()
    head, _, body = written(request).partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == "POST /?SignName=%E7%A4%BA%E4%BE%8B+%E5%85%AC%E5%8F%B8&OutId=a%26b HTTP/1.1"
    assert set(headers) == {"host: example.com", "accept-encoding: identity", "content-length: 0"}
    assert body == b""
    request.body = "é"
    assert written(request).endswith(b"content-length: 2\r\nhost: example.com\r\n\r\n\xc3\xa9")


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nx: y", "例"])
def test_no_header_of_somebody_else(value: str) -> None:
    """A header cannot begin another one."""
    with pytest.raises(ValueError):
        written(asked(token=value))

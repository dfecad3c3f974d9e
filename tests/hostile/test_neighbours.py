"""The simulator and the embedded Redis beside a hostile page, a slow client and a prepared directory."""

import http.client
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from aliyun_sms_simulator import Simulator, SimulatorProcess, control, endpoint, slow_clients
from smsjobs.embedded import EmbeddedRedis, UnusableDirectory


def ask(url: str, method: str = "GET", path: str = "/", body: str | None = None, **headers: str) -> int:
    """The status of an answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("headers", "status", "remark"),
    [
        ({}, 200, "a program on this machine"),
        ({"Host": "localhost:9"}, 200, "by its name"),
        ({"Host": "[::1]:9"}, 200, "by its IPv6 address"),
        ({"Host": "simulator:9401"}, 200, "a service of Docker Compose"),
        ({"Host": "evil.example"}, 403, "a name that was made to lead here"),
        ({"Host": "127.0.0.1.evil.example"}, 403, "such a name that looks like an address"),
        ({"Host": "localhost.evil.example"}, 403, "such a name that looks like ours"),
        ({"Host": "["}, 403, "no name at all"),
        ({"Origin": "http://evil.example"}, 403, "a page from elsewhere"),
        ({"Origin": "null"}, 403, "a page without an origin"),
        ({"Host": "localhost:9", "Origin": "http://localhost:10"}, 403, "a page of another port"),
        ({"Host": "localhost:9", "Origin": "http://localhost:9"}, 200, "its own page"),
    ],
)
def test_control_knows_its_callers(
    simulator_process: SimulatorProcess, headers: dict[str, str], status: int, remark: str
) -> None:
    """No page from elsewhere reads or drives the control API, whatever name leads to it."""
    assert ask(simulator_process.control_url, path="/accepted", **headers) == status, remark


def test_control_bounds_its_bodies(simulator_process: SimulatorProcess) -> None:
    """A body that is nested without end is an answer of 400, one that is too large of 413."""
    assert ask(simulator_process.control_url, "POST", "/faults", "[" * 100_000) == 400
    assert ask(simulator_process.control_url, "POST", "/faults", "x" * 2**21) == 413
    assert ask(simulator_process.control_url) == 200


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulator that waits for two seconds only."""
    for module in (slow_clients, control, endpoint):
        for name in ("HEADERS_S", "BODY_S"):
            monkeypatch.setattr(module, name, 2.0, raising=False)
    with Simulator() as simulator:
        yield simulator


def test_slow_clients_are_closed(hurried: Simulator) -> None:
    """Who sends no headers, half of them, or no body is closed in time; others are answered meanwhile."""
    starts = (
        b"",
        b"GET / HTTP/1.1\r\nHost: a",
        b"POST /reset HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
    )
    slow: list[socket.socket] = []
    for url in (hurried.url, hurried.control_url):
        for start in starts:
            parts = urlsplit(url)
            connection = socket.create_connection((str(parts.hostname), parts.port), timeout=15)
            connection.sendall(start)
            slow.append(connection)
    began = time.monotonic()
    assert ask(hurried.control_url) == 200
    assert time.monotonic() - began < 5
    for connection in slow:
        while connection.recv(4096):
            pass
        connection.close()
    assert time.monotonic() - began < 8


def _link(directory: Path, victim: Path) -> None:
    (directory / ".gitignore").symlink_to(victim)


def _hard_link(directory: Path, victim: Path) -> None:
    (directory / "redis.log").hardlink_to(victim)


def _data(directory: Path, victim: Path) -> None:
    (directory / "data").symlink_to(victim.parent)


def _inner(directory: Path, victim: Path) -> None:
    (directory / "data" / "appendonlydir").mkdir(parents=True)
    (directory / "data" / "appendonlydir" / "appendonly.aof.manifest").symlink_to(victim)


def _pipe(directory: Path, victim: Path) -> None:
    os.mkfifo(directory / "users.lock")
    assert victim


def _open(directory: Path, victim: Path) -> None:
    directory.chmod(0o777)
    assert victim


@pytest.mark.parametrize("prepare", [_link, _hard_link, _data, _inner, _pipe, _open])
def test_prepared_directory(tmp_path: Path, prepare: Callable[[Path, Path], None]) -> None:
    """An embedded Redis refuses a directory that others may write to or that leads elsewhere, and writes nothing there."""
    (tmp_path / "elsewhere").mkdir()
    victim = tmp_path / "elsewhere" / "victim"
    victim.write_text("precious")
    directory = tmp_path / ".smsjobs"
    directory.mkdir()
    prepare(directory, victim)
    with pytest.raises(UnusableDirectory, match="SMS_EMBEDDED_DIR"):
        EmbeddedRedis(directory).start()
    assert victim.read_text() == "precious"
    assert [each.name for each in victim.parent.iterdir()] == ["victim"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_prepared_address(tmp_path: Path) -> None:
    """An address that another user has left in the directory is not believed: it may lead to a Redis of his."""
    directory = tmp_path / ".smsjobs"
    directory.mkdir()
    (directory / "server.json").write_text('{"port": 1, "password": "his"}')
    os.chown(directory / "server.json", 65534, 65534)
    with pytest.raises(UnusableDirectory, match="another user"):
        EmbeddedRedis(directory).start()


def test_link_to_a_directory(tmp_path: Path) -> None:
    """A directory that is a link itself is refused."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".smsjobs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnusableDirectory):
        EmbeddedRedis(tmp_path / ".smsjobs").start()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_nothing_is_open_to_others(tmp_path: Path) -> None:
    """Nothing in the directory of an embedded Redis can be read by other users, though the directory could before."""
    directory = tmp_path / ".smsjobs"
    directory.mkdir(mode=0o755)
    with EmbeddedRedis(directory):
        assert all(each.stat().st_mode & 0o077 == 0 for each in (directory, *directory.rglob("*")))

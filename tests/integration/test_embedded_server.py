"""The embedded server with real processes and real signals."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from smsjobs.embedded import EmbeddedRedis, EmbeddedRedisError, TemporaryRedis
from support.redis_server import RedisServer

# A process that uses the server: it tells the server's URL and pid, and holds on until its input ends.
USER = """
import sys
from pathlib import Path
import redis
from smsjobs.embedded import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]))
server.start()
with redis.Redis.from_url(server.url) as client:
    print(server.url, client.info("server")["process_id"], flush=True)
sys.stdin.read()
"""


class User:
    """Another process that uses the server in a directory."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def joined(self) -> tuple[str, int]:
        """The server's URL and process id, as soon as this user has joined it."""
        assert self.process.stdout
        url, pid = self.process.stdout.readline().split()
        return url, int(pid)

    def leave(self) -> None:
        """Ends in good order."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(20)

    def kill(self) -> None:
        """Ends without a last word."""
        self.process.kill()
        self.process.wait(20)


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Callable[[], User]]:
    """Makes users of the one directory of this test, and removes those that are left."""
    users: list[User] = []

    def make() -> User:
        users.append(User(tmp_path / "redis"))
        return users[-1]

    yield make
    for one in users:
        one.kill()
        for pipe in (one.process.stdin, one.process.stdout):
            assert pipe
            pipe.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path / "redis") as server:
        yield server


def eventually(truth: Callable[[], bool], *, within_s: float = 15) -> None:
    limit = time.monotonic() + within_s
    while not truth():
        assert time.monotonic() < limit, "it did not come true"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def pid_of(server: EmbeddedRedis) -> int:
    with redis.Redis.from_url(server.url) as client:
        return int(client.info("server")["process_id"])


def put(server: EmbeddedRedis, key: str) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.set(key, "1")


def has(server: EmbeddedRedis, key: str) -> bool:
    with redis.Redis.from_url(server.url) as client:
        return bool(client.exists(key))


def test_one_server_for_all(server: EmbeddedRedis, user: Callable[[], User]) -> None:
    """Another process that names the same directory joins the same server."""
    assert user().joined() == (server.url, pid_of(server))


def test_start_at_once(user: Callable[[], User]) -> None:
    """Processes that start at the same moment end with one server."""
    users = [user() for _ in range(4)]
    assert len({one.joined() for one in users}) == 1


def test_last_one_out(tmp_path: Path, user: Callable[[], User]) -> None:
    """The first to leave leaves it running, the last shuts it down, and its data is there at the next start."""
    first, second = user(), user()
    url, pid = first.joined()
    second.joined()
    first.leave()
    with redis.Redis.from_url(url) as client:
        client.set("kept", "1")
    second.leave()
    eventually(lambda: not lives(pid))
    with EmbeddedRedis(tmp_path / "redis") as server:
        assert has(server, "kept")


def test_stop_waits(tmp_path: Path) -> None:
    """When `stop()` of the only user returns, the server has ended."""
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    pid = pid_of(server)
    server.stop()
    assert not lives(pid)


def test_killed_user(user: Callable[[], User]) -> None:
    """A user that was killed has left, too."""
    only = user()
    _, pid = only.joined()
    only.kill()
    eventually(lambda: not lives(pid))


def test_killed_server(server: EmbeddedRedis) -> None:
    """A server that was killed is started again by the next `start()`: same port, same password, same data."""
    url, pid = server.url, pid_of(server)
    with redis.Redis.from_url(url) as client:
        client.config_set("appendfsync", "always")
    put(server, "kept")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not lives(pid))
    server.start()
    assert server.url == url
    assert has(server, "kept")
    assert pid_of(server) != pid


def test_slow_start(tmp_path: Path) -> None:
    """`start()` returns when the data has been read, not while the server still refuses every command."""
    slowly = {"key-load-delay": "10"}  # microseconds for each command
    with EmbeddedRedis(tmp_path / "redis", options=slowly) as server:
        with redis.Redis.from_url(server.url) as client, client.pipeline(transaction=False) as commands:
            for number in range(30_000):
                commands.set(f"kept-{number}", "1")
            commands.execute()
        server.stop()
        server.start()
        with redis.Redis.from_url(server.url, retry=Retry(NoBackoff(), 0)) as client:
            assert client.exists("kept-29999")


def test_everything_killed(tmp_path: Path, user: Callable[[], User]) -> None:
    """After a kill of the server and of all its users the next start finds the data and no obstacle."""
    one = user()
    url, pid = one.joined()
    with redis.Redis.from_url(url) as client:
        client.config_set("appendfsync", "always")
        client.set("kept", "1")
    os.kill(pid, signal.SIGKILL)
    one.kill()
    with EmbeddedRedis(tmp_path / "redis") as server:
        assert has(server, "kept")


def test_port_taken_meanwhile(tmp_path: Path) -> None:
    """A server whose port somebody took while it was down gets another one, and its data with it."""
    with EmbeddedRedis(tmp_path / "redis") as server:
        put(server, "kept")
        before = server.url
    port = json.loads((tmp_path / "redis" / "server.json").read_text())["port"]
    with socket.create_server(("127.0.0.1", port)), EmbeddedRedis(tmp_path / "redis") as server:
        assert server.url != before
        assert has(server, "kept")


def test_foreign_redis_on_its_port(tmp_path: Path) -> None:
    """Another Redis that took the port, and lets everybody in, is not taken for ours."""
    with RedisServer() as other:
        with other.client() as client:
            client.execute_command("ACL", "SETUSER", "default", "nopass")
        with EmbeddedRedis(tmp_path / "redis") as server:
            pass
        address = tmp_path / "redis" / "server.json"
        address.write_text(json.dumps(json.loads(address.read_text()) | {"port": other.port}))
        with EmbeddedRedis(tmp_path / "redis") as server:
            assert pid_of(server) != other.pid


def test_forked_child_ends(server: EmbeddedRedis) -> None:
    """The end of a forked child, even one that runs the parent's exit handlers, leaves the parent its server."""
    child = os.fork()
    if child == 0:
        server.stop()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    put(server, "still there")
    assert has(server, "still there")


def test_forked_child_stays(server: EmbeddedRedis) -> None:
    """A forked child that outlives its parent's use keeps the server, and its end is the server's."""
    pid = pid_of(server)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    server.stop()
    assert lives(pid)
    os.close(write)
    os.waitpid(child, 0)
    eventually(lambda: not lives(pid))


def test_keeper_told_to_stop(server: EmbeddedRedis) -> None:
    """A keeper that is told to stop takes the server with it, so that none is left without one."""
    pid = pid_of(server)
    keeper = int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])
    os.kill(keeper, signal.SIGTERM)
    eventually(lambda: not lives(pid))


def test_out_of_reach_of_the_terminal(server: EmbeddedRedis) -> None:
    """A Ctrl-C in the terminal does not reach the server, because it is in another session."""
    assert os.getsid(pid_of(server)) != os.getsid(0)


def test_settings(server: EmbeddedRedis) -> None:
    """It keeps what it was told on disk, never evicts, never hangs up, and listens on this machine only."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        settings = client.config_get("*")
    wanted = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "timeout": "0",
        "bind": "127.0.0.1",
    }
    assert {name: settings[name] for name in wanted} == wanted


def test_password(server: EmbeddedRedis) -> None:
    """The password is wanted, and stands in no repr, no command line, and no file that others may read."""
    password = redis.connection.parse_url(server.url)["password"]
    with (
        redis.Redis.from_url(server.url.replace(password, "wrong")) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    assert password not in repr(server)
    assert password not in Path(f"/proc/{pid_of(server)}/cmdline").read_text()
    assert server.directory.stat().st_mode & 0o077 == 0
    for file in server.directory.iterdir():
        if password.encode() in (file.read_bytes() if file.is_file() else b""):
            assert file.stat().st_mode & 0o077 == 0, file
    assert (server.directory / ".gitignore").read_text() == "*\n"


def test_url_before_start(tmp_path: Path) -> None:
    """Asking for the URL of a server that was not started says so."""
    with pytest.raises(EmbeddedRedisError, match="start"):
        _ = EmbeddedRedis(tmp_path).url


def test_url_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`embedded_url()` starts the server in SMS_EMBEDDED_DIR once and gives the same URL ever after."""
    script = (
        "from smsjobs.embedded import embedded_url; import redis; url = embedded_url();"
        "assert url == embedded_url(); print(redis.Redis.from_url(url, decode_responses=True).config_get('dir')['dir'])"
    )
    monkeypatch.setenv("SMS_EMBEDDED_DIR", str(tmp_path / "mine"))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(tmp_path / "mine" / "data")


def test_default_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SMS_EMBEDDED_DIR the server lives in .smsjobs of the current directory, wherever one goes later."""
    monkeypatch.delenv("SMS_EMBEDDED_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    with EmbeddedRedis() as server:
        monkeypatch.chdir("/")
        assert server.directory == tmp_path / ".smsjobs"
        put(server, "reached")


def test_directory_with_a_strange_name(tmp_path: Path) -> None:
    """Spaces, quotes and Chinese in the directory's name do no harm."""
    with EmbeddedRedis(tmp_path / "a 'b\" 短信") as server:
        put(server, "x")
    with EmbeddedRedis(tmp_path / "a 'b\" 短信") as server:
        assert has(server, "x")


def test_does_not_start(tmp_path: Path) -> None:
    """A server that can't start is an error that gives its last words and its log, and leaves no lock."""
    broken = EmbeddedRedis(tmp_path / "redis", options={"maxmemory-policy": "nonsense"})
    with pytest.raises(EmbeddedRedisError, match=r"redis\.log"):
        broken.start()
    with EmbeddedRedis(tmp_path / "redis") as server:
        put(server, "x")


def test_older_server_newer_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data of Redis 7 is not silently left out by a Redis 6, which would start empty."""
    old = tmp_path / "bin" / "redis-server"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.14'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent), prepend=os.pathsep)
    (tmp_path / "redis" / "data" / "appendonlydir").mkdir(parents=True)
    with pytest.raises(EmbeddedRedisError, match="newer redis-server"):
        EmbeddedRedis(tmp_path / "redis").start()


def test_temporary_leaves_nothing() -> None:
    """A temporary server leaves no process and no file behind."""
    with TemporaryRedis() as server:
        pid = pid_of(server)
    assert not lives(pid)
    assert not server.directory.exists()


def test_faults_for_tests() -> None:
    """The tests' server comes back from a kill, a pause and a restart with the same URL and all its data."""
    with RedisServer() as server, server.client() as client:
        url = server.url
        client.set("a", "1")
        server.kill()
        with pytest.raises(redis.ConnectionError), redis.Redis.from_url(url, retry=None) as probe:
            probe.ping()
        server.restart()
        assert client.get("a") == "1"
        server.pause()
        with (
            pytest.raises(redis.TimeoutError),
            redis.Redis.from_url(url, socket_timeout=0.1, retry=None) as probe,
        ):
            probe.ping()
        server.resume()
        assert client.get("a") == "1"
        server.restart()
        assert client.get("a") == "1"
        assert server.url == url


@pytest.mark.usefixtures("redis_url")
def test_never_the_usual_port(redis_server: RedisServer) -> None:
    """Tests never touch the port on which a developer's own Redis may listen."""
    assert redis_server.port != 6379


def test_a_temporary_server_that_never_starts_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its directory is there from start() to stop(), and no sooner or later."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server = TemporaryRedis()
    assert list(tmp_path.iterdir()) == []
    with server:
        assert list(tmp_path.iterdir()) == [server.directory]
        assert server.directory.stat().st_mode & 0o077 == 0
    server.stop()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("argument", "status", "words"),
    [("--help", 0, "SMS_EMBEDDED_DIR"), ("nonsense", 2, "unrecognized arguments")],
)
def test_arguments_of_the_command(argument: str, status: int, words: str, tmp_path: Path) -> None:
    """`python -m smsjobs.embedded` has a help, refuses what it does not know, and starts no server for either."""
    directory = tmp_path / "redis"
    done = subprocess.run(
        [sys.executable, "-m", "smsjobs.embedded", argument],
        env=os.environ | {"SMS_EMBEDDED_DIR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert words in done.stdout + done.stderr
    assert not directory.exists()

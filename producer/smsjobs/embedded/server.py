"""The embedded server as its users see it: start or join it, get its URL, leave it."""

import errno
import fcntl
import functools
import json
import os
import random
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from smsjobs.embedded import keeper
from smsjobs.embedded.binary import find_redis_server, version_of

__all__ = ["EmbeddedRedis", "EmbeddedRedisError", "TemporaryRedis", "UnusableDirectory", "embedded_url"]

#: The longest time of a start, in seconds. Reading a large append-only file is the slow part.
START_S = 30
#: How many times a start is tried if the server ends at once. From the second try on, the port is a new one.
TRIES = 4
_POLL_S = 0.01


class EmbeddedRedisError(Exception):
    """The embedded server did not start. The message names its log file."""


class UnusableDirectory(EmbeddedRedisError):
    """The embedded server's directory cannot be created or written to."""

    def __init__(self, directory: Path, error: OSError) -> None:
        super().__init__(
            f"The embedded Redis cannot keep its data in {directory} ({error.strerror}): set SMS_EMBEDDED_DIR to "
            "a directory of your own that can be written to."
        )


@dataclass(frozen=True, kw_only=True)
class _Address:
    #: The TCP port on 127.0.0.1. A restart keeps it, so that clients of a dead server find the next one.
    port: int
    #: Other users of this machine must not read or write jobs.
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


class EmbeddedRedis:
    """A real Redis server for one project, shared by all processes that name the same directory.

    It listens on a free port of 127.0.0.1, requires a random password, and writes every change to an append-only file.

    A process that starts or joins it holds it until `stop()`, the end of a `with` block, or the end of the process.
    Children that are forked in between hold it too. When nobody holds it any more, it is shut down.

    If the server dies while it is in use, `start()` from any process starts it again with the same data. It also uses
    the same port, if that is still free.

    Args:
        directory: Where the data, the log and the password are kept. It is created if it is missing, and other users
            cannot read it. One that others may write to, or that has a link in it, is refused. Default: `SMS_EMBEDDED_DIR`, or `.smsjobs` in the current directory.
        options: Settings of redis.conf to add or to replace, such as `{"appendfsync": "always"}`. Only those of the
            first process count. Processes that join later use the server as it is.
    """

    def __init__(self, directory: Path | None = None, *, options: Mapping[str, str] | None = None) -> None:
        self.directory = (directory or _default_directory()).absolute()
        self._options = dict(options or {})
        self._hold: int | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(directory={str(self.directory)!r}, started={self._hold is not None})"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its URL: `redis://:password@127.0.0.1:port/0`.

        Raises:
            EmbeddedRedisError: It was not started.
        """
        address = self._read_address() if self._hold is not None else None
        if address is None:
            raise EmbeddedRedisError("The embedded Redis server has no address before start().")
        return address.url

    def start(self) -> None:
        """Start the server, or join the one that another process started. Return when it answers.

        Calling it again is cheap, and restarts a server that has died.

        Raises:
            RedisServerNotFound: There is no redis-server on this machine.
            EmbeddedRedisError: It did not start, or did not answer within 30 seconds.
        """
        held_before = self._hold is not None
        if not held_before:
            try:
                self._prepare_directory()
                # This waits while a keeper holds the exclusive lock, which means that an earlier server is shutting down.
                self._hold = _locked(self._users, fcntl.LOCK_SH)
            except OSError as error:
                raise UnusableDirectory(self.directory, error) from None
        try:
            self._make_it_answer()
        except BaseException:
            if not held_before:
                self._let_go()
            raise

    def stop(self) -> None:
        """Leave the server. If nobody else holds it, return when it is down and its data is on disk."""
        if self._hold is None:
            return
        self._let_go()
        limit = time.monotonic() + keeper.SHUTDOWN_S + 1
        while self._runs() and not self._has_other_users() and time.monotonic() < limit:
            time.sleep(_POLL_S)

    # What is in the directory.

    @property
    def _users(self) -> Path:
        """Each process that uses the server holds a shared lock on this file. The keeper waits for an exclusive one."""
        return self.directory / "users.lock"

    @property
    def _server(self) -> Path:
        """Locked while the keeper or the server lives, because two servers would destroy one append-only file."""
        return self.directory / "server.lock"

    @property
    def _address(self) -> Path:
        return self.directory / "server.json"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _log(self) -> Path:
        return self.directory / "redis.log"

    def _prepare_directory(self) -> None:
        for each in (self.directory, self._data):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
            _own(each)
        # This directory is inside the project's, and contains a password. Keep it out of version control.
        with suppress(FileExistsError), _open_private(self.directory / ".gitignore", os.O_EXCL) as file:
            file.write("*\n")

    # Starting.

    def _make_it_answer(self) -> None:
        limit = time.monotonic() + START_S
        tries = 0
        while not self._answers():
            lock = _locked(self._server, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock is not None:
                if tries == TRIES:
                    os.close(lock)
                    raise EmbeddedRedisError(f"The embedded redis-server ended at once: {self._last_words()}")
                self._launch(lock, fresh_port=tries > 0)
                tries += 1
            if time.monotonic() > limit:
                raise EmbeddedRedisError(f"No answer within {START_S} s: {self._last_words()}")
            time.sleep(_POLL_S)

    def _launch(self, lock: int, *, fresh_port: bool) -> None:
        """Start the keeper, which inherits the lock."""
        try:
            program = find_redis_server()
            if version_of(program) < (7,) and (self._data / "appendonlydir").exists():
                raise EmbeddedRedisError(
                    f"The data in {self._data} was written by Redis 7 or newer; {program} is older and would start "
                    "without it. Put the newer redis-server on PATH, or remove that directory."
                )
            address = self._choose_address(fresh_port=fresh_port)
            with _open_private(self._log, os.O_APPEND) as log:
                subprocess.run(  # noqa: S603  our own script, no shell
                    [sys.executable, "-I", "-S", keeper.__file__, program, self._users, str(lock)],
                    # Not as arguments, because every user of the machine can read a command line.
                    input=self._configuration(address).encode(),
                    stdout=log,
                    stderr=log,
                    cwd=self.directory,
                    pass_fds=[lock],
                    start_new_session=True,
                    check=True,
                )
        except subprocess.CalledProcessError as error:
            raise EmbeddedRedisError(
                f"{sys.executable} could not run the keeper: {self._last_words()}"
            ) from error
        finally:
            os.close(lock)

    def _choose_address(self, *, fresh_port: bool) -> _Address:
        before = self._read_address()
        port = before.port if before and not fresh_port else _free_port()
        address = _Address(port=port, password=before.password if before else secrets.token_urlsafe(24))
        draft = self._address.with_suffix(".new")
        with _open_private(draft, os.O_TRUNC) as file:
            json.dump(asdict(address), file)
        draft.replace(self._address)
        return address

    def _read_address(self) -> _Address | None:
        try:
            return _Address(**json.loads(self._address.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _configuration(self, address: _Address) -> str:
        settings = {
            "bind": "127.0.0.1",
            "port": str(address.port),
            "requirepass": address.password,
            "dir": self._data.name,
            "appendonly": "yes",
            "appendfsync": "everysec",
            # The append-only file is the record. A snapshot would only cost time.
            "save": '""',
            # Jobs must never be removed to make room for others. A full server refuses new ones instead.
            "maxmemory-policy": "noeviction",
            "timeout": "0",
        }
        return "".join(f"{name} {value}\n" for name, value in (settings | self._options).items())

    def _answers(self) -> bool:
        """Whether our server answers, and not another one that now has its port."""
        address = self._read_address()
        if address is None:
            return False
        try:
            with redis.Redis.from_url(
                address.url, decode_responses=True, socket_timeout=2, retry=Retry(NoBackoff(), 0)
            ) as client:
                # A server that is still reading its data answers CONFIG, but refuses PING.
                client.ping()
                return Path(client.config_get("dir")["dir"]).samefile(self._data)
        except (redis.RedisError, OSError, KeyError):
            return False

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return f"{lines[-1].strip() if lines else 'it wrote no log'} (log: {self._log})"

    # Stopping.

    def _let_go(self) -> None:
        # Close, do not unlock: a forked child shares the same lock, and unlocking would remove it for the child too.
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    def _runs(self) -> bool:
        return not _can_lock(self._server, fcntl.LOCK_EX)

    def _has_other_users(self) -> bool:
        """Whether other processes hold the shared lock: then we could get a shared lock, but not an exclusive one.

        The order of the two tests matters. The keeper may take its exclusive lock in between, and releases it only when
        the server is down.
        """
        return not _can_lock(self._users, fcntl.LOCK_EX) and _can_lock(self._users, fcntl.LOCK_SH)


class TemporaryRedis(EmbeddedRedis):
    """An embedded server for a test or a demonstration. `start()` creates a new directory, and `stop()` removes it."""

    def __init__(self, *, options: Mapping[str, str] | None = None) -> None:
        # Only start() creates the directory, so a server that is never started leaves nothing. Nobody can guess the name.
        super().__init__(Path(tempfile.gettempdir(), f"smsjobs-{secrets.token_hex(8)}"), options=options)

    def stop(self) -> None:
        """Stop the server and remove its directory."""
        super().stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def embedded_url() -> str:
    """Return the URL of this project's embedded server, which runs at least as long as this process."""
    server = _of_this_process(_default_directory().absolute())
    with _starting:
        server.start()
    return server.url


_starting = threading.Lock()


@functools.cache
def _of_this_process(directory: Path) -> EmbeddedRedis:
    return EmbeddedRedis(directory)


def _default_directory() -> Path:
    return Path(os.environ.get("SMS_EMBEDDED_DIR") or ".smsjobs")


def _own(directory: Path) -> None:
    """Make sure that this directory and all in it is ours alone.

    Raises:
        OSError: It is somebody else's, others may write to it, or there is a link in it: Redis would write into what is
            elsewhere.
    """
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.ENOTDIR, "it is a link or a file, not a directory")
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OSError(errno.EPERM, "other users own it or may write to it")
    directory.chmod(0o700)
    for path in directory.rglob("*"):
        inner = path.lstat()
        if not (stat.S_ISDIR(inner.st_mode) or (stat.S_ISREG(inner.st_mode) and inner.st_nlink == 1)):
            raise OSError(errno.ELOOP, f"{path.name} in it is a link")
        if inner.st_uid != os.geteuid():
            raise OSError(errno.EPERM, f"{path.name} in it is another user's")


def _open_private(path: Path, flags: int) -> IO[str]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | flags, 0o600), "w")


def _locked(path: Path, kind: int) -> int | None:
    """Return the file, open and locked, or None if that would have to wait and `kind` forbids waiting."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, kind)
    except BlockingIOError:
        os.close(file)
        return None
    except BaseException:
        os.close(file)
        raise
    return file


def _can_lock(path: Path, kind: int) -> bool:
    file = _locked(path, kind | fcntl.LOCK_NB)
    if file is None:
        return False
    os.close(file)
    return True


def _free_port() -> int:
    # Below the ports that systems give to outgoing connections. A client that keeps trying to reach its server on such a
    # port may get that very port for its own end of the connection. Then the server cannot start.
    return next(port for port in random.sample(range(15000, 32000), 1000) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

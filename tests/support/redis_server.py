"""A real Redis server for tests, with the faults that tests need."""

import atexit
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import redis

from smsjobs.embedded import RedisServerNotFound, TemporaryRedis, find_redis_server


def use_redis_server() -> Path:
    """Have the tests and all processes that they start run one redis-server, whatever stands on PATH; gives its file.

    It is the program in SMS_TEST_REDIS_SERVER, else that of the extra `embedded`: the oldest version we support.
    """
    path = os.environ["PATH"]
    if given := os.environ.get("SMS_TEST_REDIS_SERVER"):
        program = Path(given).resolve(strict=True)
    else:
        os.environ["PATH"] = ""
        try:
            program = find_redis_server()
        except RedisServerNotFound:  # no wheel of it for this machine
            os.environ["PATH"] = path
            program = find_redis_server()
    folder = Path(tempfile.mkdtemp(prefix="redis-server-of-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "redis-server").symlink_to(program)
    os.environ["PATH"] = f"{folder}{os.pathsep}{path}"
    return program


class RedisServer(TemporaryRedis):
    """A throw-away server that can be killed, paused and restarted on the same port and data.

    Every change is on disk before it is answered (`appendfsync always`), so what a test wrote survives a kill.

    Args:
        replica_of: The master that it follows.
    """

    def __init__(self, *, replica_of: "RedisServer | None" = None) -> None:
        follows = {}
        if replica_of:
            password = urlsplit(replica_of.url).password or ""
            follows = {"replicaof": f"127.0.0.1 {replica_of.port}", "masterauth": password}
        super().__init__(options={"appendfsync": "always", **follows})

    @property
    def port(self) -> int:
        """Its TCP port on 127.0.0.1; a restart keeps it."""
        address = self._read_address()
        assert address is not None
        return address.port

    def client(self) -> redis.Redis:
        """A new client that gives text; close it, or use it in a `with` block."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def start(self) -> None:
        """Starts it, and learns its process id."""
        super().start()
        with self.client() as client:
            self.pid = int(client.info("server")["process_id"])

    def stop(self) -> None:
        """Ends it, paused or not, and removes its directory."""
        if self._runs():
            self.resume()
        super().stop()

    def kill(self) -> None:
        """Kills it (SIGKILL), as a power cut would; it stays down until `restart()`."""
        self._end(signal.SIGKILL)

    def shut_down(self) -> None:
        """Ends it in good order; it stays down until `restart()`."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Ends it in good order if it runs, and starts it again on the same port and data."""
        if self._runs():
            self.shut_down()
        url = self.url
        self.start()
        assert self.url == url, "somebody took the port meanwhile"

    def pause(self) -> None:
        """Stops it in its tracks (SIGSTOP): connections stay open and nothing is answered until `resume()`."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        os.kill(self.pid, how)
        limit = time.monotonic() + 15
        while self._runs():
            assert time.monotonic() < limit, "the server did not end"
            time.sleep(0.005)

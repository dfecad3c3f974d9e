"""A Redis as people run it: a master, replicas and Sentinels, each a real process on a free port of 127.0.0.1."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from smsjobs.embedded import find_redis_server
from smsjobs.redis_store import connect_redis
from support.polling import until
from support.ports import free_port

#: Of the servers, and of the Sentinels: both with characters that an address must encode.
PASSWORD, SENTINEL_PASSWORD = "servers@/secret", "sentinels:?secret"
NAME = "mymaster"


class Node:
    """One redis-server, with the given lines of its configuration.

    Args:
        inside: Words before the command, such as those that run it in a network namespace.
        host: The address that it listens on.
        port: Its port; a free one unless it is given.
    """

    def __init__(
        self,
        lines: Mapping[str, str],
        *,
        sentinel: bool = False,
        inside: tuple[str, ...] = (),
        host: str = "127.0.0.1",
        port: int | None = None,
    ) -> None:
        self.host, self.port = host, port or free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="smsjobs-node-"))
        self._words = [*inside, str(find_redis_server()), str(self._folder / "node.conf")]
        self._words += ["--sentinel"] if sentinel else []
        self._password = SENTINEL_PASSWORD if sentinel else PASSWORD
        told = {"port": str(self.port), "bind": host, "dir": str(self._folder), "logfile": "log", **lines}
        (self._folder / "node.conf").write_text("".join(f"{name} {value}\n" for name, value in told.items()))
        self.start()

    def start(self) -> None:
        """Start it, or start it again with its data."""
        self._process = subprocess.Popen(self._words, stdout=subprocess.DEVNULL)

    def client(self) -> "redis.Redis":
        """A client that gives text."""
        return redis.Redis(
            host=self.host, port=self.port, password=self._password, decode_responses=True, socket_timeout=5
        )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Kill it, and remove its data."""
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGCONT)
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class Sentinels:
    """A master, its replicas, and Sentinels that promote one of them when the master is gone for a second.

    Args:
        replicas: How many.
        sentinels: How many; the majority decides.
    """

    def __init__(self, *, replicas: int = 1, sentinels: int = 1) -> None:
        self._wanted = replicas, sentinels
        self.nodes: list[Node] = []
        self.sentinels: list[Node] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start all, and wait until they know each other."""
        replicas, sentinels = self._wanted
        kept = {
            "requirepass": f'"{PASSWORD}"',
            "masterauth": f'"{PASSWORD}"',
            "appendonly": "yes",
            "save": '""',
            "repl-diskless-sync-delay": "0",
        }
        self.nodes.append(Node(kept))
        master = self.nodes[0]
        self.nodes += [Node(kept | {"replicaof": f"127.0.0.1 {master.port}"}) for _ in range(replicas)]
        with master.client() as client:
            until(lambda: _answers(client) and client.wait(replicas, 100) == replicas, "replicas", timeout=30)
        watched = {
            "requirepass": f'"{SENTINEL_PASSWORD}"',
            "sentinel monitor": f"{NAME} 127.0.0.1 {master.port} {sentinels // 2 + 1}",
            "sentinel auth-pass": f"{NAME} {PASSWORD}",
            "sentinel down-after-milliseconds": f"{NAME} 1000",
            "sentinel failover-timeout": f"{NAME} 6000",
            "sentinel sentinel-pass": SENTINEL_PASSWORD,
        }
        self.sentinels += [Node(watched, sentinel=True) for _ in range(sentinels)]
        for each in self.sentinels:
            with each.client() as client:
                until(lambda: _knows(client, replicas, sentinels), "the Sentinels", timeout=30)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all."""
        for each in (*self.sentinels, *self.nodes):
            each.end()

    @property
    def url(self) -> str:
        """Its address."""
        hosts = ";".join(f"sentinel://:servers%40%2Fsecret@127.0.0.1:{each.port}" for each in self.sentinels)
        return f"{hosts}/0?master={NAME}&sentinel_password=sentinels%3A%3Fsecret"

    def client(self) -> "redis.Redis":
        """A client of the master."""
        return connect_redis(self.url)

    def master(self) -> Node:
        """The node that the first Sentinel takes for the master."""
        with self.sentinels[0].client() as client:
            _, port = client.sentinel_get_master_addr_by_name(NAME)
        return next(each for each in self.nodes if each.port == port)


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _knows(client: "redis.Redis", replicas: int, sentinels: int) -> bool:
    if not _answers(client):
        return False
    state = client.sentinel_masters().get(NAME, {})
    return bool(state.get("num-slaves") == replicas and state.get("num-other-sentinels") == sentinels - 1)

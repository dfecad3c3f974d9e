"""A Redis master on a network of its own, which can be cut from its replica and the Sentinels, but not from its clients."""

import os
import shutil
import subprocess
import uuid
from typing import Self

from smsjobs.embedded import find_redis_server
from smsjobs.embedded.binary import version_of
from support.polling import until
from support.replicated import NAME, PASSWORD, SENTINEL_PASSWORD, Node, Sentinels, _answers, _knows

#: Of the clients, the master, the replica and the Sentinels.
CLIENTS, MASTER, REPLICA, SENTINELS = (f"10.213.17.{number}" for number in (1, 2, 3, 4))


def why_not() -> str | None:
    """Why this machine permits no network namespaces, or None."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return "needs root and the program ip (iproute2)"
    name = f"sms-{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"this machine permits no network namespaces: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=False)
    return None


class SplitRedis(Sentinels):
    """A master in a network namespace, and one replica and three Sentinels outside."""

    def __init__(self) -> None:
        super().__init__(replicas=1, sentinels=3)
        self._space = f"sms-{uuid.uuid4().hex[:8]}"
        self._cable = f"sms{uuid.uuid4().hex[:6]}"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def start(self) -> None:
        """Lay the cable, and start all."""
        here, there = f"{self._cable}a", f"{self._cable}b"
        _ip("netns", "add", self._space)
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self._space)
        for each in (CLIENTS, REPLICA, SENTINELS):
            _ip("address", "add", f"{each}/24", "dev", here)
        _ip("link", "set", here, "up")
        self._there("address", "add", f"{MASTER}/24", "dev", there)
        self._there("link", "set", there, "up")
        self._there("link", "set", "lo", "up")
        kept = {
            "requirepass": f'"{PASSWORD}"',
            "masterauth": f'"{PASSWORD}"',
            "appendonly": "yes",
            "save": '""',
        }
        master = Node(kept, inside=("ip", "netns", "exec", self._space), host=MASTER)
        self.nodes += [
            master,
            Node(kept | {"replicaof": f"{MASTER} {master.port}"} | _from(REPLICA), host=REPLICA),
        ]
        with master.client() as client:
            until(lambda: _answers(client) and client.wait(1, 100) == 1, "the replica follows")
        watched = _from(SENTINELS) | {
            "requirepass": f'"{SENTINEL_PASSWORD}"',
            "sentinel monitor": f"{NAME} {MASTER} {master.port} 2",
            "sentinel auth-pass": f"{NAME} {PASSWORD}",
            "sentinel down-after-milliseconds": f"{NAME} 1000",
            "sentinel failover-timeout": f"{NAME} 6000",
            "sentinel sentinel-pass": SENTINEL_PASSWORD,
        }
        self.sentinels += [Node(watched, sentinel=True, host=SENTINELS) for _ in range(3)]
        for each in self.sentinels:
            with each.client() as client:
                until(lambda client=client: _knows(client, 1, 3), "the Sentinels know all")

    def stop(self) -> None:
        """End all, and remove the cable."""
        super().stop()
        subprocess.run(["ip", "netns", "del", self._space], check=False, capture_output=True)

    @property
    def url(self) -> str:
        """Its address."""
        return super().url.replace("127.0.0.1", SENTINELS)

    def cut(self) -> None:
        """Cut the master from its replica and from the Sentinels. Its clients reach it as before."""
        for each in (REPLICA, SENTINELS):
            self._there("route", "add", "blackhole", f"{each}/32")

    def heal(self) -> None:
        """Join them again: the Sentinels make the old master a replica, and what only it has is forgotten."""
        for each in (REPLICA, SENTINELS):
            self._there("route", "del", "blackhole", f"{each}/32")

    def _there(self, *words: str) -> None:
        _ip("netns", "exec", self._space, "ip", *words)


def _from(host: str) -> dict[str, str]:
    """The setting by which a server of version 7 connects from its own address; older ones do so by themselves."""
    return {"bind-source-addr": host} if version_of(find_redis_server()) >= (7, 0) else {}


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)

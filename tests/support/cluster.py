"""A Redis Cluster: three masters, each a real process on free ports of 127.0.0.1, and a replica of each where asked for."""

import contextlib
import time
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import Self

import redis

from smsjobs.contract import element_tag
from smsjobs.redis_store import ClusterClient, connect_redis
from support.polling import until
from support.ports import free_port, is_free
from support.replicated import PASSWORD, Node

SLOTS = 16384

_LINES = {
    "requirepass": f'"{PASSWORD}"',
    "masterauth": f'"{PASSWORD}"',
    "cluster-enabled": "yes",
    "cluster-node-timeout": "2000",
    "appendonly": "yes",
    "save": '""',
    "repl-diskless-sync-delay": "0",
}


class Cluster:
    """Three masters that share all slots.

    Args:
        replicas: How many of each master.
    """

    def __init__(self, *, replicas: int = 0) -> None:
        self._replicas = replicas
        self.nodes: list[Node] = []

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start all, and wait until each knows of every slot."""
        self.nodes = [Node(_LINES, port=node_port()) for _ in range(3 * (1 + self._replicas))]
        for each in self.nodes:
            with each.client() as client:
                until(partial(_answers, client), "a node", timeout=30)
        masters = self.nodes[:3]
        for number, each in enumerate(masters):
            with each.client() as client:
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                client.execute_command("CLUSTER", "ADDSLOTS", *range(*_range(number)))
        with masters[0].client() as client:
            for each in self.nodes[1:]:
                client.execute_command("CLUSTER", "MEET", each.host, each.port)
        for each in self.nodes:
            until(partial(self._knows_all, each), "the nodes know each other", timeout=30)
        for number, each in enumerate(self.nodes[3:]):
            name = self.id_of(masters[number % 3])
            with each.client() as client:
                client.execute_command("CLUSTER", "REPLICATE", name)
        for each in self.nodes:
            until(partial(self._formed, each), "the cluster", timeout=30)
        for each in masters if self._replicas else ():
            with each.client() as client:
                until(partial(_followed, client, self._replicas), "replicas", timeout=30)

    def stop(self) -> None:
        """End all."""
        for each in self.nodes:
            each.end()

    @property
    def url(self) -> str:
        """Its address, by two of its nodes."""
        hosts = ";".join(f"127.0.0.1:{each.port}" for each in self.nodes[:2])
        return f"redis+cluster://:servers%40%2Fsecret@{hosts}"

    def client(self) -> ClusterClient:
        """A client of all nodes."""
        client = connect_redis(self.url, timeout_s=5)
        assert isinstance(client, ClusterClient)
        return client

    def clear(self) -> None:
        """Remove all keys."""
        with self.client() as client:
            for each in client.masters().values():
                each.flushall()

    def master_of(self, element: str) -> Node:
        """The node that has an element now."""
        with self.client() as client:
            place, _ = client.node_of(f"{{{element_tag(element)}}}")
        return next(each for each in self.nodes if f"{each.host}:{each.port}" == place)

    def elements(self) -> list[str]:
        """Names of three elements, each of which is on another master."""
        found: dict[int, str] = {}
        for number in range(200):
            name = f"E{number}"
            found.setdefault(slot_of(f"SMS.{name}") * 3 // SLOTS, name)
        return [found[each] for each in range(3)]

    def id_of(self, node: Node) -> str:
        """A node's name in the cluster."""
        with node.client() as client:
            return str(client.execute_command("CLUSTER", "MYID"))

    def begin_move(self, slot: int, source: Node, target: Node) -> None:
        """Begin to move a slot. Until it is finished, each key is on one of both nodes."""
        names = self.id_of(source), self.id_of(target)
        with source.client() as old, target.client() as new:
            new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[0])
            old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[1])

    def move_keys(self, slot: int, source: Node, target: Node, *, most: int = 10_000) -> int:
        """Move keys of a slot whose move has begun. Returns how many."""
        with source.client() as old:
            names = old.execute_command("CLUSTER", "GETKEYSINSLOT", slot, most)
            for each in names:
                old.execute_command(
                    *("MIGRATE", target.host, target.port, each, 0, 5000, "AUTH", PASSWORD),
                )
            return len(names)

    def end_move(self, slot: int, source: Node, target: Node) -> None:
        """Give the slot to its new node."""
        name = self.id_of(target)
        for each in (target, source, *(each for each in self.nodes if each not in (source, target))):
            with each.client() as client, contextlib.suppress(redis.RedisError):
                client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", name)

    def move(self, slot: int, source: Node, target: Node, *, pause_s: float = 0) -> None:
        """Move a slot while it is used, as ``redis-cli --cluster reshard`` does."""
        self.begin_move(slot, source, target)
        while self.move_keys(slot, source, target, most=20):
            time.sleep(pause_s)
        self.end_move(slot, source, target)

    def _knows_all(self, node: Node) -> bool:
        with node.client() as client:
            found = str(client.execute_command("CLUSTER", "NODES"))
        return all(f":{each.port}" in found for each in self.nodes)

    def _formed(self, node: Node) -> bool:
        with node.client() as client:
            shards: Iterable[list[object]] = client.execute_command("CLUSTER", "SLOTS")
            state = str(client.execute_command("CLUSTER", "INFO"))
        whole = "cluster_state:ok" in state or "'cluster_state': 'ok'" in state
        return whole and all(len(each) == 3 + self._replicas for each in shards)


def slot_of(element: str) -> int:
    """The slot of an element."""
    return redis.crc.key_slot(element_tag(element).encode())


def _range(number: int) -> tuple[int, int]:
    return -(-SLOTS * number // 3), -(-SLOTS * (number + 1) // 3)


def node_port() -> int:
    """A free port for a node; the nodes talk to each other on the one that is 10,000 above it.

    Both are of those that `free_port` gives, so that none of them is taken meanwhile.
    """
    while not ((port := free_port()) < 22_000 and is_free(port + 10_000)):
        pass
    return port


def _followed(client: "redis.Redis", replicas: int) -> bool:
    return bool(client.wait(replicas, 100) == replicas)


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False

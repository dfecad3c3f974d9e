"""A Redis Cluster: each of its masters as a server, and which of them has which element."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from redis.exceptions import RedisError, ResponseError

from smsjobs.addresses import RedisAddress
from smsjobs.contract import is_tag
from smsjobs.redis_store import ELEMENTS, connect_redis, key
from smsjobs_worker.watching.doctor.finding import Finding, bad, good
from smsjobs_worker.watching.doctor.servers import server, unreachable

if TYPE_CHECKING:
    from smsjobs.redis_store import ClusterClient

__all__ = ["redis_cluster"]

#: The most elements of one node that are named.
_NAMED: Final = 10


def redis_cluster(url: str, *, replicas: int) -> Generator[Finding, None, bool]:
    """Look at the ledger's Cluster. Returns whether it answers."""
    client, address = cast("ClusterClient", connect_redis(url, timeout_s=5)), RedisAddress.read(url)
    try:
        masters = client.masters()
        elements = _elements(client)
    except (RedisError, OSError) as error:
        yield unreachable("ledger", address, error)
        return False
    yield from _whole(masters)
    answers = True
    for place, node in masters.items():
        host, _, port = place.rpartition(":")
        its = replace(address, kind="server", nodes=((host, int(port)),))
        answers &= yield from server("ledger", node, its, replicas=replicas, node=place)
        yield _has(place, elements.get(place, []))
    return answers


def _elements(client: ClusterClient) -> dict[str, list[str]]:
    """The names of the elements of each node."""
    found: dict[str, list[str]] = {}
    try:
        names = cast("dict[str, str]", client.hgetall(ELEMENTS))
    except (ResponseError, UnicodeDecodeError):
        return {}  # the sweep sets it aside
    for tag, name in names.items():
        if is_tag(tag):
            found.setdefault(client.node_of(key(tag))[0], []).append(name)
    return found


def _whole(masters: Any) -> Iterator[Finding]:
    node = next(iter(masters.values()))
    try:
        told = str(node.execute_command("CLUSTER", "INFO"))
    except RedisError:
        return  # not permitted: the ledger's trial says what matters
    if "cluster_state:ok" in told:
        yield good("ledger", "the Cluster has {count} masters and all slots", count=len(masters))
    else:
        yield bad(
            "ledger", "the Cluster is down (cluster_state)", "redis-cli --cluster check tells what is missing"
        )


def _has(place: str, names: list[str]) -> Finding:
    if not names:
        return good("ledger", "the node {node} has no element yet", node=place)
    named = ", ".join(sorted(names)[:_NAMED])
    if len(names) <= _NAMED:
        return good("ledger", "the node {node} has {names}", node=place, names=named)
    more = len(names) - _NAMED
    return good("ledger", "the node {node} has {names} and {more} more", node=place, names=named, more=more)

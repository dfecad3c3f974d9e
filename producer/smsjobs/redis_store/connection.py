"""The Redis client of every room. Its calls are bounded in time, and it never repeats a write by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ResponseError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from smsjobs.addresses import RedisAddress
from smsjobs.redis_store.failures import is_demoted
from smsjobs.redis_store.replicas import Client, Replicas

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["connect_redis"]

#: redis-py repeats nothing by itself.
_BOUNDED: Final[dict[str, Any]] = {"retry": Retry(NoBackoff(), 0)}


class _LeavesReplicas:
    """A connection that is closed when its server says that it is a replica now.

    A name that leads to another server since a fail-over would otherwise never be asked again. The connections of
    redis-py's Sentinel client do the same.
    """

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Return the next answer."""
        connection: Any = super()
        try:
            return connection.read_response(*args, **options)
        except ResponseError as error:
            if is_demoted(error):
                self.disconnect()  # type: ignore[attr-defined]
            raise


class _Plain(_LeavesReplicas, Connection):
    pass


class _WithTls(_LeavesReplicas, SSLConnection):
    pass


def connect_redis(
    url: str, *, timeout_s: float = 2.0, max_connections: int = 256, text: bool = True, replicas: int = 0
) -> Redis:
    """Return a client whose calls answer or raise within `timeout_s`.

    By default, redis-py repeats a command whose answer was lost. A repeated claim would find the token of its own
    first try, and mistake it for another worker's. So this client repeats nothing. A caller repeats a call only if
    it knows that this is safe, and every script here recognises its own repetition.

    Args:
        url: An address in any spelling that `RedisAddress` reads.
        timeout_s: Seconds for connecting, and for each answer.
        max_connections: Must be more than the threads that use the client at once.
        text: Whether answers are text; they are bytes for Celery's result backend.
        replicas: How many replicas must have a step on which a promise rests. They get half of `timeout_s` for it.
    """
    address = RedisAddress.read(url)
    options: dict[str, Any] = {
        **address.login(),
        **_BOUNDED,
        "db": address.db,
        "decode_responses": text,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 25,
        "max_connections": max_connections,
    }
    needed = Replicas(count=replicas, within_s=timeout_s / 2) if replicas else None
    if address.kind == "cluster":
        from smsjobs.redis_store.cluster import ClusterClient  # noqa: PLC0415  only whoever has one loads it

        return ClusterClient(
            address.nodes, lambda **node: _pool(replace(address, kind="server"), options | node), needed
        )
    return Client.on(_pool(address, options), needed)


def _pool(address: RedisAddress, options: dict[str, Any]) -> ConnectionPool:
    if address.kind == "socket":
        options |= {"connection_class": UnixDomainSocketConnection, "path": address.path}
    else:
        options |= {"socket_keepalive": True, **(address.tls.for_redis_py() if address.tls else {})}
    if address.kind == "sentinel":
        return _master(address, options)
    if address.kind == "server":
        host, port = address.nodes[0]
        options = {"host": host, "port": port} | options
        options["connection_class"] = _WithTls if address.tls else _Plain
    return ConnectionPool(**options)


def _master(address: RedisAddress, options: dict[str, Any]) -> ConnectionPool:
    """Connections to the master, for which the Sentinels are asked at each new connection."""
    # A Sentinel that does not answer must leave time to ask the next.
    bound = min(1.0, options["socket_timeout"] / 2)
    bounds = {"socket_timeout": bound, "socket_connect_timeout": bound}
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        address.nodes, sentinel_kwargs={**address.sentinel_options(), **_BOUNDED, **bounds}
    )
    return SentinelConnectionPool(  # type: ignore[no-untyped-call]
        address.master, sentinels, ssl=address.tls is not None, **options
    )

"""The Redis client of every room. Its calls are bounded in time, and it never repeats a write by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.retry import Retry
from redis.sentinel import Sentinel

from smsjobs.addresses import RedisAddress

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["connect_redis"]

#: redis-py repeats nothing by itself.
_BOUNDED: Final[dict[str, Any]] = {"retry": Retry(NoBackoff(), 0)}


def connect_redis(
    url: str, *, timeout_s: float = 2.0, max_connections: int = 256, text: bool = True
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
    """
    address = RedisAddress.read(url)
    options: dict[str, Any] = {
        **address.login(),
        **_BOUNDED,
        "decode_responses": text,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 25,
        "max_connections": max_connections,
    }
    if address.kind == "socket":
        options |= {"connection_class": UnixDomainSocketConnection, "path": address.path, "db": address.db}
        return redis.Redis.from_pool(ConnectionPool(**options))
    options |= {"socket_keepalive": True, **(address.tls.for_redis_py() if address.tls else {})}
    if address.kind == "sentinel":
        return _master(address, options)
    host, port = address.nodes[0]
    kind = SSLConnection if address.tls else Connection
    return redis.Redis.from_pool(
        ConnectionPool(connection_class=kind, host=host, port=port, db=address.db, **options)
    )


def _master(address: RedisAddress, options: dict[str, Any]) -> Redis:
    """A client that asks the Sentinels for the master, at each new connection."""
    # A Sentinel that does not answer must leave time to ask the next.
    bound = min(1.0, options["socket_timeout"] / 2)
    bounds = {"socket_timeout": bound, "socket_connect_timeout": bound}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        address.nodes, sentinel_kwargs={**address.sentinel_options(), **_BOUNDED, **bounds}
    )
    found: Redis = sentinel.master_for(  # type: ignore[no-untyped-call]
        address.master, db=address.db, ssl=address.tls is not None, **options
    )
    return found

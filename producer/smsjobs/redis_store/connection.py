"""The Redis client of every room. Its calls are bounded in time, and it never repeats a write by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["connect_redis"]


def connect_redis(url: str, *, timeout_s: float = 2.0, max_connections: int = 256) -> Redis:
    """Return a client whose calls answer or raise within `timeout_s`.

    By default, redis-py repeats a command whose answer was lost. A repeated claim would find the token of its own
    first try, and mistake it for another worker's. So this client repeats nothing. A caller repeats a call only if
    it knows that this is safe, and every script here recognises its own repetition.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        timeout_s: Seconds for connecting, and for each answer.
        max_connections: Must be more than the threads that use the client at once.
    """
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        socket_keepalive=True,
        health_check_interval=25,
        max_connections=max_connections,
        retry=Retry(NoBackoff(), 0),
    )

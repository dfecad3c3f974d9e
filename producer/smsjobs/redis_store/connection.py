"""The Redis client of every room: bounded in time, and it never repeats a write by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["connect_redis"]


def connect_redis(url: str, *, timeout_s: float = 2.0, max_connections: int = 256) -> Redis:
    """A client that answers or raises within `timeout_s` a call.

    redis-py by default repeats a command whose answer was lost. A repeated claim would find the token that its
    own first try wrote, and take it for somebody else's; so the repeating is left to those who know which of
    their calls may be repeated, and every script here recognises its own repetition.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        timeout_s: Bound of connecting and of each answer, in seconds.
        max_connections: More than the threads that use it at once.
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

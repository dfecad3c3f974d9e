"""Acknowledged replication: a step counts only when enough replicas have it (``SMS_REPLICAS``).

Redis answers a write before its replicas have it, so a fail-over may forget it: a job, or the claim of a request that is
on its way. ``WAIT`` tells how many replicas have all that the server did before. It must be asked on the connection of the
step: another connection may already lead to the new master, which does not know the step.

Whoever repeats a step waits too, even if the repetition writes nothing. Valkey 9 counts only what the connection itself
wrote, so something is written between step and ``WAIT``: the replicas that have it also have all before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, cast

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from smsjobs.redis_store.failures import is_demoted, is_transient

if TYPE_CHECKING:
    from redis import Redis
    from redis.connection import ConnectionPool

__all__ = [
    "Client",
    "NotReplicated",
    "Replicas",
    "acknowledged",
    "acknowledged_pipeline",
    "in_pipeline",
    "on_one_connection",
    "replicas_of",
]

#: The key of what is written before ``WAIT``; its value means nothing.
_MARK: Final = "sms:replicated"

#: Milliseconds for which a mark is kept that only one slot of a Cluster has.
_MARK_MS: Final = 60_000


class NotReplicated(RedisConnectionError):
    """A step was done, but too few replicas have it. A fail-over may forget it; repeating it is safe."""


@dataclass(frozen=True, kw_only=True)
class Replicas:
    """How many replicas must have a step, and how long to wait for them."""

    count: int
    within_s: float


class Client(redis.Redis):
    """A client that knows what its steps need of replicas."""

    #: None asks for none.
    replicas: Replicas | None = None

    @classmethod
    def on(cls, pool: ConnectionPool, replicas: Replicas | None) -> Self:
        """Return a client that uses, and in the end closes, these connections."""
        client = cls(connection_pool=pool)
        client.auto_close_connection_pool = True
        client.replicas = replicas
        return client

    def acknowledged(self, replicas: Replicas, command: Sequence[Any]) -> Any:
        """See the function `acknowledged`."""
        return on_one_connection(self.connection_pool, replicas, command)

    def acknowledged_pipeline(
        self, replicas: Replicas, pipe: Any, *, raise_on_error: bool = True
    ) -> list[Any]:
        """See the function `acknowledged_pipeline`."""
        return in_pipeline(self, replicas, pipe, raise_on_error=raise_on_error)


def replicas_of(client: Redis) -> Replicas | None:
    """Return what the steps of this client need of replicas, or None."""
    return client.replicas if isinstance(client, Client) else None


def acknowledged(client: Redis, replicas: Replicas, *command: Any) -> Any:
    """Run a command, and wait for replicas on the same connection and in the same round trip.

    Raises:
        NotReplicated: Too few replicas have it in time. Its connection is closed, so that the next step finds the master
            anew.
    """
    return cast("Client", client).acknowledged(replicas, command)


def acknowledged_pipeline(
    client: Redis, replicas: Replicas, pipe: Any, *, raise_on_error: bool = True
) -> list[Any]:
    """Run a pipeline of this client, wait for replicas, and return the answers.

    Raises:
        NotReplicated: Too few have its steps. Idle connections are closed, so that the next step finds the master anew.
    """
    return cast("Client", client).acknowledged_pipeline(replicas, pipe, raise_on_error=raise_on_error)


def in_pipeline(
    client: Redis, replicas: Replicas, pipe: Any, *, raise_on_error: bool, tag: str = ""
) -> list[Any]:
    """See `acknowledged_pipeline`; `tag` chooses the slot of the mark in a Cluster."""
    for command in _waiting(replicas, tag):
        pipe.execute_command(*command)
    answers: list[Any] = pipe.execute(raise_on_error=raise_on_error)
    having, marked = answers.pop(), answers.pop()
    for each in (marked, having):
        if isinstance(each, Exception):
            raise each
    if having < replicas.count:
        client.connection_pool.disconnect(inuse_connections=False)
        raise _too_few(having, replicas)
    return answers


def _waiting(replicas: Replicas, tag: str) -> tuple[tuple[Any, ...], ...]:
    mark = ("SET", f"{_MARK}:{{{tag}}}", "1", "PX", _MARK_MS) if tag else ("SET", _MARK, "1")
    return mark, ("WAIT", replicas.count, round(replicas.within_s * 1000))


def _too_few(having: int, replicas: Replicas) -> NotReplicated:
    return NotReplicated(f"{having} of {replicas.count} replicas have the step")


def on_one_connection(pool: Any, replicas: Replicas, command: Sequence[Any], *, tag: str = "") -> Any:
    """See `acknowledged`; `tag` chooses the slot of the mark in a Cluster."""
    connection = pool.get_connection()
    usable = False
    try:
        connection.send_packed_command(connection.pack_commands([command, *_waiting(replicas, tag)]))
        answer: Any = _answer(connection)
        # A server that was demoted is left at once.
        if isinstance(answer, ResponseError) and is_demoted(answer):
            marked, having = answer, 0
        else:
            marked, having = _answer(connection), _answer(connection)
        refusal = next((each for each in (answer, marked, having) if isinstance(each, ResponseError)), None)
        usable = not is_transient(refusal) if refusal else having >= replicas.count
    finally:
        if not usable:
            # An answer may be on its way, or this is not the master any more.
            connection.disconnect()
        pool.release(connection)
    if refusal:
        raise refusal
    if not usable:
        raise _too_few(having, replicas)
    return answer


def _answer(connection: Any) -> Any:
    """The next answer. A refusal is returned: there is another answer behind it."""
    try:
        return connection.read_response()
    except ResponseError as error:
        return error

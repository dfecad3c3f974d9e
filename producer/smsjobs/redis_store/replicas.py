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
from typing import TYPE_CHECKING, Any, Final, Self

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
    "ask_replicas",
    "check_replicas",
    "replicas_of",
]

#: The key of what is written before ``WAIT``; its value means nothing.
_MARK: Final = "sms:replicated"


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


def replicas_of(client: Redis) -> Replicas | None:
    """Return what the steps of this client need of replicas, or None."""
    return client.replicas if isinstance(client, Client) else None


def acknowledged(client: Redis, replicas: Replicas, *command: Any) -> Any:
    """Run a command, and wait for replicas on the same connection and in the same round trip.

    Raises:
        NotReplicated: Too few replicas have it in time. Its connection is closed, so that the next step finds the master
            anew.
    """
    return _on_one_connection(client.connection_pool, replicas, command)


def ask_replicas(pipe: Any, replicas: Replicas) -> None:
    """Put the wait for replicas behind the steps of a pipeline. Its two answers come last."""
    for command in _waiting(replicas):
        pipe.execute_command(*command)


def check_replicas(client: Redis, replicas: Replicas, having: int) -> None:
    """See whether enough replicas have the steps of a pipeline, by its last answer.

    Raises:
        NotReplicated: Too few have them. Idle connections are closed, so that the next step finds the master anew.
    """
    if having < replicas.count:
        client.connection_pool.disconnect(inuse_connections=False)
        raise _too_few(having, replicas)


def _waiting(replicas: Replicas) -> tuple[tuple[Any, ...], ...]:
    return ("SET", _MARK, "1"), ("WAIT", replicas.count, round(replicas.within_s * 1000))


def _too_few(having: int, replicas: Replicas) -> NotReplicated:
    return NotReplicated(f"{having} of {replicas.count} replicas have the step")


def _on_one_connection(pool: Any, replicas: Replicas, command: Sequence[Any]) -> Any:
    connection = pool.get_connection()
    usable = False
    try:
        connection.send_packed_command(connection.pack_commands([command, *_waiting(replicas)]))
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

"""The transport itself: kombu's, with our channel. What a stranger puts on a queue does not end the worker."""

from __future__ import annotations

import contextlib
import time
import uuid
from functools import cached_property
from importlib.resources import files
from queue import Empty
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kombu.transport.redis import SentinelChannel, SentinelTransport, Transport
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads
from redis.exceptions import ConnectionError as RedisConnectionError

from smsjobs.kept_client import KeepsClient
from smsjobs.ledger import CommonKeys
from smsjobs.redis_store import is_wrong_type
from smsjobs_worker.logs.facts import MessageDropped, tell
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.process.transport.rabbitmq import PatientTransport
from smsjobs_worker.process.transport.turn import TurnPoller, TurnQoS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["TRANSPORTS", "TurnChannel"]

T = TypeVar("T")

_SCRIPT: Final = files(__package__).joinpath("turn.lua").read_text("utf-8")


class TurnChannel(KeepsClient):
    """A channel whose book-keeping takes one round trip a turn of the loop."""

    QoS = TurnQoS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: Queues that were declared. Which of them are read is not known yet.
        self._declared: set[str] = set()
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    @property
    def turns(self) -> bool:
        """Whether Celery's loop runs, so that there will be a turn. A prefix of keys is more than the script knows."""
        return self.connection is not None and self.connection.turns and not self.global_keyprefix

    @cached_property
    def script(self) -> Any:
        """The step in Redis."""
        return self.plain_client.register_script(_SCRIPT)

    @property
    def plain_client(self) -> Any:
        """The client that does not wait for messages."""
        return self._create_client()

    def write(self) -> None:
        """Write what was collected, and take nothing."""
        if self.qos.notes or self.qos.done:
            self._step(None)

    def turn(self) -> None:
        """Write what was collected, and take messages in the same round trip unless BRPOP waits for one."""
        if self.qos.notes or self.qos.done:
            queue = self._queue_to_take_from()
            for text, tag in self._step(queue):
                with self._handing_over(tag):
                    # As in kombu's `_brpop_read`.
                    self.connection._deliver(loads(bytes_to_str(text)), queue)  # type: ignore[no-untyped-call]  # noqa: SLF001

    def _step(self, queue: str | None) -> list[tuple[bytes, str | None]]:
        """Write notes and acknowledgements, and take messages of that queue.

        What was not written stays collected where Redis does not answer.

        Returns:
            Each message with the tag under which it is noted, None where it is not.
        """
        qos = self.qos
        notes, done = dict(qos.notes), tuple(qos.done)
        room = qos.room() if queue is not None else 0
        taken: list[bytes] = self.beside_damage(
            lambda: self.script(
                client=self.plain_client,
                keys=(queue or qos.unacked_key, qos.unacked_key, qos.unacked_index_key),
                args=(
                    *(time.time(), room, uuid.uuid4().hex, len(notes)),
                    *(each for pair in notes.items() for each in pair),
                    *done,
                ),
            )
        )
        for tag in notes:
            qos.notes.pop(tag, None)
        del qos.done[: len(done)]
        return [(text, tag.decode() or None) for text, tag in zip(taken[::2], taken[1::2], strict=True)]

    def _queue_to_take_from(self) -> str | None:
        # Several queues take turns by kombu's own order, which BRPOP keeps.
        queues = self.active_queues
        return queues[0] if len(queues) == 1 and not self._in_poll else None

    @contextlib.contextmanager
    def _handing_over(self, tag: str | None) -> Iterator[None]:
        """Drop what is not a message, whatever is wrong with it.

        Args:
            tag: The tag under which it is noted; None where it is not.
        """
        self.qos.handed = self.connection.tag = tag
        try:
            yield
        except Exception as error:
            # Kombu's reader may raise anything. Kombu counts a KeyError among the faults of a connection, and it is the
            # most common one of a message.
            lost = (*self.connection_errors, self.ResponseError, Empty)
            if isinstance(error, lost) and not isinstance(error, LookupError):
                raise
            tell(MessageDropped(reason="no_message", error=describe(error)))
            self.qos.drop()
        finally:
            self.qos.handed = self.connection.tag = None

    def close(self) -> None:
        """Write what was collected while the connections are open."""
        with contextlib.suppress(*self.connection_errors, self.ResponseError):
            self.write()
        super().close()  # type: ignore[no-untyped-call]

    def _connparams(self, asynchronous: bool = False) -> Any:
        if getattr(self.connection, "client", None) is None:
            # A message that is acknowledged or put back after its connection was closed. Kombu's AttributeError
            # would end the worker; this one it expects.
            raise RedisConnectionError("the connection to the broker was closed")
        return super()._connparams(asynchronous)  # type: ignore[no-untyped-call]

    def beside_damage(self, step: Callable[[], T]) -> T:
        """Make a step. If a key of the broker is of a wrong type, it gets another name, and the step is made again.

        Kombu would take it for a lost connection, and no lane of the worker would get a message any more.
        """
        try:
            return step()
        except self.ResponseError as error:
            if not is_wrong_type(error):
                raise
        self.set_wrong_keys_aside()
        return step()

    def set_wrong_keys_aside(self) -> None:
        """Give other names to those keys of the broker that are of a wrong type."""
        common = CommonKeys(self.plain_client)
        common.set_aside(self.qos.unacked_key, "hash")
        common.set_aside(self.qos.unacked_index_key, "zset")
        for queue in {*self.active_queues, *self._declared}:
            common.set_aside(queue, "list")

    def _size(self, queue: str) -> int:
        self._declared.add(queue)
        return self.beside_damage(lambda: super(TurnChannel, self)._size(queue))  # type: ignore[no-untyped-call,no-any-return]

    def _brpop_read(self, **options: Any) -> Any:
        with self._handing_over(None):
            try:
                return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
            except self.ResponseError as error:
                if not is_wrong_type(error):
                    raise
                self.set_wrong_keys_aside()
        return True

    def _receive_one(self, c: Any) -> Any:
        # A broadcast, to which nobody gives a tag or an acknowledgement.
        with self._handing_over(None):
            return super()._receive_one(c)  # type: ignore[no-untyped-call]
        return True


class TurnTransport(Transport):
    """Kombu's transport with our channel."""

    Channel = TurnChannel
    #: Whether Celery's loop runs on it.
    turns = False
    #: The tag under which what is being delivered is noted already.
    tag: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.cycle = TurnPoller()  # type: ignore[no-untyped-call,assignment]

    def _deliver(self, message: Any, queue: str) -> None:
        # What it says of its own tag and way is not believed: the tag is a name in our book-keeping, and by the way it would
        # be put back on any queue.
        message["properties"] = {
            "delivery_tag": self.tag or uuid.uuid4().hex,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "body_encoding": message["properties"].get("body_encoding"),
        }
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """From now on each turn of the loop comes by `TurnPoller.on_poll_start`."""
        self.cycle.loop = loop  # type: ignore[union-attr]
        super().register_with_event_loop(connection, loop)  # type: ignore[no-untyped-call]
        self.turns = True


class TurnSentinelChannel(TurnChannel, SentinelChannel):
    """The same on the master that Sentinels know."""


class TurnSentinelTransport(TurnTransport, SentinelTransport):
    """The same with the channel that asks Sentinels."""

    Channel = TurnSentinelChannel


#: By kombu's names.
TRANSPORTS: Final = {
    **dict.fromkeys(("redis", "rediss"), TurnTransport),
    "sentinel": TurnSentinelTransport,
    **dict.fromkeys(("amqp", "pyamqp", "amqps"), PatientTransport),
}

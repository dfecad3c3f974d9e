"""The lanes' queues on RabbitMQ, and what whoever publishes there has to know.

Whoever comes first declares a queue: a producer or a worker. On Redis it is there while it has messages.
"""

from __future__ import annotations

from typing import Any, Final

from kombu.entity import Queue
from kombu.exceptions import OperationalError

from smsjobs.contract import LANES

__all__ = ["QuorumQueue", "quorum_queues", "refuse_blocked"]

#: AMQP's code for a queue that does not exist.
_NOT_FOUND: Final = 404

#: From this version on RabbitMQ drops a message that was put back twenty times.
_LIMITS_DELIVERIES: Final = 4


class QuorumQueue(Queue):
    """A queue that is made as a quorum queue, which several nodes have. One that exists is taken as it is.

    What it is made with does not stand in `queue_arguments`. There, Celery would read that a worker's queues are quorum
    queues, and make 28 more of them for delays. Delays are due times in the ledger.
    """

    def declare(self, nowait: bool = False, channel: Any = None) -> str:
        """Make it, unless there is one. That needs no right to configure where an administrator has made it."""
        channel = channel or self.channel
        if not _exists(channel.connection, self.name):
            channel.queue_declare(
                self.name, durable=True, auto_delete=False, arguments=_arguments(channel), nowait=nowait
            )
        return self.name


def quorum_queues() -> list[QuorumQueue]:
    """Return the queue of each lane."""
    # It is bound to nothing: the exchange without a name has every queue.
    return [QuorumQueue(each.queue, exchange="", routing_key=each.queue) for each in LANES.values()]  # type: ignore[no-untyped-call]


def refuse_blocked(reason: str) -> None:
    """Refuse to publish: RabbitMQ takes no messages, because its memory or its disk is full.

    It is `on_blocked` of connections that publish. Without it they would wait for a confirmation that comes some day.
    """
    raise OperationalError(reason)


def _exists(connection: Any, name: str) -> bool:
    # RabbitMQ answers "no" by closing the channel.
    asked = connection.channel()
    try:
        asked.queue_declare(name, passive=True)
    except connection.channel_errors as error:
        if error.code != _NOT_FOUND:
            raise
        return False
    asked.close()
    return True


def _arguments(channel: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"x-queue-type": "quorum"}
    version = str(channel.connection.server_properties.get("version", ""))
    major = version.partition(".")[0]
    if major.isdigit() and int(major) >= _LIMITS_DELIVERIES:
        # A message that a plain client submitted is put back for as long as Redis is unreachable.
        made["x-delivery-limit"] = -1
    return made

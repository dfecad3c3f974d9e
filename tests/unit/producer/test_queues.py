"""The lanes' queues on RabbitMQ, as far as no server is needed."""

from types import SimpleNamespace
from typing import Any

import pytest

from smsjobs.queues import QuorumQueue, quorum_queues


class NotFoundError(Exception):
    """What py-amqp raises."""

    code = 404


class Channel:
    """A channel of a server of some version, which has no queue yet."""

    def __init__(self, version: str) -> None:
        self.connection = SimpleNamespace(
            channel=lambda: self, channel_errors=(NotFoundError,), server_properties={"version": version}
        )
        self.made: list[Any] = []

    def queue_declare(self, name: str, passive: bool = False, **how: Any) -> None:
        """Make it; asked passively, say that there is none."""
        if passive:
            raise NotFoundError
        self.made.append((name, how["arguments"]))


@pytest.mark.parametrize(
    ("version", "more"),
    [
        ("3.10.8", {}),
        ("3.13.7", {}),
        # From here on, twenty deliveries are the most without it.
        ("4.0.2", {"x-delivery-limit": -1}),
        ("", {}),
    ],
)
def test_deliveries_are_not_limited(version: str, more: dict[str, int]) -> None:
    """RabbitMQ 4 is told not to drop a message that was put back often; older ones do not know such a limit."""
    channel = Channel(version)
    QuorumQueue("sms.bulk", exchange="").declare(channel=channel)
    assert channel.made == [("sms.bulk", {"x-queue-type": "quorum"} | more)]


def test_celery_sees_no_quorum_queue() -> None:
    """Celery does not find out by their arguments, or it would make 28 queues for delays."""
    assert [(each.name, each.queue_arguments) for each in quorum_queues()] == [
        ("sms.verification", None),
        ("sms.notification", None),
        ("sms.bulk", None),
    ]

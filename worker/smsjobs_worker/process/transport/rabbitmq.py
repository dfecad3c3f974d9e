"""Celery's transport for RabbitMQ: each answer in time, each consumer with a limit of its own, and no refusal for good."""

from __future__ import annotations

import time
from typing import Any, Final

from kombu.transport.pyamqp import Channel, Connection, Transport

__all__ = ["PatientTransport"]

#: Seconds for an answer of the server. Meanwhile Celery's loop does nothing else.
_ANSWER_S: Final = 5.0


class PatientChannel(Channel):
    """A channel that gives up on an answer that does not come."""

    def wait(self, *args: Any, **options: Any) -> Any:
        """Wait for an answer."""
        connection = self.connection
        connection.until = time.monotonic() + _ANSWER_S
        try:
            return super().wait(*args, **options)
        finally:
            connection.until = None


class PatientConnection(Connection):
    """A connection whose answers have a time.

    A server that has just restarted may leave a question about a queue unanswered for a minute, while its signs of life
    keep a time-out of the socket from coming.
    """

    Channel = PatientChannel
    #: The latest time for the answer that is waited for.
    until: float | None = None

    def drain_events(self, timeout: float | None = None) -> Any:
        """Read what has come."""
        if timeout is None and self.until is not None:
            timeout = self.until - time.monotonic()
            if timeout <= 0:
                raise TimeoutError
        return super().drain_events(timeout)


class PatientTransport(Transport):
    """Kombu's transport, as a worker on quorum queues needs it."""

    Connection = PatientConnection

    # A managed server that throttles, or whose connections are all taken, refuses with 530. A worker waits for it, as
    # for one that is unreachable; without this it would try again without a pause.
    recoverable_connection_errors = (
        *Transport.recoverable_connection_errors,
        *Transport.connection_errors,
        *Transport.channel_errors,
    )

    def qos_semantics_matches_spec(self, connection: Any) -> bool:
        """Say that a limit on messages is a consumer's. One of all consumers together is refused by quorum queues."""
        del connection
        return True

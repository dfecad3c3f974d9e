"""The broker as the sweep sees it: publish ids, and see how long a queue is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kombu.entity import Queue
from kombu.exceptions import ChannelError, KombuError, OperationalError

from smsjobs.contract import LANES, SEND_TASK

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["Broker"]

#: Messages of one pipelined write.
_BATCH = 500

#: Messages on the application's queue from which on it gets no more: a broker that fills up would stop everything.
_MOST_WAITING = 10_000


class Broker:
    """Celery's broker."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def publish(self, jobs: Iterable[tuple[str, str]]) -> None:
        """Publish pairs of job id and lane, in one write where the transport can."""
        with self._unreachable(), self._app.producer_pool.acquire(block=True, timeout=5) as producer:
            if getattr(producer, "supports_batch_publish", False):
                with producer.batch(max_size=_BATCH):
                    self._send(jobs, producer)
            else:
                self._send(jobs, producer)

    def backlog(self, lane: str) -> int:
        """How many messages wait on the lane's queue."""
        queue = LANES[lane].queue
        # Not one of the pool's: after a restart of Redis such a one can stay closed, and then no sweep would ever
        # publish again. It is asked at most once a sweep and lane, and only where a job was not claimed in time.
        with (
            self._unreachable(),
            self._app.connection_for_write() as connection,
            connection.channel() as channel,
        ):
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except (*connection.channel_errors, ChannelError):  # a queue that does not exist holds nothing
                return 0

    def hand_over(self, task: str, queue: str, events: Iterable[tuple[str, Mapping[str, Any]]]) -> bool:
        """Publish a message of the application's task on its queue, for each pair of id and event.

        A queue that exists is left as it is, whatever its kind; else it is made, durable.

        Returns:
            False if so many messages wait there already that nobody seems to read them. Then nothing is published.
        """
        target = Queue(queue, no_declare=True)  # type: ignore[no-untyped-call]
        with self._app.connection_for_write() as connection:
            if self._waiting(connection, queue) >= _MOST_WAITING:
                return False
            producer = connection.Producer(auto_declare=False)
            for event_id, event in events:
                self._app.send_task(
                    task, (event,), task_id=event_id, queue=target, producer=producer, ignore_result=True
                )
        return True

    def _waiting(self, connection: Any, queue: str) -> int:
        """How many messages wait on a queue. It is made if it does not exist."""
        # RabbitMQ drops what is published to a queue that does not exist, and refuses to declare one of another kind.
        try:
            with connection.channel() as channel:
                return int(channel.queue_declare(queue, passive=True).message_count)
        except (*connection.channel_errors, ChannelError):
            with connection.channel() as channel:
                channel.queue_declare(queue, durable=True, auto_delete=False)
            return 0

    @contextlib.contextmanager
    def _unreachable(self) -> Iterator[None]:
        """Raise RabbitMQ's refusals, such as that of one connection too many, as what kombu raises of an outage."""
        refusals = self._app.connection_for_write()
        try:
            yield
        except (KombuError, OSError):
            raise
        except (*refusals.connection_errors, *refusals.channel_errors) as error:
            raise OperationalError(type(error).__name__) from error

    def _send(self, jobs: Iterable[tuple[str, str]], producer: object) -> None:
        for job_id, lane in jobs:
            self._app.send_task(
                SEND_TASK,
                (job_id,),
                task_id=job_id,
                queue=LANES[lane].queue,
                producer=producer,
                # The sweep does not wait for the result, and our tasks store it themselves. Celery would subscribe to
                # its key and unsubscribe again, two writes for each message.
                ignore_result=True,
            )

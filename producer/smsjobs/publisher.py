"""Publishes job ids on the lanes' queues, through a Celery app of our own.

The app lives inside somebody else's process. Therefore:

- It never becomes the current app.
- It reads no Celery settings from the environment and runs no fixups, which would set up Django.
- It has no result backend. With one, publishing blocks for 19 seconds while Redis is unreachable (Celery 5.7, measured).
- It has a pool of connections of its own. Celery's pools and their limit belong to the whole process, and a forked
  child would find its parent's connections in them.
"""

from __future__ import annotations

from typing import Any, Final

from celery import Celery
from celery.loaders.app import AppLoader
from kombu.pools import ProducerPool

from smsjobs.addresses import BrokerAddress
from smsjobs.contract import LANES, SEND_TASK

__all__ = ["Publisher"]

#: Connections to the broker that a process keeps. So many threads publish at once without waiting.
_POOL: Final = 32


class _Unconfigured(AppLoader):  # type: ignore[misc]
    """Reads no configuration: CELERY_CONFIG_MODULE names somebody else's module."""

    def read_configuration(self, env: str = "") -> dict[str, Any]:
        del env
        return {}


class _IsolatedCelery(Celery):  # type: ignore[misc]  # celery ships no types
    """A Celery app that ignores CELERY_BROKER_URL and CELERY_RESULT_BACKEND: they are somebody else's."""

    smsjobs_broker_url = ""
    #: Celery takes it before what configuration and environment say.
    backend_cls = "disabled"

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_write(url or self.smsjobs_broker_url, **options)


class Publisher:
    """Publishes job ids.

    Args:
        broker_url: The broker, in any spelling that `BrokerAddress` reads.
        timeout_s: The longest time that each step on the socket may take, in seconds.
    """

    def __init__(self, broker_url: str, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._app = _IsolatedCelery("smsjobs", loader=_Unconfigured, set_as_current=False, fixups=[])
        broker = BrokerAddress.read(broker_url).with_timeouts(answer_s=timeout_s, connect_s=timeout_s)
        self._app.smsjobs_broker_url = broker.url
        self._app.conf.update(
            task_serializer="json",
            accept_content=["json"],
            broker_connection_timeout=timeout_s,
            # A connection from before a restart of Redis costs one retry. If the retry publishes a message twice, it
            # does no harm: the second message finds its job claimed.
            task_publish_retry=True,
            task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0},
            broker_transport_options=broker.options,
            broker_use_ssl=broker.ssl,
        )
        #: A queue on Redis need not be declared: it is there while it has messages.
        self._declared: tuple[Any, ...] | None = () if broker.kind == "redis" else None
        if broker.kind == "rabbitmq":
            from smsjobs.queues import quorum_queues, refuse_blocked  # noqa: PLC0415  only whoever has it loads them

            self._app.conf.task_queues = quorum_queues()
            self._app.conf.broker_transport_options["on_blocked"] = refuse_blocked
        self._open()

    def _open(self) -> None:
        from smsjobs.known_kombu import open_pool  # noqa: PLC0415  kombu's transports load with the first connection

        self._connections = open_pool(self._app.connection_for_write(), _POOL)
        self._producers = ProducerPool(self._connections, limit=_POOL)  # type: ignore[no-untyped-call]

    def publish(self, job_id: str, lane: str) -> None:
        """Put the id on the lane's queue.

        Raises:
            kombu.exceptions.OperationalError: The broker is unreachable, or did not answer in time.
        """
        with self._producers.acquire(block=True, timeout=self._timeout_s) as producer:  # type: ignore[no-untyped-call]
            try:
                self._app.send_task(
                    SEND_TASK,
                    (job_id,),
                    task_id=job_id,
                    queue=LANES[lane].queue,
                    producer=producer,
                    declare=self._declared,
                )
            except Exception:
                # Half a message may be written to it, or it may be blocked: it is of no use any more.
                producer.connection.collect()
                raise

    def close(self) -> None:
        """Close the connections. The next call opens them again."""
        connections = self._connections
        self._open()
        connections.force_close_all()

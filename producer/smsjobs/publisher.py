"""Publishing job ids on the lanes' queues, through a Celery app of our own.

The app lives inside somebody else's process: it never becomes the current app, reads no Celery settings from the
environment, runs no fixups (Celery's would set Django up), and has no result backend: with one, publishing blocks
for 19 seconds while Redis is away (measured with Celery 5.7). Its connections are in a pool of its own: Celery's pools
are the whole process's, their limit too, and a forked child finds its parent's connections in them.
"""

from __future__ import annotations

from typing import Any, Final

from celery import Celery
from celery.loaders.app import AppLoader
from kombu.pools import ProducerPool

from smsjobs.contract import LANES, SEND_TASK

__all__ = ["Publisher"]

#: Idle connections to the broker that a process keeps; as many threads publish at once without waiting.
_POOL: Final = 32


class _Unconfigured(AppLoader):  # type: ignore[misc]
    """Reads no configuration: the module that CELERY_CONFIG_MODULE names is somebody else's."""

    def read_configuration(self, env: str = "") -> dict[str, Any]:
        del env
        return {}


class _IsolatedCelery(Celery):  # type: ignore[misc]  # celery ships no types
    """A Celery app for which CELERY_BROKER_URL and CELERY_RESULT_BACKEND in the environment are somebody else's."""

    smsjobs_broker_url = ""
    #: Stands before the configuration and the environment.
    backend_cls = "disabled"

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_write(url or self.smsjobs_broker_url, **options)


class Publisher:
    """Publishes job ids.

    Args:
        broker_url: Celery's broker.
        timeout_s: Bound of each step on the socket, in seconds.
    """

    def __init__(self, broker_url: str, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._app = _IsolatedCelery("smsjobs", loader=_Unconfigured, set_as_current=False, fixups=[])
        self._app.smsjobs_broker_url = broker_url
        self._app.conf.update(
            task_serializer="json",
            accept_content=["json"],
            broker_connection_timeout=timeout_s,
            # A stale connection from before a restart of Redis costs one retry. A message that is published
            # twice by it does no harm: the second finds its job claimed.
            task_publish_retry=True,
            task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0},
            broker_transport_options=(
                {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s, "socket_keepalive": True}
                if broker_url.startswith("redis")
                else {}
            ),
        )
        self._open()

    def _open(self) -> None:
        self._connections = self._app.connection_for_write().Pool(limit=_POOL)
        self._producers = ProducerPool(self._connections, limit=_POOL)  # type: ignore[no-untyped-call]

    def publish(self, job_id: str, lane: str) -> None:
        """Put the id on the lane's queue.

        Raises:
            kombu.exceptions.OperationalError: The broker is away, or did not answer in time.
        """
        with self._producers.acquire(block=True, timeout=self._timeout_s) as producer:  # type: ignore[no-untyped-call]
            self._app.send_task(
                SEND_TASK, (job_id,), task_id=job_id, queue=LANES[lane].queue, producer=producer
            )

    def close(self) -> None:
        """Close the connections; they are made again when they are needed."""
        connections = self._connections
        self._open()
        connections.force_close_all()

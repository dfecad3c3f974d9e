"""Publishing job ids on the lanes' queues, through a Celery app of our own.

The app lives inside somebody else's process: it never becomes the current app, reads no Celery settings from the
environment, runs no fixups (Celery's would set Django up), and has no result backend: with one, publishing blocks
for 19 seconds while Redis is away (measured with Celery 5.7).
"""

from __future__ import annotations

from typing import Any, Final

from celery import Celery

from smsjobs.contract import LANES, SEND_TASK

__all__ = ["Publisher"]

#: Idle connections to the broker that a process keeps; as many threads publish at once without waiting.
_POOL: Final = 32


class _IsolatedCelery(Celery):  # type: ignore[misc]  # celery ships no types
    """A Celery app whose broker is the one it was given: CELERY_BROKER_URL in the environment is somebody else's."""

    smsjobs_broker_url = ""

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_write(url or self.smsjobs_broker_url, **options)


class Publisher:
    """Publishes job ids.

    Args:
        broker_url: Celery's broker.
        timeout_s: Bound of each step on the socket, in seconds.
    """

    def __init__(self, broker_url: str, *, timeout_s: float) -> None:
        self._app = _IsolatedCelery("smsjobs", set_as_current=False, fixups=[])
        self._app.smsjobs_broker_url = broker_url
        self._app.conf.update(
            task_serializer="json",
            accept_content=["json"],
            broker_pool_limit=_POOL,
            broker_pool_acquire_timeout=timeout_s,
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

    def publish(self, job_id: str, lane: str) -> None:
        """Put the id on the lane's queue.

        Raises:
            kombu.exceptions.OperationalError: The broker is away, or did not answer in time.
        """
        self._app.send_task(SEND_TASK, (job_id,), task_id=job_id, queue=LANES[lane].queue)

    def close(self) -> None:
        """Close the connections."""
        self._app.close()

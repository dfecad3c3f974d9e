"""Is this installation safe to send with? Each finding says what is so in plain words, and the hint where it is wrong.

What is claimed is tried: a job of the doctor's own goes through the ledger, and a message of its own through the broker.
No message is sent to Aliyun: the credentials are tried with a query.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from smsjobs.addresses import RedisAddress
from smsjobs_worker.process.app import SmsJobs
from smsjobs_worker.process.celery_settings import celery_settings
from smsjobs_worker.watching.doctor.accounts import elements, sdk
from smsjobs_worker.watching.doctor.finding import Finding
from smsjobs_worker.watching.doctor.messages import broker
from smsjobs_worker.watching.doctor.nodes import redis_cluster
from smsjobs_worker.watching.doctor.operation import running
from smsjobs_worker.watching.doctor.servers import redis_server
from smsjobs_worker.watching.doctor.trial import ledger

if TYPE_CHECKING:
    from smsjobs_worker.process.settings import WorkerSettings

__all__ = ["Finding", "examine"]


def examine(settings: WorkerSettings) -> Iterator[Finding]:
    """Look at everything, in the order in which one would fix it."""
    connection = settings.connection
    if RedisAddress.read(connection.redis_url).kind == "cluster":
        answers = yield from redis_cluster(connection.redis_url, replicas=connection.replicas)
    else:
        answers = yield from redis_server("ledger", connection.redis_url, replicas=connection.replicas)
    app = SmsJobs(settings)
    app.conf.update(celery_settings(settings))
    if answers:
        yield from ledger(settings, app)
    if answers or connection.broker_url != connection.redis_url:
        yield from broker(settings, app)
    app.close()
    yield from running(settings)
    yield from sdk()
    yield from elements(settings)

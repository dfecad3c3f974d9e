"""A message of the doctor's own is published on a queue of its own, and taken from it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from queue import Empty
from typing import TYPE_CHECKING, Any, Final

from kombu.entity import Queue

from smsjobs.addresses import is_redis
from smsjobs.contract import LANES
from smsjobs.queues import QuorumQueue
from smsjobs.redis_store import error_code, refusal_text
from smsjobs_worker.watching.doctor.finding import Finding, bad, doubtful, good, say
from smsjobs_worker.watching.doctor.servers import redis_server
from smsjobs_worker.watching.doctor.trial import LEAST_RIGHTS
from smsjobs_worker.watching.doctor.versions import numbers

if TYPE_CHECKING:
    from celery import Celery

    from smsjobs_worker.process.settings import WorkerSettings

__all__ = ["broker"]

#: Debian's; the oldest that is tested here.
_RABBITMQ_AT_LEAST: Final = (3, 10)

#: AMQP's code for what a user may not do.
_ACCESS_REFUSED: Final = 403

_WAIT_S: Final = 5


def broker(settings: WorkerSettings, app: Celery) -> Iterator[Finding]:
    """Look at the broker, and try it."""
    connection = settings.connection
    if is_redis(connection.broker_url) and connection.broker_url != connection.redis_url:
        answers = yield from redis_server("broker", connection.broker_url)
        if not answers:
            return
    with app.connection_for_write() as client:
        try:
            client.ensure_connection(max_retries=1, interval_start=0, timeout=_WAIT_S)
        except Exception as error:  # noqa: BLE001  every transport has its own
            yield _unreachable(error)
            return
        try:
            if client.transport.driver_type == "amqp":
                yield from _rabbitmq(client)
            yield _pass_through(client, redis=is_redis(connection.broker_url))
        except Exception as error:  # noqa: BLE001  likewise
            yield _refused(client, error)
            client.collect()


def _rabbitmq(client: Any) -> Iterator[Finding]:
    told = client.connection.server_properties
    name, number = str(told.get("product", "AMQP")), str(told.get("version", "0"))
    if name == "RabbitMQ" and numbers(number) < _RABBITMQ_AT_LEAST:
        yield doubtful(
            "broker",
            "RabbitMQ {version} is older than what is tested",
            "use RabbitMQ 3.10 or newer",
            version=number,
        )
    else:
        yield good("broker", "{name} {version} answers", name=name, version=number)


def _pass_through(client: Any, *, redis: bool) -> Finding:
    name = f"sms.doctor.{uuid.uuid4().hex[:8]}"
    # As the lanes' queues are made on each.
    kind: Any = Queue if redis else QuorumQueue
    queue = kind(name, exchange=name if redis else "", routing_key=name)
    # It is closed with its connection: a full RabbitMQ would not answer to closing it.
    bound = queue(client.channel())
    try:
        bound.declare()
        simple = client.SimpleQueue(bound)
        simple.put({"from": "smsjobs doctor"}, serializer="json")
        simple.get(timeout=_WAIT_S).ack()
        simple.close()
    finally:
        with contextlib.suppress(Exception):
            if redis:  # what is bound there, the connection alone knows
                bound.delete()
            else:  # its connection may be of no use any more
                with client.clone() as another:
                    queue(another.channel()).delete()
    return good("broker", "a message was published on a queue of its own, and taken from it")


def _unreachable(error: Exception) -> Finding:
    if getattr(error, "code", None) == _ACCESS_REFUSED:
        return bad("broker", "RabbitMQ refuses the user or the password", "fix SMS_BROKER_URL")
    why = say(refusal_text(error) or type(error).__name__)
    return bad("broker", "the broker does not answer ({why})", "start it, or fix SMS_BROKER_URL", why=why)


def _refused(client: Any, error: Exception) -> Finding:
    if isinstance(error, Empty):
        return bad(
            "broker",
            "a message that was published did not come within {seconds} s",
            "see the broker's log",
            seconds=_WAIT_S,
        )
    if error_code(error) == "NOPERM":
        return bad("broker", "its user may not publish and take messages (NOPERM)", LEAST_RIGHTS)
    if getattr(error, "code", None) == _ACCESS_REFUSED:
        return _without_right_to_configure(client)
    if "blocked" in str(error):
        return bad(
            "broker",
            "RabbitMQ takes no messages now: its memory or its disk is full",
            "see rabbitmqctl status, and give it more",
        )
    return _unreachable(error)


def _without_right_to_configure(client: Any) -> Finding:
    """Where an administrator has made the lanes' queues, nobody needs to make one."""
    missing = []
    for lane in LANES.values():
        try:
            with client.channel() as channel:
                channel.queue_declare(lane.queue, passive=True)
        except client.channel_errors:
            missing.append(lane.queue)
        except Exception as error:  # noqa: BLE001
            return bad(
                "broker",
                "the broker refuses this user ({error})",
                "fix SMS_BROKER_URL",
                error=type(error).__name__,
            )
    if missing:
        return bad(
            "broker",
            "its user may not make the queues that are missing: {queues}",
            "make them, or permit its user to configure sms.*",
            queues=", ".join(missing),
        )
    return doubtful(
        "broker",
        "publishing was not tried: its user may make no queue. The lanes' queues are there",
        "check by hand that its user may read and write sms.*",
    )

"""Celery's settings of a worker, each with its reason.

The message is only a nudge: the ledger decides who sends. So Celery may lose messages and repeat them, and these
settings only have to make both rare, and everything bounded in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kombu.entity import Queue

from smsjobs.addresses import BrokerAddress
from smsjobs.contract import LANES
from smsjobs.queues import quorum_queues, refuse_blocked
from smsjobs_worker.process.door.consumer import GuardedConsumer

if TYPE_CHECKING:
    from smsjobs_worker.process.settings import WorkerSettings

__all__ = ["celery_settings", "rabbitmq_write_options"]


def celery_settings(settings: WorkerSettings) -> dict[str, Any]:
    """The settings of a worker's Celery app."""
    broker = BrokerAddress.read(settings.connection.broker_url)
    return {
        # Ids in, JSON out: nothing else is read or written.
        "accept_content": ["json"],
        # Ours reads every message before Celery does.
        "worker_consumer": f"{GuardedConsumer.__module__}:{GuardedConsumer.__qualname__}",
        "task_serializer": "json",
        "result_serializer": "json",
        # One queue a lane. A typo in -Q must fail, not leave messages on a queue that no worker reads.
        "task_queues": quorum_queues()
        if broker.kind == "rabbitmq"
        else [_queue(each.queue) for each in LANES.values()],
        "task_default_queue": LANES["notification"].queue,
        "task_create_missing_queues": False,
        # Sending is waiting for Aliyun: threads share the SDK's connections, and a child process would cost
        # memory for nothing. Time limits do not work in threads; the requests have time-outs of their own.
        "worker_pool": "threads",
        "worker_concurrency": 32,
        # A message that waits in a worker's memory can be overtaken by none and is repeated when that worker dies.
        "worker_prefetch_multiplier": 1,
        # Acknowledged when the outcome is stored, so that a killed worker's messages come back. What comes back
        # and was settled, returns its recorded outcome; what was in flight is looked up.
        "task_acks_late": True,
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        "task_reject_on_worker_lost": True,
        # Celery's own repetition knows nothing of what Aliyun may have accepted.
        "task_retry_on_worker_lost": False,
        # Results are stored by our tasks themselves: where Celery cannot store one, the worker ends.
        "task_ignore_result": True,
        # They are kept as long as the ledger keeps outcomes.
        "result_expires": int(settings.connection.retention_s),
        # Our own patience tries again, for a bounded time.
        "result_backend_always_retry": False,
        "result_extended": False,  # it would store arguments
        "redis_socket_timeout": 10,
        "redis_socket_connect_timeout": 5,
        "redis_socket_keepalive": True,
        # Celery's own 20 tries of a second each would come on top of each of ours.
        "result_backend_transport_options": {"retry_policy": {"max_retries": 0}},
        "redis_backend_health_check_interval": 25,
        "redis_max_connections": 256,
        # Never give up on the broker, nor on one that answers but refuses: full, or a replica since a fail-over.
        "broker_channel_error_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_pool_acquire_timeout": 5,
        # What could not be published is due at once for the next sweep.
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0},
        "broker_transport_options": _transport_options(settings, broker),
        "broker_use_ssl": broker.ssl,
        # After a lost connection Celery would take fewer messages, and more again as runs end. On RabbitMQ, a worker can
        # then wait for runs that have ended already, and take none for good.
        "worker_enable_prefetch_count_reduction": False,
        # Seconds; RabbitMQ's own signs of life. A worker finds out within two of them that its connection is dead.
        "broker_heartbeat": 20,
        # True would kill requests whose outcome is then unknown.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # SIGTERM finishes the requests that have begun; a second one waits at most this long for them.
        "worker_soft_shutdown_timeout": 30,
        "worker_enable_soft_shutdown_on_idle": True,
        # The logging of the process is the operator's; colours belong to terminals only, which Celery finds out.
        "worker_hijack_root_logger": True,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": False,
    }


def rabbitmq_write_options() -> dict[str, Any]:
    """What connections that publish on RabbitMQ have besides: the sweep is not to wait long for one queue of several."""
    return {"on_blocked": refuse_blocked, "read_timeout": 3, "write_timeout": 3}


def _queue(name: str) -> Queue:
    return Queue(name, routing_key=name)  # type: ignore[no-untyped-call]


def _transport_options(settings: WorkerSettings, broker: BrokerAddress) -> dict[str, Any]:
    # Without time-outs a silent network blocks a worker forever. Longer than kombu's 1 s of blocking reads.
    options = broker.with_timeouts(answer_s=10, connect_s=5).options
    if broker.kind != "redis":
        return options
    visibility_s = max(settings.visibility_s, settings.lease_s * 4)
    return {
        **options,
        # After that long an unacknowledged message is handed out again. Nothing waits in a worker (delays are due
        # times in the ledger), so it need only be longer than the longest run; earlier does no harm either.
        "visibility_timeout": visibility_s,
        # Kombu looks every 10 s times the throttle; its default of 10 would mean 100 s.
        "unacked_restore_interval": min(10, visibility_s / 2),
        "unacked_restore_throttle": 1,
        # Kombu's default of 10 makes acknowledgements fail under load, and their messages run again.
        "max_connections": 256,
    }

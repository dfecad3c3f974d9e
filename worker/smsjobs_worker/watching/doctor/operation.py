"""What the running system shows: repetition, the sweep, damage, workers, and messages that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from redis.exceptions import RedisError

from smsjobs.addresses import is_redis
from smsjobs.contract import MOST_EVENTS, SUBMIT_TASK
from smsjobs.events import EventStreams, Outbox
from smsjobs.ledger import Aside, Ledger
from smsjobs.presence import start_a_worker, workers_by_lane
from smsjobs.redis_store import Seal, connect_redis
from smsjobs.suppression import LIST_ITEM, SuppressedNumbers
from smsjobs_worker.process.celery_settings import celery_settings
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.doctor.finding import Finding, bad, doubtful, good

__all__ = ["running"]

#: Where Celery puts what names no queue.
_DEFAULT_QUEUE: Final = "celery"

#: Seconds after which an overdue job means that nobody sweeps.
_OVERDUE_S: Final = 60

#: Seconds after which an event that waits means that its subscriber is behind.
_EVENT_S: Final = 300

#: The most damaged entries that are shown one by one.
_ASIDE_SHOWN: Final = 10


def running(settings: WorkerSettings) -> Iterator[Finding]:
    """Look at the running system."""
    connection = settings.connection
    yield _visibility(settings)
    yield from _sweeping(connection.redis_url)
    yield from _events(connection.redis_url)
    yield from _suppressed(connection.redis_url, connection.seal)
    yield from _set_aside(connection.redis_url)
    yield from _workers(connection.broker_url)
    yield from _astray(connection.broker_url)


def _visibility(settings: WorkerSettings) -> Finding:
    options = celery_settings(settings)["broker_transport_options"]
    timeout_s = options.get("visibility_timeout")
    if timeout_s is None:
        return good("repetition", "this broker keeps messages until they are acknowledged")
    if timeout_s <= settings.lease_s:
        return doubtful(
            "repetition",
            "a message is repeated after {seconds} s, before a lease of {lease} s has run out",
            "make SMS_LEASE shorter than the visibility time-out",
            seconds=str(timeout_s),
            lease=f"{settings.lease_s:g}",
        )
    return good(
        "repetition",
        "a message is repeated after {seconds} s without acknowledgement; delays wait in the ledger, not in messages",
        seconds=str(timeout_s),
    )


def _sweeping(url: str) -> Iterator[Finding]:
    ledger = Ledger(connect_redis(url, timeout_s=5))
    try:
        late = ledger.overdue(_OVERDUE_S)
    except (RedisError, OSError):
        return
    if late:
        yield bad(
            "workers",
            "{count} jobs are overdue by more than {seconds} s: no worker sweeps",
            "start a worker for every lane, as the Procfile does",
            count=late,
            seconds=_OVERDUE_S,
        )
    else:
        yield good("workers", "no job is overdue")


def _set_aside(url: str) -> Iterator[Finding]:
    """What is damaged in the ledger. Everything else goes on beside it."""
    try:
        found = list(Aside(connect_redis(url, timeout_s=5), keep_s=0).items())
    except (RedisError, OSError, ValueError):
        return
    for each in found[:_ASIDE_SHOWN]:
        yield bad(
            "set aside",
            "{id}: {problem}",
            "see docs/reliability.md, then smsjobs set-aside put-back, or smsjobs set-aside drop",
            id=each.id,
            problem=each.problem,
        )
    if len(found) > _ASIDE_SHOWN:
        yield bad(
            "set aside",
            "{count} more damaged entries are set aside",
            "smsjobs set-aside list shows all",
            count=len(found) - _ASIDE_SHOWN,
        )
    if not found:
        yield good("set aside", "nothing in the ledger is damaged")


def _suppressed(url: str, seal: Seal | None) -> Iterator[Finding]:
    """Whether anybody can tell who is on the suppression list."""
    try:
        problem = SuppressedNumbers(connect_redis(url, timeout_s=5), seal=seal).damage()
    except (RedisError, OSError):
        return
    if problem:
        yield bad(
            "suppression",
            "the suppression list is damaged: {problem}. Promotional messages wait; all others are sent",
            "fix it, or smsjobs set-aside drop {item} and import your copy of it",
            problem=problem,
            item=LIST_ITEM,
        )


def _events(url: str) -> Iterator[Finding]:
    """Who is told of events, and how far behind he is."""
    client = connect_redis(url, timeout_s=5)
    try:
        backlogs = EventStreams(client).backlogs()
        parked = {each.name: each.count_parked() for each in Outbox.all(client)}
        now_ms = client.time()[0] * 1000
    except (RedisError, OSError):
        return
    for name in sorted({each.subscriber for each in backlogs}):
        mine = [each for each in backlogs if each.subscriber == name]
        waiting = sum(each.waiting for each in mine)
        late_s = max((now_ms - each.since_ms) / 1000 for each in mine if each.since_ms) if waiting else 0
        if late_s > _EVENT_S:
            yield doubtful(
                "events",
                "{count} events wait for the subscriber {name}, the oldest for {minutes} minutes; of an element about "
                "{most} are kept",
                "see that a worker has its settings (docs/events.md) and that it takes what it is told; or: smsjobs "
                "events unsubscribe {name}",
                count=waiting,
                name=name,
                minutes=f"{late_s / 60:.0f}",
                most=MOST_EVENTS,
            )
        else:
            yield good("events", "the subscriber {name} is told of events", name=name)
    for name, count in parked.items():
        if count:
            yield doubtful(
                "events",
                "{count} items of {name} were tried in vain for a day",
                "smsjobs events list shows them; then smsjobs events replay --all, or smsjobs events drop ID",
                count=count,
                name=name,
            )


def _workers(broker_url: str) -> Iterator[Finding]:
    lanes = workers_by_lane(broker_url)
    if lanes is None:
        yield doubtful(
            "workers",
            "the workers could not be asked: the broker is unreachable, or of a kind without remote control",
            "check by hand that a worker runs for every lane",
        )
        return
    for lane, count in lanes.items():
        if count == 1:
            yield good("workers", "1 worker answers for the lane {lane}", lane=lane)
        elif count:
            yield good("workers", "{count} workers answer for the lane {lane}", count=count, lane=lane)
        else:
            yield doubtful(
                "workers",
                "no worker answers for the lane {lane}: its jobs wait",
                "start one: {command}",
                lane=lane,
                command=start_a_worker(lane),
            )


def _astray(broker_url: str) -> Iterator[Finding]:
    """Jobs of plain Celery clients that named no queue. Celery's default queue may be somebody else's, so nobody reads it."""
    if not is_redis(broker_url):
        return
    try:
        waiting = cast("list[str]", connect_redis(broker_url, timeout_s=5).lrange(_DEFAULT_QUEUE, 0, 999))
    except (RedisError, OSError):
        return
    if count := sum(f'"{SUBMIT_TASK}"' in each for each in waiting):
        yield bad(
            "workers",
            "{count} submitted jobs wait in the queue {queue}, which no worker of smsjobs reads",
            'name the lane\'s queue: send_task("{task}", queue="sms.notification", …)',
            count=count,
            queue=_DEFAULT_QUEUE,
            task=SUBMIT_TASK,
        )

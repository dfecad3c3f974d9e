"""Is this installation safe to send with? Each finding says what is so in plain words, and the hint where it is wrong.

Nothing is sent: the credentials are tried with a query.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Literal, cast

import redis
from kombu.connection import Connection
from redis.exceptions import RedisError

from smsjobs.addresses import BrokerAddress, RedisAddress, is_redis
from smsjobs.contract import MOST_EVENTS, SUBMIT_TASK, InvalidArguments
from smsjobs.events import EventStreams, Outbox
from smsjobs.ledger import Aside, Ledger
from smsjobs.presence import start_a_worker, workers_by_lane
from smsjobs.redis_store import connect_redis, refusal_text
from smsjobs_worker.aliyun.client import AliyunSms
from smsjobs_worker.elements import App, LoadedElement, Problem, loaded
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.process.celery_settings import celery_settings
from smsjobs_worker.process.settings import WorkerSettings

__all__ = ["Finding", "examine"]

#: Aliyun refuses requests whose time is 15 minutes off.
_SKEW_REFUSED_S: Final = 900
_SKEW_WARNED_S: Final = 60

#: Redis 6 has RESP3, which redis-py 8 speaks; 6.2 is the oldest that is tested here.
_REDIS_AT_LEAST: Final = (6, 2)

#: Older lines of the SDK sent again by themselves after a read time-out.
_SDK: Final = {"alibabacloud-dysmsapi20170525": (4, 4), "alibabacloud-tea-openapi": (0, 4)}

#: Where Celery puts what names no queue.
_DEFAULT_QUEUE: Final = "celery"

#: Seconds after which an overdue job means that nobody sweeps.
_OVERDUE_S: Final = 60

#: Seconds for which an event may wait for its subscriber.
_EVENT_S: Final = 300

#: The most damaged entries that are shown one by one.
_ASIDE_SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    #: What was looked at, in a word or two.
    subject: str
    #: ``"bad"``: do not send with it. ``"doubtful"``: it works, but a promise may not hold.
    verdict: Literal["good", "doubtful", "bad"]
    #: What is so.
    text: str
    #: How to fix it; empty where nothing is wrong.
    hint: str = ""


def examine(settings: WorkerSettings) -> Iterator[Finding]:
    """Look at everything, in the order in which one would fix it."""
    connection = settings.connection
    yield from _redis("ledger", connection.redis_url)
    if connection.broker_url != connection.redis_url:
        yield from _broker(connection.broker_url)
    yield _visibility(settings)
    yield from _sweeping(connection.redis_url)
    yield from _set_aside(connection.redis_url)
    yield from _events(connection.redis_url)
    yield from _workers(connection.broker_url)
    yield from _astray(connection.broker_url)
    yield from _sdk()
    yield from _elements(settings)


def _redis(subject: str, url: str) -> Iterator[Finding]:
    client = connect_redis(url, timeout_s=5)
    try:
        server: dict[str, Any] = client.info("server")
    except (RedisError, OSError) as error:
        if refusal := refusal_text(error):
            yield Finding(
                subject=subject,
                verdict="bad",
                text=f"Redis at {_place(url)} {refusal}",
                hint="fix SMS_BROKER_URL (or SMS_REDIS_URL, if the ledger is elsewhere)",
            )
            return
        yield Finding(
            subject=subject,
            verdict="bad",
            text=f"Redis at {_place(url)} does not answer ({type(error).__name__})",
            hint="start it, or set SMS_BROKER_URL (and SMS_REDIS_URL, if the ledger is elsewhere)",
        )
        return
    number = str(server.get("redis_version", "0"))
    if _numbers(number) < _REDIS_AT_LEAST:
        yield Finding(
            subject=subject,
            verdict="bad",
            text=f"Redis {number} at {_place(url)} is too old",
            hint="use Redis 6.2 or newer, or Valkey",
        )
    else:
        yield Finding(subject=subject, verdict="good", text=f"Redis {number} answers at {_place(url)}")
    yield from _durability(subject, client)
    yield _redis_clock(subject, client)


def _durability(subject: str, client: redis.Redis) -> Iterator[Finding]:
    try:
        config = {
            key: str(value)
            for name in ("maxmemory", "maxmemory-policy", "appendonly", "appendfsync")
            for key, value in client.config_get(name).items()
        }
    except RedisError:
        yield Finding(
            subject=subject,
            verdict="doubtful",
            text="this Redis does not tell its configuration (CONFIG is not permitted)",
            hint="check by hand that maxmemory-policy is noeviction and that it keeps an append-only file",
        )
        return
    policy = config.get("maxmemory-policy", "")
    if policy == "noeviction":
        yield Finding(
            subject=subject, verdict="good", text="it never evicts a job (maxmemory-policy noeviction)"
        )
    else:
        limited = config.get("maxmemory", "0") != "0"
        yield Finding(
            subject=subject,
            verdict="bad" if limited else "doubtful",
            text=f"it may drop jobs when its memory is full (maxmemory-policy {policy})",
            hint="set maxmemory-policy noeviction",
        )
    if config.get("appendonly") != "yes":
        yield Finding(
            subject=subject,
            verdict="bad",
            text="a restart loses jobs (no append-only file)",
            hint="set appendonly yes, with appendfsync everysec (loses up to a second) or always",
        )
    elif config.get("appendfsync") == "no":
        yield Finding(
            subject=subject,
            verdict="doubtful",
            text="a crash of the machine loses up to half a minute of jobs (appendfsync no)",
            hint="set appendfsync everysec, or always",
        )
    else:
        how = config.get("appendfsync", "everysec")
        yield Finding(
            subject=subject, verdict="good", text=f"it keeps an append-only file (appendfsync {how})"
        )


def _redis_clock(subject: str, client: redis.Redis) -> Finding:
    before = time.time()
    seconds, micros = client.time()
    skew_s = (before + time.time()) / 2 - (seconds + micros / 1e6)
    if abs(skew_s) <= 1:
        return Finding(subject=subject, verdict="good", text="its clock agrees with this machine's")
    return Finding(
        subject=subject,
        verdict="doubtful",
        text=f"its clock and this machine's differ by {abs(skew_s):.0f} s, so maxQps is kept less exactly",
        hint="let both keep time by NTP",
    )


def _broker(url: str) -> Iterator[Finding]:
    if is_redis(url):
        yield from _redis("broker", url)
        return
    try:
        broker = BrokerAddress.read(url)
        with Connection(broker.url, connect_timeout=5, **broker.arguments()) as connection:  # type: ignore[no-untyped-call]
            connection.ensure_connection(max_retries=1)
    except Exception as error:  # noqa: BLE001  every transport has its own
        yield Finding(
            subject="broker",
            verdict="bad",
            text=f"the broker does not answer ({type(error).__name__})",
            hint="start it, or fix SMS_BROKER_URL",
        )
        return
    yield Finding(subject="broker", verdict="good", text="the broker answers")


def _visibility(settings: WorkerSettings) -> Finding:
    options = celery_settings(settings)["broker_transport_options"]
    timeout_s = options.get("visibility_timeout")
    if timeout_s is None:
        return Finding(
            subject="repetition",
            verdict="good",
            text="this broker keeps messages until they are acknowledged",
        )
    if timeout_s <= settings.lease_s:
        return Finding(
            subject="repetition",
            verdict="doubtful",
            text=f"a message is repeated after {timeout_s} s, before a lease of {settings.lease_s:g} s has run out",
            hint="make SMS_LEASE shorter than the visibility time-out",
        )
    return Finding(
        subject="repetition",
        verdict="good",
        text=f"a message is repeated after {timeout_s} s without acknowledgement; delays wait in the ledger, "
        "not in messages",
    )


def _sweeping(url: str) -> Iterator[Finding]:
    ledger = Ledger(connect_redis(url, timeout_s=5))
    try:
        late = ledger.overdue(_OVERDUE_S)
    except (RedisError, OSError):
        return
    if late:
        yield Finding(
            subject="workers",
            verdict="bad",
            text=f"{late} jobs are overdue by more than {_OVERDUE_S} s: no worker sweeps",
            hint="start a worker for every lane, as the Procfile does",
        )
    else:
        yield Finding(subject="workers", verdict="good", text="no job is overdue")


def _set_aside(url: str) -> Iterator[Finding]:
    """What is damaged in the ledger. Everything else goes on beside it."""
    try:
        found = list(Aside(connect_redis(url, timeout_s=5), keep_s=0).items())
    except (RedisError, OSError, ValueError):
        return
    for each in found[:_ASIDE_SHOWN]:
        yield Finding(
            subject="set aside",
            verdict="bad",
            text=f"{each.id}: {each.problem}",
            hint="see docs/reliability.md, then smsjobs set-aside put-back, or smsjobs set-aside drop",
        )
    if len(found) > _ASIDE_SHOWN:
        yield Finding(
            subject="set aside",
            verdict="bad",
            text=f"{len(found) - _ASIDE_SHOWN} more damaged entries are set aside",
            hint="smsjobs set-aside list shows all",
        )
    if not found:
        yield Finding(subject="set aside", verdict="good", text="nothing in the ledger is damaged")


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
            yield Finding(
                subject="events",
                verdict="doubtful",
                text=f"{waiting} events wait for the subscriber {name}, the oldest for {late_s / 60:.0f} minutes; "
                f"of an element about {MOST_EVENTS} are kept",
                hint="see that a worker has its settings (docs/events.md) and that it takes what it is told; "
                f"or: smsjobs events unsubscribe {name}",
            )
        else:
            yield Finding(subject="events", verdict="good", text=f"the subscriber {name} is told of events")
    for name, count in parked.items():
        if count:
            yield Finding(
                subject="events",
                verdict="doubtful",
                text=f"{count} items of {name} were tried in vain for a day",
                hint="smsjobs events lists them; then smsjobs events replay, or smsjobs events drop",
            )


def _workers(broker_url: str) -> Iterator[Finding]:
    lanes = workers_by_lane(broker_url)
    if lanes is None:
        yield Finding(
            subject="workers",
            verdict="doubtful",
            text="the workers could not be asked: the broker is unreachable, or of a kind without remote control",
            hint="check by hand that a worker runs for every lane",
        )
        return
    for lane, count in lanes.items():
        if count:
            text = f"{count} {'worker answers' if count == 1 else 'workers answer'} for the lane {lane}"
            yield Finding(subject="workers", verdict="good", text=text)
        else:
            yield Finding(
                subject="workers",
                verdict="doubtful",
                text=f"no worker answers for the lane {lane}: its jobs wait",
                hint=f"start one: {start_a_worker(lane)}",
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
        yield Finding(
            subject="workers",
            verdict="bad",
            text=f"{count} submitted jobs wait in the queue {_DEFAULT_QUEUE}, which no worker of smsjobs reads",
            hint=f'name the lane\'s queue: send_task("{SUBMIT_TASK}", queue="sms.notification", …)',
        )


def _sdk() -> Iterator[Finding]:
    for name, at_least in _SDK.items():
        number = version(name)
        if _numbers(number) < at_least:
            yield Finding(
                subject="SDK",
                verdict="bad",
                text=f"{name} {number} sends again by itself when an answer is late",
                hint=f"pip install --upgrade {name}",
            )
        else:
            yield Finding(subject="SDK", verdict="good", text=f"{name} {number} makes one request a call")


def _elements(settings: WorkerSettings) -> Iterator[Finding]:
    if not settings.app_dir.is_dir():
        yield Finding(
            subject="elements",
            verdict="bad",
            text=f"SMS_APP: there is no directory {settings.app_dir}",
            hint="set SMS_APP to the directory that holds SMS/",
        )
        return
    try:
        app = App(settings.app_dir)
        problems = app.check()
        elements = app.elements()
    except InvalidArguments as error:
        yield Finding(subject="elements", verdict="bad", text=error.message, hint="fix SMS_APP")
        return
    for each in problems:
        yield Finding(
            subject=each.element or "elements",
            verdict="bad" if each.level == "error" else "doubtful",
            text=f"{_where(each)}{each.cause}",
            hint=each.hint,
        )
    broken = {each.element for each in problems if each.level == "error"}
    for element in elements:
        if element.fullName not in broken:
            yield from _element(element)


def _where(problem: Problem) -> str:
    place = ", ".join(filter(None, (problem.file, problem.key and f"key {problem.key}")))
    return f"{place}: " if place else ""


def _element(element: LoadedElement) -> Iterator[Finding]:
    name = element.fullName
    try:
        thing = loaded(element)
    except Exception as error:  # noqa: BLE001  a Type's own code
        yield Finding(
            subject=name, verdict="bad", text=f"it does not load ({describe(error)})", hint="fix its type"
        )
        return
    if not isinstance(thing, AliyunSms):
        yield Finding(subject=name, verdict="good", text="it loads")
        return
    yield _destination(name, thing)
    yield _credentials(name, thing)
    yield from _aliyun_clock(name, thing)


def _destination(name: str, sms: AliyunSms) -> Finding:
    endpoint = sms.account.endpoint
    if endpoint.is_aliyun:
        return Finding(subject=name, verdict="good", text=f"it sends to Aliyun, at {endpoint.host}")
    return Finding(
        subject=name,
        verdict="doubtful",
        text=f"it sends to {endpoint.host}, not to Aliyun: no phone gets a message from a simulator",
        hint="leave endpoint out of sms.json, unless this is meant",
    )


def _credentials(name: str, sms: AliyunSms) -> Finding:
    checked = sms.check_credentials()
    if checked.accepted:
        return Finding(subject=name, verdict="good", text=f"{_answering(sms)} accepts its AccessKey")
    if checked.accepted is None:
        return Finding(
            subject=name,
            verdict="bad",
            text=f"{_answering(sms)} gives no clear answer: {checked.detail}",
            hint="see that this machine reaches the endpoint in sms.json, then try again",
        )
    return Finding(
        subject=name,
        verdict="bad",
        text=f"{_answering(sms)} refuses its AccessKey ({checked.aliyun_code})",
        hint=checked.detail or "fix accessKey and accessSecret in sms.json",
    )


def _answering(sms: AliyunSms) -> str:
    return "Aliyun" if sms.account.endpoint.is_aliyun else sms.account.endpoint.host


def _aliyun_clock(name: str, sms: AliyunSms) -> Iterator[Finding]:
    skew_s = sms.clock_skew_s()
    if skew_s is None:
        return
    if abs(skew_s) < _SKEW_WARNED_S:
        yield Finding(
            subject=name, verdict="good", text=f"this machine's clock agrees with that of {_answering(sms)}"
        )
        return
    yield Finding(
        subject=name,
        verdict="bad" if abs(skew_s) >= _SKEW_REFUSED_S else "doubtful",
        text=f"this machine's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} that of "
        f"{_answering(sms)}; from 900 s on every request is refused",
        hint="let it keep time by NTP",
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


def _place(url: str) -> str:
    """Where that is, without its password."""
    return RedisAddress.read(url).place

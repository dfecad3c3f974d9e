"""The figures of the ledger: what is in Redis now, read in a few round trips and never by a scan of keys.

What it reads is bounded, however many jobs there are. What is damaged counts as not there.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from smsjobs.addresses import is_redis
from smsjobs.contract import LANES, is_job_id, tag_of_job
from smsjobs.events import Outbox
from smsjobs.facts import bounded
from smsjobs.ledger import Places
from smsjobs.metrics import Metric, catalogue
from smsjobs.offers import Offers
from smsjobs.redis_store import ELEMENTS, ClusterClient, connect_redis, is_damage, key
from smsjobs.templates import CARRIERS, Standing, standings

if TYPE_CHECKING:
    from smsjobs import Sms

__all__ = ["Figures", "Sample"]

#: A figure, the values of its labels, and what it is.
Sample = tuple[Metric, tuple[str, ...], float]

#: How many elements are looked at, and of each how many jobs, recent failures and campaigns.
_ELEMENTS: Final = 200
_JOBS: Final = 100
_FAILURES: Final = 500
_CAMPAIGNS: Final = 200

#: How many elements are named in labels.
_NAMED: Final = 100

#: For so many milliseconds an unknown outcome is news.
_NEWS_MS: Final = 3_600_000

_TIMEOUT_S: Final = 2.0

#: The length of a queue and its oldest message, unless that is a large one: whoever may write to the broker can put one there.
_HEAD: Final = """
local head = redis.call('LINDEX', KEYS[1], -1)
return {redis.call('LLEN', KEYS[1]), head and #head < 20000 and head or ''}
"""

_OUTCOMES: Final = ("accepted", "rejected", "not_sent", "unknown")

_Job = tuple[bytes, ...]


class Figures:
    """Reads them.

    Args:
        sms: What `smsjobs.connect` gave.
    """

    def __init__(self, sms: Sms) -> None:
        settings = sms.connection.settings
        self._connection = sms.connection
        self._redis: Any = connect_redis(settings.redis_url, timeout_s=_TIMEOUT_S, text=False)
        self._broker: Any = None
        if is_redis(settings.broker_url):
            self._broker = connect_redis(settings.broker_url, timeout_s=_TIMEOUT_S, text=False)

    def read(self) -> list[Sample]:
        """All of them, now.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable.
        """
        began = time.monotonic()
        seconds, micros = self._redis.time()
        now_ms = seconds * 1000 + micros // 1000
        tags = Places(self._redis).tags()[:_ELEMENTS]
        queues = self._queues()
        heads = [each for _, text in queues.values() if (each := _job_of(text))]
        ledger = self._ledger(tags, heads, now_ms)
        samples = [*ledger, *self._lanes(queues), *self._standings(tags), *self._events(), *self._memory()]
        return [*samples, (catalogue.LEDGER_READ_SECONDS, (), time.monotonic() - began)]

    def _ledger(self, tags: Sequence[str], heads: Sequence[bytes], now_ms: int) -> Iterator[Sample]:
        pipe = self._redis.pipeline(transaction=False)
        for tag in tags:
            agenda, failed = key(tag, "agenda"), key(tag, "failed")
            pipe.zcard(agenda)
            pipe.zcount(agenda, "-inf", now_ms)
            pipe.zrange(agenda, 0, _JOBS - 1, withscores=True)
            # A job that was looked at often has its next look far away.
            pipe.zrange(agenda, -_JOBS, -1)
            pipe.zcard(failed)
            pipe.zrevrangebyscore(failed, "+inf", now_ms - _NEWS_MS, start=0, num=_FAILURES)
            pipe.zcard(key(tag, "pulls", "codes"))
            pipe.zcard(key(tag, "pulls", "others"))
            pipe.hlen(key(tag, "aside"))
            pipe.srandmember(key(tag, "campaigns", "open"), _CAMPAIGNS)
        answers = iter(_execute(pipe))
        totals: Counter[Metric] = Counter()
        late_ms, jobs, failures, campaigns = 0.0, set[bytes](), list[bytes](), list[bytes]()
        for tag, answer in zip(tags, zip(*[answers] * 10, strict=True), strict=True):
            open_, due, first, last, failed_, news, codes, others, aside, running = answer
            totals[catalogue.LEDGER_OPEN] += open_ or 0
            totals[catalogue.LEDGER_DUE] += due or 0
            totals[catalogue.NOT_WELL] += failed_ or 0
            totals[catalogue.PULLS_WAITING] += (codes or 0) + (others or 0)
            totals[catalogue.SET_ASIDE] += aside or 0
            late_ms = max(late_ms, now_ms - first[0][1]) if first else late_ms
            prefix = key(tag, "job", "").encode()
            jobs |= {prefix + each for each, _ in first or ()} | {prefix + each for each in last or ()}
            failures += [prefix + each for each in news or ()]
            campaigns += [key(tag, "campaign", "").encode() + each for each in running or ()]
        for metric in (
            catalogue.LEDGER_OPEN,
            catalogue.LEDGER_DUE,
            catalogue.NOT_WELL,
            catalogue.PULLS_WAITING,
            catalogue.SET_ASIDE,
        ):
            yield metric, (), totals[metric]
        yield catalogue.SWEEP_LATE_SECONDS, (), late_ms / 1000
        states = self._fields(failures, "state")
        yield catalogue.UNKNOWN, (), sum(state == b"unknown" for (state,) in states)
        yield from self._oldest([*jobs, *heads], now_ms)
        yield from self._campaigns(campaigns)

    def _oldest(self, jobs: Sequence[bytes], now_ms: int) -> Iterator[Sample]:
        oldest = dict.fromkeys(LANES, 0.0)
        for state, token, lane, due in self._fields(jobs, "state", "token", "lane", "due"):
            name = lane.decode("ascii", "replace")
            if state == b"queued" and not token and name in oldest:
                oldest[name] = max(oldest[name], (now_ms - _number(due, now_ms)) / 1000)
        for name, seconds in oldest.items():
            yield catalogue.OLDEST_DUE_SECONDS, (name,), seconds

    def _queues(self) -> dict[str, tuple[int, bytes]]:
        """The length and the oldest message of each lane's queue; none where the broker is not Redis."""
        if self._broker is None:
            return {}
        pipe = self._broker.pipeline(transaction=False)
        for lane in LANES.values():
            pipe.eval(_HEAD, 1, lane.queue)
        return {
            name: (answer[0], answer[1]) for name, answer in zip(LANES, _execute(pipe), strict=True) if answer
        }

    def _lanes(self, queues: Mapping[str, tuple[int, bytes]]) -> Iterator[Sample]:
        for name, (length, _) in queues.items():
            yield catalogue.QUEUE_MESSAGES, (name,), length
        served = Offers(self._connection.redis()).lanes()
        for name in LANES:
            yield catalogue.LANE_SERVED, (name,), name in served

    def _campaigns(self, campaigns: Sequence[bytes]) -> Iterator[Sample]:
        states = Counter(dict.fromkeys(("planning", "running", "paused", "cancelled"), 0))
        names = ("state", "paused", "total", *_OUTCOMES, "delivered", "undelivered")
        recipients = Counter(dict.fromkeys((*_OUTCOMES, "delivered", "undelivered", "left"), 0))
        for values in self._fields(campaigns, *names):
            found = dict(zip(names, values, strict=True))
            state = found["state"].decode("ascii", "replace")
            if state == "running" and found["paused"]:
                state = "paused"
            if state in states:
                states[state] += 1
            total, ended = _number(found["total"], 0), 0
            for name in names[3:]:
                count = _number(found[name], 0)
                recipients[name] += count
                ended += count if name in _OUTCOMES else 0
            recipients["left"] += max(0, total - ended)
        yield from ((catalogue.CAMPAIGNS, (state,), count) for state, count in states.items())
        yield from ((catalogue.CAMPAIGN_RECIPIENTS, (state,), count) for state, count in recipients.items())

    def _standings(self, tags: Sequence[str]) -> Iterator[Sample]:
        """What is not approved, not filed, and not used, by element."""
        known = [each for each in standings(self._redis, tags[:_NAMED]) if each.is_known]
        names = self._redis.hmget(ELEMENTS, [each.tag for each in known]) if known else ()
        worst: dict[tuple[Metric, tuple[str, ...]], float] = {}
        for each, name in zip(known, names, strict=True):
            for metric, values, value in _standing(each, (name or b"").decode("utf-8", "replace")):
                # What may not be told of several elements is one series.
                labels = metric, tuple(map(bounded, values))
                worst[labels] = max(value, worst.get(labels, 0))
        yield from ((metric, values, value) for (metric, values), value in worst.items())

    def _events(self) -> Iterator[Sample]:
        now_s = time.time()
        waiting: Counter[str] = Counter()
        oldest: dict[str, float] = {}
        for each in self._connection.events.backlogs():
            waiting[each.subscriber] += each.waiting
            age_s = now_s - each.since_ms / 1000 if each.since_ms else 0.0
            oldest[each.subscriber] = max(oldest.get(each.subscriber, 0.0), age_s)
        for name, seconds in oldest.items():
            yield catalogue.STREAM_WAITING, (name,), waiting[name]
            yield catalogue.STREAM_OLDEST_SECONDS, (name,), seconds
        for box in Outbox.all(self._connection.redis()):
            yield catalogue.OUTBOX_WAITING, (box.name,), box.waiting()
            yield catalogue.OUTBOX_PARKED, (box.name,), box.count_parked()

    def _memory(self) -> Iterator[Sample]:
        # A user of Redis may be one that must not ask.
        with suppress(RedisError):
            nodes = self._redis.masters() if isinstance(self._redis, ClusterClient) else {"": self._redis}
            found = [each.info("memory") for each in nodes.values()]
            # Of a Cluster the node that is nearest to its bound: jobs of its elements are refused first.
            fullest = max(found, key=lambda each: each["used_memory"] / (each["maxmemory"] or 2**60))
            yield catalogue.REDIS_USED_BYTES, (), fullest["used_memory"]
            yield catalogue.REDIS_MAX_BYTES, (), fullest["maxmemory"]

    def _fields(self, names: Sequence[bytes], *fields: str) -> Iterator[_Job]:
        """Fields of hashes, empty where there are none."""
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.hmget(name, fields)
        for values in _execute(pipe):
            yield tuple(value or b"" for value in values or [b""] * len(fields))


def _standing(each: Standing, name: str) -> Iterator[Sample]:
    yield catalogue.TEMPLATES_NOT_APPROVED, (name,), each.not_approved
    if (signature := each.signature) is not None:
        yield catalogue.SIGNATURE_NOT_APPROVED, (name,), not signature.is_good
        for filing in signature.filing:
            if filing.carrier in CARRIERS:
                yield catalogue.SIGNATURE_NOT_FILED, (name, filing.carrier), filing.is_missing
    if each.idle_s is not None:
        yield catalogue.SIGNATURE_IDLE_SECONDS, (name,), each.idle_s


def _execute(pipe: Any) -> list[Any]:
    """The answers of a pipeline. That of a damaged key is None.

    Raises:
        redis.exceptions.RedisError: Redis is unreachable, or refuses.
    """
    answers = pipe.execute(raise_on_error=False) if len(pipe) else []
    for each in answers:
        if isinstance(each, Exception) and not is_damage(each):
            raise each
    return [None if isinstance(each, Exception) else each for each in answers]


def _number(text: bytes, otherwise: int) -> int:
    return int(text) if text.isdigit() and len(text) < 17 else otherwise


def _job_of(message: bytes) -> bytes | None:
    """The key of the job that a message is about, if its id is one of ours."""
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        job_id = json.loads(message)["headers"]["id"]
        if isinstance(job_id, str) and is_job_id(job_id) and (tag := tag_of_job(job_id)):
            return key(tag, "job", job_id).encode()
    return None

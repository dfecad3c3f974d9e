"""Reads, cancels, lists and renews the jobs of a ledger."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from redis.exceptions import ResponseError

from smsjobs.contract import (
    InvalidArguments,
    JobRecord,
    decode_job,
    element_tag,
    encode_job,
    lane,
    new_job_id,
    recipient_digests,
)
from smsjobs.ledger import Aside, EntryDamaged, Places, Recorded
from smsjobs.redis_store import CannotOpen, RedisClock, Scripts, is_damage, is_wrong_type, key, unseal
from smsjobs.steering.info import FIELDS, JobInfo, read_info
from smsjobs.steering.listing import Listing, pages
from smsjobs.steering.refusals import gone, no_such_job, not_retryable, part_of_campaign
from smsjobs.steering.timeline import TRACES, Moment, moments

if TYPE_CHECKING:
    from smsjobs.ledger import Ledger

__all__ = ["Steering"]

#: Jobs of the first page of a list, and of the longest one. Each page is one round trip.
_FIRST_PAGE: Final = 50
_LONGEST_PAGE: Final = 500

#: Entries of one element's index that are read at once.
_INDEX_PAGE: Final = 500


class Steering:
    """All jobs of a ledger, by their ids. Threads may share it.

    Args:
        ledger: Whose jobs. Its Redis, its seal, and how long it keeps things are used.
        clock: Returns the time in seconds since 1970, for tests. Without it, Redis's own clock is used.
    """

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float] | None = None) -> None:
        self._ledger = ledger
        self._places = Places(ledger.redis)
        self._redis_clock = RedisClock(ledger.redis)
        self._clock = clock
        self._scripts = Scripts("steering", clock=clock)

    def __repr__(self) -> str:
        return "<Steering>"

    def info(self, job_id: str) -> JobInfo:
        """Return the job as it is now.

        Raises:
            InvalidArguments: There is no such job (``reason="job_not_found"``).
            EntryDamaged: Its entry is damaged, and was set aside.
        """
        with _damage_set_aside(self._ledger, job_id):
            tag = self._places.of(job_id)
            pipe: Any = self._ledger.redis.pipeline(transaction=False)
            pipe.execute_command("HMGET", key(tag, "job", job_id), *FIELDS, NEVER_DECODE=True)
            pipe.zscore(key(tag, "failed"), job_id)
            values, settled_ms = pipe.execute(raise_on_error=False)
            if isinstance(values, Exception):
                raise values
            # A list that is damaged hides no job.
            score = settled_ms if isinstance(settled_ms, float) else None
            found = read_info(job_id, values, score)
        if found is None:
            raise no_such_job(job_id)
        return found

    def timeline(self, job_id: str) -> Sequence[Moment]:
        """Return what the ledger still has of how the job went, the earliest first.

        Raises:
            InvalidArguments, EntryDamaged: As in `info`.
        """
        info = self.info(job_id)
        with _damage_set_aside(self._ledger, job_id):
            entry = key(self._places.of(job_id), "job", job_id)
            values = cast("list[str | None]", self._ledger.redis.hmget(entry, list(TRACES)))
            return moments(info, values)

    def cancel(self, job_id: str) -> bool:
        """Cancel a job that waits to be sent. Of this and a claim in the same moment, one wins.

        Returns:
            Whether it is cancelled, by this call or by an earlier one. False: it is too late.

        Raises:
            InvalidArguments: There is no such job (``reason="job_not_found"``), or it is a chunk
                (``reason="part_of_campaign"``).
            EntryDamaged: Its entry is damaged, and was set aside.
        """
        with _damage_set_aside(self._ledger, job_id):
            tag = self._places.of(job_id)
            verb, *problem = self._scripts.run(
                "cancel",
                self._ledger.redis,
                {"job": key(tag, "job", job_id), "agenda": key(tag, "agenda")},
                id=job_id,
                keep=round(self._ledger.retention_s * 1000),
                retryable=round(self._ledger.retryable_s * 1000),
            )
        match verb:
            case "missing":
                raise no_such_job(job_id)
            case "chunk":
                raise part_of_campaign(job_id)
            case "damaged":
                self._ledger.set_aside(job_id, problem[0])
                raise EntryDamaged(job_id, problem[0])
        return bool(verb == "cancelled")

    def renewed(self, job_id: str, *, expires: float | None = None) -> JobRecord | Recorded:
        """Return a new job with the payload of one that was rejected or not sent. It is recorded by `record`.

        Args:
            expires: Seconds from now after which it is not sent. None: the default of its lane.

        Returns:
            Where it was sent again before: what is recorded.

        Raises:
            InvalidArguments: There is no such job (``reason="job_not_found"``), it is a chunk
                (``"part_of_campaign"``), has another outcome or none (``"not_retryable"``), its payload is not kept any
                more (``"payload_gone"``) or cannot be read here (``"job_unreadable"``); or `expires` is not valid.
            EntryDamaged: Its entry is damaged, and was set aside.
        """
        with _damage_set_aside(self._ledger, job_id):
            tag = self._places.of(job_id)
            # Read first: it goes when another call sends the job again, and then the entry tells that.
            text = self._kept(tag, job_id)
            names = ["state", "element", "campaign", "retried_as"]
            state, element, campaign, retried_as = cast(
                "list[str | None]", self._ledger.redis.hmget(key(tag, "job", job_id), names)
            )
        if state is None:
            raise no_such_job(job_id)
        if campaign is not None:
            raise part_of_campaign(job_id)
        if retried_as is not None:
            return Recorded(job_id=retried_as, new=False)
        if state not in ("rejected", "not_sent"):
            raise not_retryable(job_id, state)
        if text is None:
            raise gone(job_id)
        return self._again(job_id, element or "", text, expires)

    def _kept(self, tag: str, job_id: str) -> str | None:
        """What is kept of a job that may be sent again; an empty text if it is damaged."""
        try:
            return cast("str | None", self._ledger.redis.get(key(tag, "retry", job_id)))
        except UnicodeDecodeError:
            return ""
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            return ""

    def _again(self, job_id: str, element: str, text: str, expires: float | None) -> JobRecord:
        try:
            kept = json.loads(unseal(text, self._ledger.seal))
            new = {"id": new_job_id(element), "expires": expires, "countdown": None, "idempotency_key": None}
            return decode_job(kept | new)
        except CannotOpen as error:
            raise InvalidArguments(
                error.message.replace("this worker", "this process"), reason="job_unreadable", out_id=job_id
            ) from None
        except (TypeError, ValueError, RecursionError):
            # The job's entry and its outcome are whole. So only this is set aside.
            Aside(self._ledger.redis, keep_s=0).set_key_aside(key(element_tag(element), "retry", job_id), "")
            raise InvalidArguments(
                "what is kept of the job is damaged, and was set aside",
                reason="job_unreadable",
                out_id=job_id,
            ) from None

    def record(self, of: str, new: JobRecord, *, asked_at_s: float | None = None) -> Recorded:
        """Record a renewed job, in one step with the end of the old one and its idempotency key. It may be repeated.

        Args:
            of: The id of the old job.
            new: What `renewed` returned.
            asked_at_s: The `time.time()` from which `expires` counts; else it counts from now.

        Raises:
            InvalidArguments: The payload of the old one has gone in the meantime (``reason="payload_gone"``).
            EntryDamaged: The entry of the old one is damaged, and was set aside.
        """
        text = json.dumps(encode_job(new), ensure_ascii=False)
        seal = self._ledger.seal
        begun_s = time.time()
        with _damage_set_aside(self._ledger, of):
            tag = element_tag(new.element)
            verb, job_id, now_ms = self._scripts.run(
                "retry",
                self._ledger.redis,
                {"job": key(tag, "job", new.id), "agenda": key(tag, "agenda"), "old": key(tag, "job", of)},
                (new.traceparent,) if new.traceparent else (),
                id=new.id,
                of=of,
                record=seal.close(text) if seal else text,
                lane=new.lane,
                element=new.element,
                recipients=recipient_digests(new.id, new.message.phones),
                expires=round(new.expires_s * 1000),
                requeue=round(lane(new.lane).requeue_s * 1000),
                latest=self._latest_ms(new, begun_s if asked_at_s is None else asked_at_s),
            )
        if verb == "too_late":
            raise gone(of)
        self._redis_clock.learn(int(now_ms), asked_at_s=begun_s)
        return Recorded(job_id=job_id, new=verb == "recorded")

    def _latest_ms(self, new: JobRecord, asked_at_s: float) -> int:
        if self._clock is not None:
            return round((self._clock() + new.expires_s) * 1000)
        return self._redis_clock.ms(asked_at_s + new.expires_s)

    def jobs(self, listing: Listing, patiently: Callable[[Callable[[], Any]], Any]) -> Iterator[JobInfo]:
        """Return the jobs that did not end well and that are asked for, the newest outcome first.

        They are read page by page while the caller goes on. What ends in the meantime is not among them.

        Args:
            patiently: Runs a step, again while Redis is unreachable.
        """
        found = (
            info
            for page in pages(self._newest_first(listing, patiently), _FIRST_PAGE, _LONGEST_PAGE)
            for info in patiently(lambda: list(self._infos(page)))  # noqa: B023  it is called at once
            if listing.has(info)
        )
        return islice(found, listing.limit)

    def phones(self, infos: Sequence[JobInfo]) -> list[tuple[str, ...]]:
        """Return the numbers of these jobs, as long as they can be sent again; none where they cannot be read here."""
        if not infos:
            return []
        pipe: Any = self._ledger.redis.pipeline(transaction=False)
        for info in infos:
            # Not decoded by the client: one that is not a valid text would hide all others.
            pipe.execute_command("GET", key(element_tag(info.element), "retry", info.id), NEVER_DECODE=True)
        return [self._phones(text) for text in pipe.execute(raise_on_error=False)]

    def _phones(self, kept: Any) -> tuple[str, ...]:
        try:
            return tuple(map(str, json.loads(unseal(kept.decode(), self._ledger.seal))["phoneList"]))
        except (AttributeError, CannotOpen, KeyError, RecursionError, TypeError, ValueError):
            return ()

    def _newest_first(
        self, listing: Listing, patiently: Callable[[Callable[[], Any]], Any]
    ) -> Iterator[tuple[float, str, str]]:
        tags = patiently(self._places.tags) if listing.element is None else [element_tag(listing.element)]
        return heapq.merge(*(self._of_element(tag, listing, patiently) for tag in tags), reverse=True)

    def _of_element(
        self, tag: str, listing: Listing, patiently: Callable[[Callable[[], Any]], Any]
    ) -> Iterator[tuple[float, str, str]]:
        """Return time, id and tag of each job of an element that did not end well, the newest first."""
        since_ms = listing.since_ms(time.time() if self._clock is None else self._clock())
        latest, seen = float("inf"), 0
        while True:
            page = patiently(lambda: self._index(tag, since_ms, latest, seen))  # noqa: B023  as above
            yield from ((score, job_id, tag) for job_id, score in page)
            if len(page) < _INDEX_PAGE:
                return
            # By time and not by place: what ends in the meantime would move all others.
            last = page[-1][1]
            here = sum(score == last for _, score in page)
            seen = seen + here if last == latest else here
            latest = last

    def _index(self, tag: str, since_ms: int, latest: float, skip: int) -> list[tuple[str, float]]:
        try:
            redis: Any = self._ledger.redis
            found = redis.execute_command(
                *("ZREVRANGEBYSCORE", key(tag, "failed"), latest, since_ms),
                *("LIMIT", skip, _INDEX_PAGE, "WITHSCORES"),
                withscores=True,
                score_cast_func=float,
                NEVER_DECODE=True,  # by the client: one that is not a valid text would hide all others
            )
        except ResponseError as error:
            if is_wrong_type(error):
                return []  # the sweep sets it aside
            raise
        return [(member.decode("ascii", "replace"), score) for member, score in found]

    def _infos(self, page: Sequence[tuple[float, str, str]]) -> Iterable[JobInfo]:
        pipe: Any = self._ledger.redis.pipeline(transaction=False)
        for _, job_id, tag in page:
            # Not decoded by the client: one that is not a valid text would hide all others.
            pipe.execute_command("HMGET", key(tag, "job", job_id), *FIELDS, NEVER_DECODE=True)
        for (settled_ms, job_id, _), values in zip(page, pipe.execute(raise_on_error=False), strict=True):
            if isinstance(values, Exception):
                if is_damage(values):
                    continue
                raise values
            try:
                info = read_info(job_id, values, settled_ms)
            except (ValueError, OverflowError, InvalidArguments):
                continue  # whoever asks for it by its id is told that it is damaged
            # Its retention may be over.
            if info is not None:
                yield info


@contextmanager
def _damage_set_aside(ledger: Ledger, job_id: str) -> Iterator[None]:
    """Sets the job's entry aside if it turns out to be damaged.

    Raises:
        EntryDamaged: It was.
    """
    try:
        yield
    except ResponseError as error:
        if not is_wrong_type(error):
            raise
        problem = "a key of a wrong type"
    except (ValueError, OverflowError):  # UnicodeDecodeError is one of the former
        problem = "not a valid text or number"
    else:
        return
    ledger.set_aside(job_id, problem)
    raise EntryDamaged(job_id, problem)

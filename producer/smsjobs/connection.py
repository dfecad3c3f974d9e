"""A process's connection to Redis and the broker. A caller's `Sms`, `Element` and `Job` share one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import RedisError

from smsjobs.contract import InvalidArguments, JobRecord
from smsjobs.facts import JobRetried, PublishFailed, tell
from smsjobs.ledger import Ledger, Recorded
from smsjobs.offers import Offers
from smsjobs.publisher import Publisher
from smsjobs.redis_store import CannotOpen, available, connect_redis, refusal_text
from smsjobs.settings import ConnectionSettings, unreachable_text
from smsjobs.suppression import SuppressedNumbers, suppressed_error
from smsjobs.templates import Preflight, TemplateStore
from smsjobs.traces import enqueue_traced

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.delivery import DeliveryStore
    from smsjobs.events import EventStreams
    from smsjobs.incoming import Incoming
    from smsjobs.replies import LastJobs
    from smsjobs.steering import Steering
    from smsjobs.suppression import Feeding

__all__ = ["Connection"]

T = TypeVar("T")


class Connection:
    """The connections of a process. Threads may share them, and a forked child opens its own.

    Nothing is connected before the first call needs it. Nor is a room loaded that enqueueing does not need.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        self._connect()

    def __repr__(self) -> str:
        return "<Connection>"

    @property
    def ledger(self) -> Ledger:
        """This process's ledger."""
        if self._pid != os.getpid():
            self._connect()
        return self._ledger

    @property
    def deliveries(self) -> DeliveryStore:
        """What became of the accepted messages of this process's ledger."""
        from smsjobs.delivery import DeliveryStore  # noqa: PLC0415  see the class

        return self._kept(DeliveryStore, lambda: DeliveryStore(self.ledger))

    @property
    def suppressed(self) -> SuppressedNumbers:
        """The numbers that must not be sent to."""
        if self._pid != os.getpid():
            self._connect()
        return self._suppressed

    @property
    def feeding(self) -> Feeding:
        """Puts numbers on that list that come there by themselves."""
        from smsjobs.suppression import Feeding  # noqa: PLC0415  as above

        return Feeding(numbers=self.suppressed, refused_scope=self.settings.suppress_refused)

    @property
    def noted_jobs(self) -> LastJobs:
        """The last job to each number, where workers note them."""
        from smsjobs.replies import LastJobs  # noqa: PLC0415  as above

        return self._kept(LastJobs, lambda: LastJobs(self.redis(), seal=self.settings.seal))

    @property
    def steering(self) -> Steering:
        """The jobs of this process's ledger, to see, cancel and renew them."""
        from smsjobs.steering import Steering  # noqa: PLC0415  as above

        return self._kept(Steering, lambda: Steering(self.ledger))

    @property
    def events(self) -> EventStreams:
        """The events of this process's ledger."""
        from smsjobs.events import EventStreams  # noqa: PLC0415  as above

        return EventStreams(self.ledger.redis, seal=self.settings.seal)

    @property
    def incoming(self) -> Incoming:
        """Takes what Aliyun tells of the messages of this process's ledger."""
        from smsjobs.incoming import Incoming  # noqa: PLC0415  as above

        return Incoming(
            deliveries=self.deliveries,
            feeding=self.feeding,
            noted_jobs=self.noted_jobs,
            events=self.events,
            opt_out_words=self.settings.opt_out_words,
        )

    @property
    def templates(self) -> TemplateStore:
        """What workers have learned of templates."""
        return TemplateStore(self.ledger.redis)

    def unreachable_text(self) -> str:
        """A sentence that no Redis answers at its address. Call it while an error of Redis is being handled."""
        return unreachable_text(self.settings.redis_url)

    def redis(self) -> Redis:
        """This process's client of the ledger's Redis."""
        return self.ledger.redis

    def enqueue(self, job: JobRecord) -> str:
        """Record the job, then publish its id.

        Returns:
            The job's id. With a known idempotency key, that of the earlier job.

        Raises:
            IdempotencyConflict: Its key belongs to a job with another payload.
            RequestFailed: One of its numbers is suppressed (``reason="suppressed"``). Nothing was recorded.
            QueueUnavailable: Redis did not record it in time.
        """
        return enqueue_traced(job, self._enqueue)

    def _enqueue(self, job: JobRecord) -> str:
        recorded = self._record(job)
        if recorded.new and not job.countdown_s:
            self._publish(recorded.job_id, job.lane)
        return recorded.job_id

    def retry(self, job_id: str, *, expires: float | None) -> str:
        """Record a new job with the payload of one that was rejected or not sent, then publish its id.

        Args:
            expires: Seconds from now after which it is not sent. None: the default of its lane.

        Returns:
            The new job's id. A job is sent again once: after that, it is the same new job.

        Raises:
            InvalidArguments: The job cannot be sent again. See `Steering.renewed`.
            EntryDamaged: The job's entry is damaged.
            RequestFailed: One of its numbers is suppressed by now (``reason="suppressed"``).
            QueueUnavailable: Redis did not record it in time. Calling again never sends twice.
        """
        asked_at_s = time.time()
        new = self._retried(job_id, lambda: self.steering.renewed(job_id, expires=expires))
        if isinstance(new, Recorded):
            return new.job_id

        record = _checked_once(
            lambda: self._refuse_suppressed(new),
            lambda: self.steering.record(job_id, new, asked_at_s=asked_at_s),
        )
        recorded = self._retried(job_id, record)
        if recorded.new:
            tell(JobRetried(job_id=new.id, retry_of=job_id, element=new.element, lane=new.lane))
            self._publish(recorded.job_id, new.lane)
        return recorded.job_id

    def _retried(self, job_id: str, step: Callable[[], T]) -> T:
        return available(
            step,
            for_s=self.settings.timeout_s,
            task="the job could not be sent again",
            unreachable_text=self.unreachable_text,
            again="calling again never sends twice",
            if_lost="unknown",
            out_id=job_id,
        )

    def close(self) -> None:
        """Close the connections. The next call opens them again."""
        self._publisher.close()
        self._ledger.redis.close()

    def _record(self, job: JobRecord) -> Recorded:
        """Record the job. A lost answer is simply asked for again: recording recognises its own repetition."""
        asked_at_s = time.time()
        return available(
            _checked_once(lambda: self._refuse(job), lambda: self.ledger.record(job, asked_at_s=asked_at_s)),
            for_s=self.settings.timeout_s,
            task="the job could not be recorded",
            unreachable_text=self.unreachable_text,
            again=_calling_again(job),
            if_lost="unknown",
            out_id=job.id,
        )

    def _refuse(self, job: JobRecord) -> None:
        """Refuse what would not be sent. A job that was recorded before is given back, whatever is known by now."""
        ledger = self.ledger  # first of all: a forked child opens its own connections
        try:
            self.offers.check(job.element, job.lane)
            self.preflight.check(job)
        except InvalidArguments:
            if not ledger.knows_key(job):
                raise
        self._refuse_suppressed(job)

    def _refuse_suppressed(self, job: JobRecord) -> None:
        phones = job.message.phones
        try:
            hit = self.suppressed.among(phones, promotional=job.is_promotional)
        except CannotOpen:
            return  # a worker that has the key asks again before the request, and no other sends
        # A job that was recorded before is given back, whatever became of the number since.
        if hit and not self.ledger.knows_key(job):
            raise suppressed_error(job.id, hit=len(hit), numbers=len(phones))

    def _publish(self, job_id: str, lane: str) -> None:
        try:
            self._publisher.publish(job_id, lane)
        except Exception as error:  # noqa: BLE001  kombu raises AttributeError, too, on a channel that Redis's restart closed
            # It is in the ledger, so it will be sent: the sweep publishes it.
            why = refusal_text(error) or type(error).__name__
            tell(PublishFailed(job_id=job_id, lane=lane, error=why))
            with suppress(RedisError):  # the sweep finds it by itself, only later
                self._ledger.unpublished([(job_id, 0)])

    def _connect(self) -> None:
        timeout_s = self.settings.timeout_s
        self._ledger = Ledger(
            connect_redis(self.settings.redis_url, timeout_s=timeout_s / 2, replicas=self.settings.replicas),
            retention_s=self.settings.retention_s,
            retryable_s=self.settings.retryable_s,
            seal=self.settings.seal,
        )
        self._publisher = Publisher(self.settings.broker_url, timeout_s=timeout_s / 4)
        self._suppressed = SuppressedNumbers(self._ledger.redis, seal=self.settings.seal)
        self.offers = Offers(self._ledger.redis)
        self.preflight = Preflight(TemplateStore(self._ledger.redis), self.settings.preflight)
        #: The rooms that somebody has asked for, by their classes.
        self._rooms: dict[type, Any] = {}
        self._pid = os.getpid()

    def _kept(self, room: type[T], make: Callable[[], T]) -> T:
        """The room of this process. It is made when it is first asked for."""
        if self._pid != os.getpid():
            self._connect()
        if room not in self._rooms:
            self._rooms[room] = make()
        kept: T = self._rooms[room]
        return kept


def _checked_once(check: Callable[[], None], record: Callable[[], Recorded]) -> Callable[[], Recorded]:
    """Checks, then records. A repetition does not check again: the job may be recorded by then, so a refusal would be untrue."""
    is_allowed = False

    def step() -> Recorded:
        nonlocal is_allowed
        if not is_allowed:
            check()
            is_allowed = True
        return record()

    return step


def _calling_again(job: JobRecord) -> str:
    if job.idempotency_key is None:
        return "calling again makes a new job; only an idempotency key makes it the same one"
    return "calling again with the same idempotency key never sends twice"

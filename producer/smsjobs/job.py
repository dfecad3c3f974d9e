"""The handle on a job: its status, and its outcome as soon as there is one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeVar

from smsjobs.contract import InvalidArguments, SendResult, SmsError, check_timeout
from smsjobs.facts import JobCancelled, tell
from smsjobs.ledger import EntryDamaged, read_outcome
from smsjobs.redis_store import available
from smsjobs.threads import in_thread

if TYPE_CHECKING:
    from smsjobs.connection import Connection
    from smsjobs.delivery import Deliveries, Delivery
    from smsjobs.ledger import Snapshot
    from smsjobs.steering import JobInfo

__all__ = ["Job"]

T = TypeVar("T")

#: Seconds between two looks at a job that is waited for: the first pause and the longest one.
_FIRST_LOOK_S: Final = 0.005
_LAST_LOOK_S: Final = 0.25
#: By how much each pause is longer than the one before. So Aliyun's usual 0.1 s takes 15 looks, and its outcome is seen
#: at most 0.01 s late.
_SLOWER: Final = 1.04


class Job:
    """A job that is in the ledger. `sms.job(job_id)` makes the same handle in another process."""

    def __init__(self, job_id: str, connection: Connection) -> None:
        self._id = job_id
        self._connection = connection

    def __repr__(self) -> str:
        return f"<Job {self._id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self._id)

    @property
    def id(self) -> str:
        """The Celery task id, and the OutId that Aliyun sees."""
        return self._id

    def status(self) -> str:
        """``"queued"``, ``"sending"``, ``"looking_up"``, or the outcome: ``"accepted"``, ``"rejected"``,
        ``"not_sent"``, ``"unknown"``.

        Raises:
            InvalidArguments: The ledger has no such job, or not any more (``reason="job_not_found"``).
            QueueUnavailable: Redis is unreachable.
        """  # noqa: D205  the words are the sentence
        return self._snapshot().status

    def get(self, timeout: float | None = None) -> SendResult:
        """Wait for the outcome.

        It comes from the ledger. So it is right even where a worker died before Celery's result was stored.

        Args:
            timeout: Seconds to wait. None waits for as long as the job may live.

        Returns:
            What Aliyun accepted.

        Raises:
            SmsError: The outcome is not "accepted": an `InvalidArguments`, `AliyunRejected` or `RequestFailed`.
            TimeoutError: There is no outcome yet. The job continues; call `get` again.
            InvalidArguments: `timeout` is not a number.
            QueueUnavailable: Redis is unreachable.
        """
        timeout = check_timeout(timeout)
        for interval_s in self._poll_intervals(timeout):
            if (outcome := self._outcome(timeout)) is not None:
                return _unless_error(outcome)
            time.sleep(interval_s)
        raise self._still_waiting(timeout)

    async def get_async(self, timeout: float | None = None) -> SendResult:  # noqa: ASYNC109  get()'s twin
        """`get`, without blocking the event loop."""
        timeout = check_timeout(timeout)
        for interval_s in self._poll_intervals(timeout):
            if (outcome := await in_thread(self._outcome, timeout)) is not None:
                return _unless_error(outcome)
            await asyncio.sleep(interval_s)
        raise self._still_waiting(timeout)

    def delivery(self, phone: str | None = None) -> Delivery:
        """What the carrier reported of one recipient: `accepted` is not yet delivered.

        Args:
            phone: Which. May be left out for a job with one number.

        Returns:
            A `Delivery`. It is ``waiting`` until a receipt comes, also while the job itself has no outcome yet.

        Raises:
            InvalidArguments: Nothing of the job was accepted (``reason="not_accepted"``), the number is not one of the
                job's (``argument="phone"``), or the ledger has no such job (``reason="job_not_found"``).
            QueueUnavailable: Redis is unreachable.
        """
        return self._read(lambda: self._connection.deliveries.delivery(self._id, phone))

    async def delivery_async(self, phone: str | None = None) -> Delivery:
        """`delivery`, without blocking the event loop."""
        return await in_thread(self.delivery, phone)

    def deliveries(self) -> Deliveries:
        """What the carriers reported of all recipients, counted.

        Raises:
            InvalidArguments: The ledger has no such job, or not any more (``reason="job_not_found"``).
            QueueUnavailable: Redis is unreachable.
        """
        return self._read(lambda: self._connection.deliveries.deliveries(self._id))

    async def deliveries_async(self) -> Deliveries:
        """`deliveries`, without blocking the event loop."""
        return await in_thread(self.deliveries)

    def info(self) -> JobInfo:
        """Everything that is known of the job now, but no number and no parameter.

        Raises:
            InvalidArguments: The ledger has no such job, or not any more (``reason="job_not_found"``).
            QueueUnavailable: Redis is unreachable.
        """
        return self._read(lambda: self._connection.steering.info(self._id))

    async def info_async(self) -> JobInfo:
        """`info`, without blocking the event loop."""
        return await in_thread(self.info)

    def cancel(self) -> bool:
        """Cancel the job, if it still waits to be sent. Then its outcome is ``not_sent``, reason ``"cancelled"``.

        Returns:
            True: it will not be sent. An earlier call may have cancelled it. False: it is too late. It has another
            outcome, is being sent, or may have been sent.

        Raises:
            InvalidArguments: The ledger has no such job (``reason="job_not_found"``). Or it is a part of a campaign, which
                is cancelled as a whole (``reason="part_of_campaign"``).
            QueueUnavailable: Redis is unreachable. The job may be cancelled all the same. You may call again.
        """
        cancelled = self._read(
            lambda: self._connection.steering.cancel(self._id), task="the job could not be cancelled"
        )
        if cancelled:
            tell(JobCancelled(job_id=self._id))
        return cancelled

    async def cancel_async(self) -> bool:
        """`cancel`, without blocking the event loop."""
        return await in_thread(self.cancel)

    def retry(self, *, expires: float | None = None) -> Job:
        """Send a job again that was rejected or not sent, for instance after the account's balance was topped up.

        Args:
            expires: Seconds from now after which it is not sent any more. Default: that of its lane.

        Returns:
            A new job with the same payload. It takes over the idempotency key. A job is sent again once: a second call
            gives the same new job.

        Raises:
            InvalidArguments: The job cannot be sent again. ``reason`` is ``"not_retryable"`` (it is accepted, unknown,
                or has no outcome yet), ``"payload_gone"`` (it ended longer ago than ``SMS_RETRYABLE``),
                ``"part_of_campaign"``, ``"job_not_found"`` or ``"job_unreadable"`` (it is sealed with a key that is not
                here).
            RequestFailed: One of its numbers is suppressed by now (``reason="suppressed"``).
            QueueUnavailable: Redis is unreachable. You may call again: that never sends twice.
        """
        again = self._unless_damaged(lambda: self._connection.retry(self._id, expires=expires))
        return type(self)(again, self._connection)

    async def retry_async(self, *, expires: float | None = None) -> Job:
        """`retry`, without blocking the event loop."""
        return await in_thread(self.retry, expires=expires)

    def _poll_intervals(self, timeout: float | None) -> Iterator[float]:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_LOOK_S
        while True:
            left = pause if deadline is None else deadline - time.monotonic()
            yield max(0.0, min(pause, left))
            if left <= 0:
                return
            pause = min(pause * _SLOWER, _LAST_LOOK_S)

    def _outcome(self, within_s: float | None) -> SendResult | SmsError | None:
        text = self._snapshot(within_s).outcome
        return None if text is None else read_outcome(text, self._id)

    def _snapshot(self, within_s: float | None = None) -> Snapshot:
        found = self._read(lambda: self._connection.ledger.read(self._id), within_s)
        if found is None:
            from smsjobs.steering import no_such_job  # noqa: PLC0415  a job that was enqueued here is found

            raise no_such_job(self._id)
        return found

    def _read(
        self, step: Callable[[], T], within_s: float | None = None, *, task: str = "the job could not be read"
    ) -> T:
        settings = self._connection.settings
        return self._unless_damaged(
            lambda: available(
                step,
                for_s=settings.timeout_s if within_s is None else min(within_s, settings.timeout_s),
                task=task,
                unreachable_text=self._connection.unreachable_text,
                if_refused="unknown",
                if_lost="unknown",
                out_id=self._id,
            )
        )

    def _unless_damaged(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except EntryDamaged as damaged:
            raise InvalidArguments(
                f"the ledger's entry of this job is damaged ({damaged.problem}) and is set aside: an operator can put "
                "it back or drop it, see smsjobs set-aside list",
                reason="job_unreadable",
                outcome="unknown",
                out_id=self._id,
                argument="job_id",
            ) from None

    def _still_waiting(self, timeout: float | None) -> TimeoutError:
        return TimeoutError(
            f"job {self._id} has no outcome after {timeout:g} s; it continues, call get() again"
        )


def _unless_error(outcome: SendResult | SmsError) -> SendResult:
    if isinstance(outcome, SmsError):
        raise outcome
    return outcome

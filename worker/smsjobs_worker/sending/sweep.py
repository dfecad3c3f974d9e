"""The sweep: the regular pass over what is due, by every worker, each job by one of them.

It makes chunks of campaigns jobs, publishes what is due, what was interrupted and what seems lost, and settles what
has expired. What it could not do, the ledger hands out again a little later.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from smsjobs.contract import (
    LANES,
    Outcome,
    RequestFailed,
    SmsError,
    encode_outcome,
)
from smsjobs.facts import is_traced
from smsjobs.ledger import EntryDamaged, read_outcome
from smsjobs.redis_store import error_code, is_transient, refusal_text
from smsjobs_worker.logs.facts import (
    JobExpired,
    JobsPublished,
    SweepBroken,
    SweepFailed,
    SweepRefused,
    tell,
)
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.sending.background import Background

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smsjobs.ledger import Due, Ledger

__all__ = ["Nudges", "ResultStore", "Sweep", "Sweeper", "expired_outcome", "is_lost"]

#: Jobs of one call; more wait for the next call of the same pass.
_BATCH: Final = 500

#: From this look on a job is published again although its queue is not empty. With looks at doubling distances
#: (1, 3, 7, 15 waits of the lane's `requeue_s`) that is after 75 s for verification, 7.5 minutes for the others.
_PATIENT_LOOKS: Final = 4


class Nudges(Protocol):
    """The broker, as far as the sweep needs it."""

    def publish(self, jobs: Iterable[tuple[str, str]]) -> None:
        """Publish pairs of job id and lane."""

    def backlog(self, lane: str) -> int:
        """How many messages wait on the lane's queue."""


class ResultStore(Protocol):
    """Celery's result backend, as far as the sweep needs it."""

    def store_at_once(self, job_id: str, outcome: Outcome, followers: Sequence[str]) -> bool:
        """Store the outcome under the job's id and its followers'. False: the backend is unreachable."""


def is_lost(due: Due, backlog: int) -> bool:
    """Whether a published job that no worker claimed is to be published again.

    Celery's Redis transport loses up to one message a worker that is killed, and a producer may die before it
    publishes. But most often the job only waits its turn, and a second message would make the queue longer. An
    empty queue settles it; a queue that never gets empty is believed for some looks only.
    """
    return backlog == 0 or due.looks >= _PATIENT_LOOKS


def expired_outcome(job_id: str, *, attempts: int, lost: bool) -> RequestFailed:
    """The outcome of a job whose time ran out before it was settled.

    Args:
        lost: Whether the answer of one of its requests was lost. Then it may have been sent.
    """
    if lost:
        return RequestFailed(
            "a request's answer was lost, the provider's record did not show it, and the job expired before it was "
            "sent again",
            reason="no_answer",
            outcome="unknown",
            out_id=job_id,
            attempts=attempts,
        )
    return RequestFailed(
        "the job expired before it could be sent",
        reason="expired",
        outcome="not_sent",
        out_id=job_id,
        attempts=attempts,
    )


class Sweep:
    """One pass at a time.

    Args:
        elements: The full names of this worker's elements, which are swept also where Redis has lost who they are.
        offer: Tells producers which elements this worker has.
    """

    def __init__(
        self,
        ledger: Ledger,
        nudges: Nudges,
        results: ResultStore,
        *,
        elements: Sequence[str] = (),
        offer: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._nudges = nudges
        self._results = results
        self._elements = elements
        self._offer = offer

    def run_once(self) -> int:
        """Do all that is due now. Returns how many jobs were looked at."""
        self._ledger.announce(self._elements)
        # A full Redis must still be swept.
        with suppress(RedisError):
            self._offer()
        self._ledger.feed()
        looked_at = 0
        while batch := self._ledger.sweep(limit=_BATCH):
            looked_at += len(batch)
            self._act(batch)
            if len(batch) < _BATCH:
                break
        return looked_at

    def _act(self, batch: list[Due]) -> None:
        """Settle first: that needs the ledger alone, and the broker may be unreachable."""
        for due in batch:
            try:
                if due.verb == "expired":
                    self._expire(due)
                elif due.verb == "store":
                    self._store(due.job_id)
            except EntryDamaged:
                continue  # set aside
            except (RedisError, KombuError, OSError):
                raise
            except SmsError as error:
                # Its outcome is of a newer version, say. It must not stop those behind it, now and at every pass.
                self._ledger.set_aside(due.job_id, error.message)
            except Exception as error:  # noqa: BLE001  likewise
                self._ledger.set_aside(due.job_id, describe(error))
        self._publish(batch)

    def _publish(self, batch: list[Due]) -> None:
        """Publish lane by lane: a queue of RabbitMQ's may be out of order alone."""
        asked = [due for due in batch if due.verb in ("publish", "requeue") and due.lane in LANES]
        failure: Exception | None = None
        for lane in dict.fromkeys(due.lane for due in asked):
            try:
                self._publish_lane([due for due in asked if due.lane == lane])
            except Exception as error:  # noqa: BLE001  raised when each lane has had its turn
                failure = error
        if failure:
            raise failure

    def _publish_lane(self, asked: Sequence[Due]) -> None:
        try:
            chosen = self._chosen(asked)
            if chosen:
                self._nudges.publish(chosen)
        except Exception:
            # The broker is unreachable. Each look would double the wait for the next, and a long outage have a slow tail.
            self._ledger.unpublished((due.job_id, due.looks if due.verb == "requeue" else 0) for due in asked)
            raise
        if chosen:
            tell(JobsPublished(jobs=len(chosen)))

    def _chosen(self, asked: Sequence[Due]) -> list[tuple[str, str]]:
        """Whose ids are to be published. A newer version's lane is for newer workers."""
        waiting = {due.lane for due in asked if due.verb == "requeue"}
        backlog = {lane: self._nudges.backlog(lane) for lane in waiting}
        return [
            (due.job_id, due.lane)
            for due in asked
            if due.verb == "publish" or is_lost(due, backlog[due.lane])
        ]

    def _expire(self, due: Due) -> None:
        outcome = expired_outcome(due.job_id, attempts=due.attempts, lost=due.lost)
        settlement = self._ledger.settle(due.job_id, "", encode_outcome(outcome), outside_task=True)
        if settlement.ours:
            tell(
                JobExpired(
                    job_id=due.job_id,
                    outcome=outcome.outcome,
                    reason=outcome.reason,
                    element=due.element,
                    lane=due.lane,
                    attempts=due.attempts,
                    traceparent=self._ledger.traceparent(due.job_id) if is_traced() else None,
                )
            )
            self._store_now(due.job_id, outcome, settlement.followers)

    def _store(self, job_id: str) -> None:
        found = self._ledger.read(job_id)
        if found is None or found.outcome is None:
            self._ledger.confirm_stored(job_id)
        else:
            self._store_now(job_id, read_outcome(found.outcome, job_id), found.followers)

    def _store_now(self, job_id: str, outcome: Outcome, followers: Sequence[str]) -> None:
        """Store Celery's result, once; where the backend is unreachable, the ledger hands the job out again."""
        if self._results.store_at_once(job_id, outcome, followers):
            self._ledger.confirm_stored(job_id)


class Sweeper(Background):
    """Runs the sweep in a thread of its own until it is stopped."""

    def __init__(self, sweep: Sweep, *, every_s: float) -> None:
        super().__init__(sweep.run_once, name="smsjobs-sweep", every_s=every_s, failed=_tell_failure)


def _tell_failure(error: Exception) -> None:
    # What was taken and not done, the ledger hands out again.
    if isinstance(error, KombuError) and isinstance(error.__cause__, RedisError):
        error = error.__cause__
    if isinstance(error, RedisError) and not is_transient(error):
        tell(SweepRefused(error=refusal_text(error) or error_code(error)))
    elif isinstance(error, RedisError | KombuError | OSError):
        tell(SweepFailed(error=refusal_text(error) or type(error).__name__))
    else:
        tell(SweepBroken(error=describe(error)))

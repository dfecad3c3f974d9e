"""Pulls deliveries from the provider's record, where no receipt was pushed.

An accepted job is asked about at the times of the schedule, for as long as one of its recipients waits. After the last time,
what waits is `unreported`. Nothing here can slow or stop a send: it has a thread and a rate of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from smsjobs.contract import LANES, InvalidArguments, lane
from smsjobs.redis_store import CannotOpen
from smsjobs_worker.logs.facts import DeliveriesPulled, PullFailed, tell
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.provider import LookupFailed, Provider
from smsjobs_worker.sending.background import Background
from smsjobs_worker.sending.rate_limit import Permits

if TYPE_CHECKING:
    from smsjobs.delivery import DeliveryStore, DuePull, Report
    from smsjobs.ledger import Places
    from smsjobs.suppression import Feeding
    from smsjobs_worker.sending.sender import Elements

__all__ = ["Pull", "Puller"]

#: Jobs that are taken at once.
_BATCH: Final = 20

#: Seconds for which nobody else takes them. If this worker is killed, they are due again then. It is longer than one request
#: and the wait before it; where it should not be, a job is asked about twice, which changes nothing.
_LEASE_S: Final = 60.0

#: Seconds after which the lease begins anew, while there is something left to ask.
_RENEW_S: Final = 15.0

#: Seconds of a pass after which only codes are still asked about: others that came due meanwhile go before the rest.
_PASS_S: Final = 60.0

#: The order of a pass. A chunk of a campaign may take minutes.
_ORDER: Final = {name: place for place, name in enumerate(LANES)}

#: Seconds until a job is asked about again whose look-up failed.
_AGAIN_S: Final = 300.0

#: Seconds to wait for a permit.
_PERMIT_S: Final = 10.0

#: The longest time between a job's request and its acceptance by a look-up that is searched.
_BEFORE: Final = timedelta(days=1)


class Pull:
    """One pass at a time.

    Args:
        schedule_s: Seconds from a job's acceptance to each pull.
        max_qps: Requests a second, over all workers together.
    """

    def __init__(
        self,
        deliveries: DeliveryStore,
        places: Places,
        elements: Elements,
        permits: Permits,
        *,
        schedule_s: Sequence[float],
        max_qps: float,
        feeding: Feeding | None = None,
        stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deliveries = deliveries
        self._places = places
        self._elements = elements
        self._permits = permits
        self._schedule_s = schedule_s
        self._max_qps = max_qps
        self._feeding = feeding
        self._clock = clock
        #: The jobs that this pass still has to ask about, and when their lease was last begun.
        self._held: list[DuePull] = []
        self._held_at = 0.0
        self.stopping = stopping

    def run_once(self) -> int:
        """Ask about some of what is due now. Returns how many jobs.

        Codes come first and chunks of campaigns last. What is not asked about, because the worker stops or the pass took long
        enough, is due at once for the next pass, or for another worker.
        """
        began = self._held_at = self._clock()
        due = [
            each
            for tag in self._places.tags()
            for each in self._deliveries.due_pulls(tag, most=_BATCH, lease_s=_LEASE_S)
        ]
        self._held = sorted(due, key=lambda each: _ORDER.get(each.lane, 1))
        while self._held:
            each = self._held[0]
            is_long = each.lane != "verification" and self._clock() - began > _PASS_S
            if self.stopping() or is_long:
                self._deliveries.hold(self._held, for_s=0)
                break
            try:
                self._pull(each)
            except RedisError:
                raise
            except Exception as error:  # noqa: BLE001  what nobody foresaw of one job must not stop the others
                self._fail(each, describe(error))
            self._held = self._held[1:]
        return len(due)

    def _fail(self, due: DuePull, reason: str) -> None:
        tell(PullFailed(job_id=due.job_id, element=due.element, reason=reason))
        self._deliveries.hold([due], for_s=_AGAIN_S)

    def _pull(self, due: DuePull) -> None:
        reports: list[Report] = []
        try:
            provider = self._elements.provider(due.element)
            for phone in due.phones if provider.reports else ():
                report = self._ask(provider, due, phone)
                reports += [report] if report else []
        except (LookupFailed, InvalidArguments, TimeoutError) as error:
            # It proves nothing. What was found counts, and the rest is asked again some minutes later.
            self._take(reports)
            self._fail(due, getattr(error, "reason", "no_permit"))
            return
        self._take(reports)
        # Where nobody waits any more, this was the last pull.
        later = self._schedule_s[due.pulls + 1 :] if due.phones else ()
        unreported = self._deliveries.pulled(due, next_s=later[0] if later else None)
        tell(
            DeliveriesPulled(
                job_id=due.job_id,
                element=due.element,
                lane=due.lane,
                found=len(reports),
                waiting=0 if unreported else len(due.phones) - len(reports),
                unreported=unreported,
            )
        )

    def _take(self, reports: Sequence[Report]) -> None:
        taken = self._deliveries.take(reports)
        if self._feeding is not None and taken.unwanted:
            # Nothing rests on it: the next refusal says the same.
            with suppress(RedisError, CannotOpen):
                self._feeding.refused(taken.unwanted, "receipt")

    def _ask(self, provider: Provider, due: DuePull, phone: str) -> Report | None:
        if self._clock() - self._held_at > _RENEW_S:
            self._held_at = self._clock()
            self._deliveries.hold(self._held, for_s=_LEASE_S)
        # One rate for all elements and lanes: a lane that keeps nothing back from others.
        if not self._permits.take("pull", lane("verification"), self._max_qps, within_s=_PERMIT_S):
            raise TimeoutError
        accepted = datetime.fromtimestamp(due.accepted_ms / 1000, UTC)
        created = datetime.fromtimestamp(due.created_ms / 1000, UTC)
        since = max(created, accepted - _BEFORE)
        return provider.delivery(phone, since=since, until=accepted, out_id=due.job_id)


class Puller(Background):
    """Pulls in a thread of its own until it is stopped."""

    def __init__(self, pull: Pull, *, every_s: float) -> None:
        super().__init__(pull.run_once, name="smsjobs-pull", every_s=every_s, failed=_tell_failure)
        pull.stopping = self.is_stopping


def _tell_failure(error: Exception) -> None:
    tell(PullFailed(reason=type(error).__name__ if isinstance(error, RedisError) else describe(error)))

"""The figures of a worker: what it tells, counted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from smsjobs.facts import OTHER
from smsjobs.metrics import METRICS, FactCounts, catalogue
from smsjobs_worker.aliyun.codes import find_code
from smsjobs_worker.logs.facts import (
    CampaignPaused,
    Fact,
    JobExpired,
    JobRefused,
    JobSettled,
    JobWaits,
    LookupMade,
    RequestMade,
)

if TYPE_CHECKING:
    from smsjobs.metrics import Meters

__all__ = ["WorkerCounts", "bounded_code"]

#: Of a job whose element does not exist: its name may be anything that somebody wrote.
_NO_ELEMENT: Final = "element_not_found"


class WorkerCounts:
    """Counts what a worker tells.

    Args:
        meters: Where.
    """

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._more = FactCounts(meters)
        meters.make(*(each for each in METRICS if each.place in ("worker", "receipts")))

    def take(self, fact: Fact) -> None:
        """Count it."""
        match fact:
            case RequestMade():
                self._request(fact)
            case JobSettled():
                self._settled(fact)
            case JobWaits():
                self._meters.count(catalogue.WAITS, fact.lane, fact.state, fact.reason)
            case LookupMade():
                self._meters.count(catalogue.LOOKUPS, fact.lane, fact.result)
            case JobExpired():
                element = _element(fact.element, fact.reason)
                self._meters.count(catalogue.JOBS, element, fact.lane, fact.outcome, fact.reason)
            case CampaignPaused():
                self._refused(fact)
            case _:
                self._more.take(fact)
        if fact.level >= logging.WARNING:
            self._meters.count(catalogue.TROUBLES, fact.action, logging.getLevelName(fact.level).lower())

    def _request(self, fact: RequestMade) -> None:
        meters = self._meters
        meters.count(catalogue.ATTEMPTS, fact.element, fact.lane, fact.result, bounded_code(fact.aliyun_code))
        meters.observe(catalogue.REQUEST_SECONDS, fact.seconds, fact.lane)
        if fact.waited_s is not None:
            meters.observe(catalogue.QUEUE_SECONDS, fact.waited_s, fact.lane)

    def _settled(self, fact: JobSettled) -> None:
        element = _element(fact.element, fact.reason)
        self._meters.count(catalogue.JOBS, element, fact.lane, fact.outcome, fact.reason)
        self._meters.observe(catalogue.JOB_SECONDS, fact.seconds, fact.lane)
        if isinstance(fact, JobRefused):
            self._refused(fact)

    def _refused(self, fact: JobRefused | CampaignPaused) -> None:
        element = _element(fact.element, fact.reason)
        self._meters.count(catalogue.OPERATOR_REFUSALS, element, fact.reason, bounded_code(fact.aliyun_code))
        if fact.reason == "balance":
            self._meters.count(catalogue.BALANCE_REFUSALS, element)


def _element(name: str | None, reason: str) -> str | None:
    return OTHER if reason == _NO_ELEMENT else name


def bounded_code(aliyun_code: str | None) -> str | None:
    """The code, its family, or that it is another one: Aliyun has hundreds, and a Type of one's own may have any."""
    if aliyun_code is None or aliyun_code == "OK":
        return aliyun_code
    known = find_code(aliyun_code)
    return OTHER if known is None else known.code

"""The figures of facts that every side may tell: codes, receipts, replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from smsjobs.delivery import explain
from smsjobs.facts import (
    OTHER,
    CodeChecked,
    CodeRefused,
    CodeSent,
    DeliveryReported,
    Fact,
    PublishFailed,
    PushCounted,
    PushNotTaken,
    ReplyTaken,
    ReportsDropped,
    SettledByReceipt,
    subscribe,
)
from smsjobs.metrics import catalogue
from smsjobs.metrics.meters import Meters

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["FactCounts", "count_facts"]


def count_facts(registry: CollectorRegistry | None = None) -> Callable[[], None]:
    """Count what this process tells of codes, receipts and replies, from now on.

    Args:
        registry: ``prometheus_client``'s; None is the one that an application serves unless it has chosen another.

    Returns:
        A function that ends it.

    Raises:
        MetricsMissing: ``prometheus_client`` is not installed.
    """
    return subscribe(FactCounts(Meters(registry)).take)


class FactCounts:
    """Counts facts that are told in a web application, in a worker and in ``smsjobs serve``."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def take(self, fact: Fact) -> None:
        """Count it, if it is one of them."""
        count = self._meters.count
        match fact:
            case DeliveryReported():
                self._take_delivery(fact)
            case SettledByReceipt():
                count(catalogue.SETTLED_BY_RECEIPT, fact.element, fact.lane, fact.before)
            case ReplyTaken():
                count(catalogue.REPLIES, "yes" if fact.opted_out else "no")
            case PushNotTaken():
                count(catalogue.PUSHES_NOT_TAKEN)
            case PushCounted():
                for word, number in fact.counts.items():
                    count(catalogue.PUSHED, word, times=number)
            case ReportsDropped():
                count(catalogue.REPORTS_DROPPED, fact.reason)
            case PublishFailed():
                count(catalogue.PUBLISH_FAILURES, fact.lane)
            case CodeSent():
                count(catalogue.CODES_SENT, fact.purpose)
            case CodeRefused():
                count(catalogue.CODES_REFUSED, fact.purpose, fact.reason)
            case CodeChecked():
                count(catalogue.CODES_CHECKED, fact.purpose, fact.status)
                if fact.status == "ok":
                    count(catalogue.CODES_RIGHT, fact.purpose)

    def _take_delivery(self, fact: DeliveryReported) -> None:
        known = explain(fact.err_code).code
        code = OTHER if known == "*" else known
        self._meters.count(catalogue.DELIVERIES, fact.carrier, fact.lane, fact.state, code)
        if fact.state == "delivered" and fact.seconds is not None:
            self._meters.observe(catalogue.DELIVERY_SECONDS, fact.seconds, fact.carrier, fact.lane)

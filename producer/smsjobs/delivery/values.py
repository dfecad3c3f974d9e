"""What is known of deliveries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

__all__ = ["DELIVERED", "Deliveries", "Delivery", "DeliveryState", "Source"]

#: The code of a message that arrived.
DELIVERED: Final = "DELIVERED"

#: ``waiting``: nothing is reported yet. ``unreported``: the last pull found nothing either.
DeliveryState = Literal["waiting", "delivered", "failed", "unreported"]

#: How a report came: Aliyun pushed it, from Aliyun's queue, or it was pulled from the record.
Source = Literal["push", "queue", "pull"]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What the carrier reported of one recipient."""

    #: See `DeliveryState`.
    state: DeliveryState = "waiting"
    #: The carrier's code: ``"DELIVERED"`` when it arrived, and None while nothing is reported.
    err_code: str | None = None
    #: How many parts a long message had. None where that was not reported.
    parts: int | None = None
    #: When Aliyun sent it, and when the carrier reported it. None where that was not reported.
    sent_at: datetime | None = None
    reported_at: datetime | None = None
    #: How the report came. None while there is none.
    source: Source | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON, for ``--json``."""
        return {
            "state": self.state,
            "err_code": self.err_code,
            "parts": self.parts,
            "sent_at": self.sent_at and self.sent_at.isoformat(),
            "reported_at": self.reported_at and self.reported_at.isoformat(),
            "source": self.source,
        }


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """The recipients of a job, counted. ``total`` is ``waiting + delivered + failed + unreported``."""

    #: Recipients; 0 if nothing of the job was accepted.
    total: int = 0
    #: Recipients by state.
    waiting: int = 0
    delivered: int = 0
    failed: int = 0
    unreported: int = 0
    #: Recipients with a report, by the carrier's code.
    by_code: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, deliveries: Iterable[Delivery]) -> Deliveries:
        """Count them."""
        found = list(deliveries)
        states: Counter[str] = Counter(each.state for each in found)
        return cls(
            total=len(found),
            **states,
            by_code=dict(Counter(each.err_code for each in found if each.err_code)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON, for ``--json``."""
        return {
            "total": self.total,
            "waiting": self.waiting,
            "delivered": self.delivered,
            "failed": self.failed,
            "unreported": self.unreported,
            "by_code": dict(self.by_code),
        }

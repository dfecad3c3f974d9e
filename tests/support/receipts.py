"""Reports of deliveries, for tests."""

from datetime import UTC, datetime
from typing import Any

from smsjobs.delivery import DeliveryStore, Report
from support.campaigns import Bench
from support.ledgers import PHONE

__all__ = ["SENT_AT", "DeliveryBench", "a_report"]

SENT_AT = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


def a_report(job_id: str, phone: str = PHONE, err_code: str = "DELIVERED", **more: Any) -> Report:
    """What the carrier says of one recipient."""
    usual: dict[str, Any] = {
        "success": err_code == "DELIVERED",
        "parts": 1,
        "sent_at": SENT_AT,
        "reported_at": SENT_AT,
        "biz_id": "biz-1",
        "source": "push",
    }
    return Report(job_id=job_id, phone=phone, err_code=err_code, **{**usual, **more})


class DeliveryBench(Bench):
    """A bench with deliveries."""

    @property
    def deliveries(self) -> DeliveryStore:
        """A store of a process of its own: it remembers nothing."""
        return DeliveryStore(self.ledger, clock=self.clock)

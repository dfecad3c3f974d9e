"""Deliveries in memory: what a test reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsjobs.contract import InvalidArguments, SendResult, check_phone
from smsjobs.delivery import Deliveries, Delivery
from smsjobs.steering import no_such_job

if TYPE_CHECKING:
    from smsjobs.testing.memory_ledger import MemoryLedger

__all__ = ["MemoryDeliveries"]


class MemoryDeliveries:
    """The deliveries of `smsjobs.testing`."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._reported: dict[tuple[str, str], Delivery] = {}

    def report(self, job_id: str, phone: str | None, delivery: Delivery) -> None:
        """Note what the carrier reported. What is final stays final."""
        self._reported.setdefault((job_id, self._phone(job_id, phone)), delivery)

    def delivery(self, job_id: str, phone: str | None = None) -> Delivery:
        """What is known of one recipient."""
        return self._reported.get((job_id, self._phone(job_id, phone)), Delivery())

    def deliveries(self, job_id: str) -> Deliveries:
        """What is known of all recipients of a job."""
        return Deliveries.of(
            self._reported.get((job_id, each), Delivery()) for each in self._phones(job_id) or ()
        )

    def _phone(self, job_id: str, phone: str | None) -> str:
        number = None if phone is None else check_phone("phone", phone)
        phones = self._phones(job_id)
        if phones is None:
            raise InvalidArguments(
                "nothing of the job was accepted, so there is no delivery",
                reason="not_accepted",
                out_id=job_id,
            )
        if number is None and len(phones) != 1:
            raise InvalidArguments.about("phone", "is missing: the job has several numbers")
        if number is not None and number not in phones:
            raise InvalidArguments.about("phone", "is not one of the job's numbers")
        return phones[0] if number is None else number

    def _phones(self, job_id: str) -> list[str] | None:
        """The job's numbers, each once; None if nothing of it was accepted."""
        found = self._ledger.job(job_id)
        if found is None:
            raise no_such_job(job_id)
        if self._ledger.is_settled(found) and not isinstance(found.outcome, SendResult):
            return None
        return list(dict.fromkeys(found.record.message.phones))

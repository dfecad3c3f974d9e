"""The look-up: asking Aliyun's record whether a request whose answer was lost was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsjobs_worker.provider import LookupFailed
from smsjobs_worker.sending.schedule import days_to_search, sample

if TYPE_CHECKING:
    from smsjobs.contract import JobRecord
    from smsjobs.ledger import Granted
    from smsjobs_worker.provider import LookUp

__all__ = ["was_accepted"]


def was_accepted(provider: LookUp, job: JobRecord, granted: Granted) -> bool:
    """Whether Aliyun's record shows the job.

    A request is accepted or refused as a whole, so a few of its numbers stand for all. Whatever the delivery's
    status, a record means that the request was accepted.

    Raises:
        LookupFailed: At least one answer proves nothing, and none shows the job.
    """
    days = days_to_search(granted.lost_from_ms / 1000, granted.lost_to_ms / 1000)
    failure: LookupFailed | None = None
    for phone in sample(job.message.phones):
        for day in days:
            try:
                if provider.find(phone, day=day, out_id=job.id):
                    return True
            except LookupFailed as error:
                # Another number or day may still prove it; only absence needs all of them.
                failure = failure or error
    if failure is not None:
        raise failure
    return False

"""The look-up: asking the provider's record whether a request whose answer was lost was accepted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from smsjobs_worker.provider import LookupFailed

if TYPE_CHECKING:
    from smsjobs.ledger import Granted
    from smsjobs_worker.provider import Provider

__all__ = ["sample", "was_accepted"]

#: How many of a job's numbers are looked up. A request is accepted or refused as a whole, so one should be enough; but
#: Aliyun does not say whether it can drop a single number from a request.
_SAMPLE: Final = 3


def was_accepted(provider: Provider, job_id: str, phones: Sequence[str], granted: Granted) -> bool:
    """Whether the provider's record shows the job, which was sent to these numbers. A record means that it was accepted, whatever its delivery's state.

    Raises:
        LookupFailed: At least one answer proves nothing, and none shows the job.
    """
    since = datetime.fromtimestamp(granted.lost_from_ms / 1000, UTC)
    until = datetime.fromtimestamp(granted.lost_to_ms / 1000, UTC)
    failure: LookupFailed | None = None
    for phone in sample(phones):
        try:
            if provider.find(phone, since=since, until=until, out_id=job_id):
                return True
        except LookupFailed as error:
            # Another number may still prove it; only absence needs all of them.
            failure = failure or error
    if failure is not None:
        raise failure
    return False


def sample(phones: Sequence[str]) -> list[str]:
    """The numbers to look up: the first, one in the middle, the last."""
    if len(phones) <= _SAMPLE:
        return list(phones)
    return [phones[0], phones[len(phones) // 2], phones[-1]]

"""What follows a job's outcome: deliveries to pull, numbers to suppress, jobs to find for replies. No send waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from smsjobs.contract import AliyunRejected, Outcome, SendResult, element_tag
from smsjobs.delivery import sample
from smsjobs.ledger import Awaited
from smsjobs.redis_store import CannotOpen

if TYPE_CHECKING:
    from smsjobs.contract import JobRecord
    from smsjobs.replies import LastJobs
    from smsjobs.suppression import Feeding

__all__ = ["FollowUp"]


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """What a worker's settings ask for. By default it is nothing."""

    #: When deliveries of an accepted job are pulled, in seconds after it; never where this is empty.
    pulls_s: Sequence[float] = ()
    #: Whether anybody is asked then. If not, what waits after the last time is unreported.
    pulls: bool = True
    #: The share of a campaign's recipients for whom it is done.
    pull_campaigns: float = 0.0
    #: Where numbers are put that Aliyun refuses.
    feeding: Feeding | None = None
    #: Where the last job to each number is noted, for replies.
    last_jobs: LastJobs | None = None

    def awaited(self, job: JobRecord, *, is_chunk: bool) -> Awaited | None:
        """The deliveries to pull: of a campaign those of a sample."""
        if not self.pulls_s:
            return None
        phones = job.message.phones if self.pulls else ()
        if is_chunk:
            phones = sample(phones, self.pull_campaigns, job.id)
        return Awaited(phones=phones, first_s=self.pulls_s[0], last_s=self.pulls_s[-1])

    def settled(self, job: JobRecord, outcome: Outcome) -> None:
        """Do what the outcome asks for. Nothing rests on it, so it raises no error of Redis."""
        phones = job.message.phones
        with suppress(RedisError, CannotOpen):
            match outcome:
                # The number is on Aliyun's black list, or its owner opted out.
                case AliyunRejected(reason="blocked") if self.feeding and len(phones) == 1:
                    self.feeding.refused(phones, "refusal")
                case SendResult() if self.last_jobs:
                    self.last_jobs.note(element_tag(job.element), job.id, phones)

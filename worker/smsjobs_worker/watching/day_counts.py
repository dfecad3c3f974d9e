"""What a worker adds to the counts of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smsjobs.days import Days, DayTally
from smsjobs.redis_store import connect_redis
from smsjobs_worker.logs.facts import Fact, JobExpired, JobSettled
from smsjobs_worker.watching.counts import bounded_code

if TYPE_CHECKING:
    from smsjobs_worker.process.settings import WorkerSettings

__all__ = ["day_tally"]

#: Seconds for one answer of Redis.
_REDIS_S: Final = 3.0


def day_tally(settings: WorkerSettings) -> DayTally:
    """What counts the facts of a worker."""
    redis = connect_redis(settings.connection.redis_url, timeout_s=_REDIS_S)
    return DayTally(Days(redis), _counted)


def _counted(fact: Fact) -> tuple[str, str, str, int] | None:
    match fact:
        case JobSettled():
            code = bounded_code(fact.aliyun_code) or fact.reason
            return fact.lane or "", fact.outcome, code, fact.recipients
        case JobExpired():
            return fact.lane, fact.outcome, fact.reason, 1
    return None

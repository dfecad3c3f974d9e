"""`connect` once. Then enqueue from request handlers, threads and forked processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from smsjobs.connection import Connection
from smsjobs.contract import InvalidArguments, check_full_name, is_whole, unwrap
from smsjobs.element import Element
from smsjobs.job import Job
from smsjobs.redis_store import available
from smsjobs.settings import ConnectionSettings
from smsjobs.threads import in_thread

if TYPE_CHECKING:
    from smsjobs.campaign import Campaign
    from smsjobs.steering import JobInfo
    from smsjobs.suppression import Suppression

__all__ = ["Sms", "connect"]

T = TypeVar("T")

#: Jobs of a list that an async caller gets from one thread.
_AT_ONCE: Final = 50

#: Most characters of an id that is looked for. An id of ours has at most 64.
_LONGEST_ID: Final = 1_000


def connect(
    *,
    broker_url: str | None = None,
    redis_url: str | None = None,
    timeout: float | None = None,
) -> Sms:
    """The producer of these settings. It connects when the first call needs it.

    Args:
        broker_url: Celery's broker. Default: ``SMS_BROKER_URL``, else ``redis://127.0.0.1:6379/0``. ``"embedded"``
            starts a private redis-server.
        redis_url: Redis for the ledger. Default: ``SMS_REDIS_URL``, else the broker, where that is Redis.
        timeout: Seconds after which a call gives up on Redis. Default: ``SMS_TIMEOUT``, else 5.

    Raises:
        SettingsError: A setting is wrong. The text says how to fix it.
    """
    return Sms(
        Connection(ConnectionSettings.read(broker_url=broker_url, redis_url=redis_url, timeout_s=timeout))
    )


class Sms:
    """A producer. Threads may share it. A forked child opens its own connections by itself.

    Attributes:
        connection: The connection that its elements, jobs and campaigns share.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __repr__(self) -> str:
        return "<Sms>"

    def getElement(self, name: str) -> Element:
        """The SMS element of that full name, such as ``"SMS.YourSmsName"``.

        The producer has no files of elements: only a worker finds out whether the element exists.

        Raises:
            InvalidArguments: It is not a valid full name.
        """
        return Element(self.connection, check_full_name(unwrap(name, "element")))

    def job(self, job_id: str) -> Job:
        """The handle on a job, which another process may have enqueued.

        Raises:
            InvalidArguments: It is not a text of 1 to 1,000 characters. Whether there is such a job is found out by the handle.
        """
        _check_id("job_id", job_id)
        return Job(job_id, self.connection)

    def jobs(
        self,
        status: str = "failed",
        *,
        since: datetime | timedelta | None = None,
        element: str | None = None,
        lane: str | None = None,
        aliyun_code: str | None = None,
        limit: int | None = None,
    ) -> Iterator[JobInfo]:
        """The jobs that did not end well, the newest outcome first. They are read while you go on.

        Jobs that are accepted, or have no outcome yet, are not listed: `job` finds them by their ids. Nor are those of
        campaigns, which have a report, and those that were sent again.

        Args:
            status: ``"rejected"``, ``"not_sent"``, ``"unknown"``, or ``"failed"`` for all three.
            since: The time of the earliest outcome, with a time zone, or how long it is ago.
            element: Those of this element only, by its full name.
            lane: Those of this lane only.
            aliyun_code: Those that Aliyun refused with this code only, such as ``"isv.AMOUNT_NOT_ENOUGH"``.
            limit: The most jobs. None for all.

        Raises:
            InvalidArguments: An argument is not valid.
            QueueUnavailable: Redis is unreachable. It is raised where the next job was to be read, too.
        """
        from smsjobs.steering import Listing  # noqa: PLC0415  only whoever lists jobs loads it

        listing = Listing.read(
            status, since=since, element=element, lane_name=lane, aliyun_code=aliyun_code, limit=limit
        )
        return self.connection.steering.jobs(listing, self._patiently)

    async def jobs_async(
        self,
        status: str = "failed",
        *,
        since: datetime | timedelta | None = None,
        element: str | None = None,
        lane: str | None = None,
        aliyun_code: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[JobInfo]:
        """`jobs`, without blocking the event loop: ``async for info in sms.jobs_async()``."""
        found = self.jobs(
            status, since=since, element=element, lane=lane, aliyun_code=aliyun_code, limit=limit
        )
        while some := await in_thread(lambda: list(islice(found, _AT_ONCE))):
            for info in some:
                yield info

    def _patiently(self, step: Callable[[], T]) -> T:
        return available(
            step,
            for_s=self.connection.settings.timeout_s,
            task="the jobs could not be listed",
            unreachable_text=self.connection.unreachable_text,
        )

    def campaign(self, campaign_id: str) -> Campaign:
        """The handle on a campaign, which another process may have started.

        Raises:
            InvalidArguments: It is not a text of 1 to 1,000 characters. Whether there is such a campaign is found out by the handle.
        """
        _check_id("campaign_id", campaign_id)
        return self._campaign(campaign_id)

    def _campaign(self, campaign_id: str) -> Campaign:
        from smsjobs.campaign import Campaign, campaign_store  # noqa: PLC0415  only whoever has campaigns loads them

        return Campaign(campaign_id, campaign_store(self.connection))

    def campaigns(self) -> list[Campaign]:
        """All campaigns that have not ended, or ended no longer ago than ``SMS_RETENTION``. The newest comes first."""
        from smsjobs.campaign import campaign_store  # noqa: PLC0415  as above

        return [self.campaign(each) for each in campaign_store(self.connection).ids()]

    @property
    def suppression(self) -> Suppression:
        """The numbers that must not be sent to: for promotional messages, or for all."""
        from smsjobs.suppression import Suppression  # noqa: PLC0415  only whoever sees to the list loads it

        connection = self.connection
        return Suppression(
            lambda: connection.suppressed,
            timeout_s=connection.settings.timeout_s,
            unreachable_text=connection.unreachable_text,
        )

    def close(self) -> None:
        """Close the connections. The next call opens them again."""
        self.connection.close()


def _check_id(argument: Literal["job_id", "campaign_id"], given: Any) -> None:
    what = argument.removesuffix("_id")
    if not isinstance(given, str) or not 1 <= len(given) <= _LONGEST_ID or not is_whole(given):
        raise InvalidArguments(
            f"{argument} must be the text of a {what}'s id, of 1 to {_LONGEST_ID} characters",
            reason=f"{what}_not_found",
            argument=argument,
        )

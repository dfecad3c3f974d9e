"""`connect` once, then enqueue from request handlers, threads and forked processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsjobs.connection import Connection
from smsjobs.contract import InvalidArguments, check_full_name, unwrap
from smsjobs.element import Element
from smsjobs.job import Job
from smsjobs.settings import ConnectionSettings

if TYPE_CHECKING:
    from smsjobs.campaign import Campaign

__all__ = ["Sms", "connect"]


def connect(
    *,
    broker_url: str | None = None,
    redis_url: str | None = None,
    timeout: float | None = None,
) -> Sms:
    """The way in. Nothing is connected until the first call needs it.

    Args:
        broker_url: Celery's broker; else ``SMS_BROKER_URL``, else ``redis://127.0.0.1:6379/0``. ``"embedded"``
            starts a private redis-server.
        redis_url: Redis for the ledger; else ``SMS_REDIS_URL``, else the broker's, where that is Redis.
        timeout: Seconds after which a call gives up on Redis; else ``SMS_TIMEOUT``, else 5.

    Raises:
        SettingsError: A setting is wrong; the text names the cure.
    """
    return Sms(
        Connection(ConnectionSettings.read(broker_url=broker_url, redis_url=redis_url, timeout_s=timeout))
    )


class Sms:
    """A producer. Safe to share between threads; a forked child gets connections of its own by itself.

    Attributes:
        connection: What its elements, jobs and campaigns share.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __repr__(self) -> str:
        return "<Sms>"

    def getElement(self, name: str) -> Element:
        """The SMS element of that full name, such as ``"SMS.YourSmsName"``.

        The producer has no element's files: whether it exists is found out on a worker.

        Raises:
            InvalidArguments: It is no full name.
        """
        return Element(self.connection, check_full_name(unwrap(name)))

    def job(self, job_id: str) -> Job:
        """The handle on a job, maybe another process's."""
        if not isinstance(job_id, str) or not job_id:
            raise InvalidArguments("job_id must be the text of a job's id", "job_not_found")
        return Job(job_id, self.connection)

    def campaign(self, campaign_id: str) -> Campaign:
        """The handle on a campaign, maybe another process's."""
        from smsjobs.campaign import Campaign, campaign_store  # noqa: PLC0415  only whoever has campaigns loads them

        if not isinstance(campaign_id, str) or not campaign_id:
            raise InvalidArguments("campaign_id must be the text of a campaign's id", "campaign_not_found")
        return Campaign(campaign_id, campaign_store(self.connection))

    def campaigns(self) -> list[Campaign]:
        """All campaigns that go on, or ended no longer ago than ``SMS_RETENTION``; the newest first."""
        from smsjobs.campaign import campaign_store  # noqa: PLC0415  as above

        return [self.campaign(each) for each in campaign_store(self.connection).ids()]

    def close(self) -> None:
        """Close the connections. The object may be used again."""
        self.connection.close()

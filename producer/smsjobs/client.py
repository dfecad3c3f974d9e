"""`connect` once. Then enqueue from request handlers, threads and forked processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from smsjobs.connection import Connection
from smsjobs.contract import InvalidArguments, check_full_name, is_whole, unwrap
from smsjobs.element import Element
from smsjobs.job import Job
from smsjobs.settings import ConnectionSettings
from smsjobs.suppression import Suppression

if TYPE_CHECKING:
    from smsjobs.campaign import Campaign

__all__ = ["Sms", "connect"]

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

    def campaign(self, campaign_id: str) -> Campaign:
        """The handle on a campaign, which another process may have started.

        Raises:
            InvalidArguments: It is not a text of 1 to 1,000 characters. Whether there is such a campaign is found out by the handle.
        """
        from smsjobs.campaign import Campaign, campaign_store  # noqa: PLC0415  only whoever has campaigns loads them

        _check_id("campaign_id", campaign_id)
        return Campaign(campaign_id, campaign_store(self.connection))

    def campaigns(self) -> list[Campaign]:
        """All campaigns that have not ended, or ended no longer ago than ``SMS_RETENTION``. The newest comes first."""
        from smsjobs.campaign import campaign_store  # noqa: PLC0415  as above

        return [self.campaign(each) for each in campaign_store(self.connection).ids()]

    @property
    def suppression(self) -> Suppression:
        """The numbers that must not be sent to: for promotional messages, or for all."""
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

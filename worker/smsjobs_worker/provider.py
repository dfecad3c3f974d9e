"""What the sender needs of a loaded SMS element: one request at a time, and a look-up.

The sender decides whether to try again; a provider only says what became of one request. Everything it cannot
be sure about is an answer lost: "not sent" is said only where surely nothing was left at Aliyun.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta, timezone
from typing import Any, Final, Protocol, runtime_checkable

from smsjobs.contract import Message

__all__ = [
    "BEIJING",
    "AnswerLost",
    "AttemptFailed",
    "BoundedProvider",
    "LookUp",
    "LookupFailed",
    "NotSent",
    "Provider",
]


#: Aliyun's clock: dates of its records and windows of its flow control. China has had no summer time since 1991; a
#: fixed offset needs no zone files.
BEIJING: Final = timezone(timedelta(hours=8), "Beijing")


class AttemptFailed(Exception):
    """One request failed without an answer from Aliyun that decides it.

    Attributes:
        reason: A stable word, such as ``"connect_failed"``.
        detail: What happened, for people; no number, parameter, secret or URL.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class NotSent(AttemptFailed):
    """Surely nothing was left at Aliyun: the same request may be made again.

    Attributes:
        retry_after: Seconds that Aliyun asked to wait, or None.
    """

    def __init__(self, reason: str, detail: str, retry_after: float | None = None) -> None:
        super().__init__(reason, detail)
        self.retry_after = retry_after


class AnswerLost(AttemptFailed):
    """A request left, and nobody knows whether Aliyun accepted it."""


class LookupFailed(AttemptFailed):
    """A look-up that proves nothing: throttled, timed out, refused, or an answer that contradicts itself.

    Attributes:
        retry_after: Seconds that Aliyun asked to wait, or None.
    """

    def __init__(self, reason: str, detail: str, retry_after: float | None = None) -> None:
        super().__init__(reason, detail)
        self.retry_after = retry_after


@runtime_checkable
class Provider(Protocol):
    """Makes single requests."""

    def send(self, message: Message, *, out_id: str) -> Mapping[str, Any]:
        """Make exactly one request.

        Returns:
            Aliyun's body: ``Code`` (``"OK"``), ``Message``, ``BizId``, ``RequestId``.

        Raises:
            AliyunRejected: Aliyun answered an error.
            NotSent: Surely nothing was sent, throttling included.
            AnswerLost: Everything else.
        """
        ...


class BoundedProvider(Protocol):
    """A provider that can end its connecting in time: without one, a slow connect may send what has expired."""

    #: Always true.
    bounds_connect: bool

    def send(self, message: Message, *, out_id: str, connect_within_s: float) -> Mapping[str, Any]:
        """As `Provider.send`, but what is not connected after that many seconds is `NotSent`."""
        ...


@runtime_checkable
class LookUp(Protocol):
    """Tells what Aliyun has recorded. A provider without it leaves lost answers unknown."""

    def find(self, phone: str, *, day: date, out_id: str) -> bool:
        """Whether Aliyun's record of that number and Beijing day, all pages of it, has a message of that OutId.

        Raises:
            LookupFailed: The answer proves nothing either way.
        """
        ...

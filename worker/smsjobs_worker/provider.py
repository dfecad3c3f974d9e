"""What the worker needs of a Type: what `Loader.load` returns is a `Provider`.

A provider makes single requests and says what became of each. The worker decides whether to try again. What a provider
is not sure about is `AnswerLost`; `NotSent` means that surely nothing has reached the other side.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from smsjobs.contract import AliyunRejected, Message
from smsjobs.delivery import Report
from smsjobs.templates import Template

__all__ = [
    "AnswerLost",
    "AttemptFailed",
    "Blames",
    "LookupFailed",
    "NotSent",
    "Provider",
    "QueueFailed",
    "Queued",
    "ReceiptQueue",
    "SignedBy",
    "StopsCampaign",
]

#: Which campaigns a refusal stops. ``"always"``: every other chunk would be refused too. ``"same_text"``: only where all
#: recipients get the same text; else one recipient's parameters may be at fault. ``"never"``: it concerns this chunk.
StopsCampaign = Literal["always", "same_text", "never"]


#: What of a single recipient's can be the cause for which a request to many is refused: his number, or the values of his
#: parameters.
Blames = Literal["number", "values"]


class AttemptFailed(Exception):
    """One request failed without an answer that decides it.

    Attributes:
        reason: A stable word, such as ``"connect_failed"``.
        detail: What happened, for people; no number, parameter, secret or URL.
        aliyun_code: The other side's own code, if it answered with one, or None.
    """

    def __init__(self, reason: str, detail: str, *, aliyun_code: str | None = None) -> None:
        super().__init__(reason, detail)
        self.aliyun_code = aliyun_code
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class NotSent(AttemptFailed):
    """Surely nothing has reached the other side: the same request may be made again.

    Attributes:
        retry_after: Seconds to wait before that, where the other side asked for it, or None.
    """

    def __init__(
        self, reason: str, detail: str, retry_after: float | None = None, *, aliyun_code: str | None = None
    ) -> None:
        super().__init__(reason, detail, aliyun_code=aliyun_code)
        self.retry_after = retry_after


class AnswerLost(AttemptFailed):
    """A request left, and nobody knows whether it was accepted."""


class LookupFailed(AttemptFailed):
    """A look-up that proves nothing: throttled, timed out, refused, or an answer that contradicts itself.

    Attributes:
        retry_after: Seconds to wait before the next one, where the other side asked for it, or None.
    """

    def __init__(
        self, reason: str, detail: str, retry_after: float | None = None, *, aliyun_code: str | None = None
    ) -> None:
        super().__init__(reason, detail, aliyun_code=aliyun_code)
        self.retry_after = retry_after


class QueueFailed(AttemptFailed):
    """A queue could not be read, or nothing could be deleted from it. What is in it stays there.

    Attributes:
        refused: Whether the other side answered no: there is no such queue, or the account has no right to it. Then there is
            no hurry to ask again.
    """

    def __init__(self, reason: str, detail: str, *, refused: bool = False) -> None:
        super().__init__(reason, detail)
        self.refused = refused


@dataclass(frozen=True, kw_only=True)
class Queued:
    """One message of a queue."""

    #: What the provider would have pushed: the JSON of one object, or of an array of them.
    body: bytes = field(repr=False)
    #: By which it is deleted.
    handle: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SignedBy:
    """An account and a signature of its own. Elements that have both in common keep the same filing alive."""

    #: What tells the account from others.
    account: str = field(repr=False)
    signature: str


class ReceiptQueue(ABC):
    """A queue of receipts or replies at a provider. One thread uses it.

    A message that is received and not deleted comes again after some time.

    Attributes:
        name: Two that have the same name are the same queue.
    """

    name: str

    @abstractmethod
    def receive(self) -> Sequence[Queued]:
        """Receive some messages; wait for the first for up to half a minute.

        Raises:
            QueueFailed: Nothing was received.
        """

    @abstractmethod
    def delete(self, messages: Sequence[Queued]) -> None:
        """Delete messages of one `receive`. Those that are gone already are left alone.

        Raises:
            QueueFailed: Any of them may be left, and comes again.
        """

    @abstractmethod
    def close(self) -> None:
        """Close its connection. The next call opens it again."""


class Provider(ABC):
    """The base class of a Type's provider. Threads share one.

    A subclass, or its object, sets the attributes to declare what it can do.
    """

    #: Whether `find` is there. Without it a job whose answer was lost ends as unknown at once.
    looks_up: bool = False
    #: Whether `delivery` is there. Without it a delivery is known only if its receipt is pushed.
    reports: bool = False
    #: Whether `send` takes a message that has different parameters for each number (`Message.params_of_each`).
    sends_batches: bool = False
    #: Whether `template` and `templates` are there. Without them nothing is known of a template before it is sent.
    knows_templates: bool = False
    #: Most requests a second, over all workers together; None: no limit. The worker keeps to it.
    max_qps: float | None = None
    #: Under what its messages go, where a carrier's filing lapses without messages; None: there is nothing to keep alive.
    signed_by: SignedBy | None = None
    #: The full name of the member of a group that it sends by; None for an element that is no group.
    member: str | None = None

    @abstractmethod
    def send(self, message: Message, *, out_id: str, connect_within_s: float) -> Mapping[str, Any]:
        """Make exactly one request.

        Args:
            out_id: The job's id. `find` is asked for it, so it has to be recorded with the message.
            connect_within_s: Seconds until the job expires. A request that is not connected by then must not be
                written any more: it is `NotSent`.

        Returns:
            A body like Aliyun's: ``Code`` (``"OK"``), and where known ``Message``, ``BizId``, ``RequestId``.

        Raises:
            AliyunRejected: The answer was no, and nothing was sent.
            NotSent: Surely nothing was sent, throttling included.
            AnswerLost: Everything else.
        """

    def find(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> bool:
        """Whether the record of that number has a message with that id.

        Args:
            phone: One of the job's numbers, in the form that `send` gets it.
            since: The earliest time at which the request may have been recorded, with its zone, by our clock.
            until: The latest such time.
            out_id: The job's id.

        Raises:
            LookupFailed: The answer proves nothing either way. False must mean that no such message was accepted.
        """
        del phone, since, until, out_id
        raise LookupFailed("no_look_up", "the element's type has no look-up")

    def delivery(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> Report | None:
        """What the record of that number says about the delivery of the message with that id; None where it has none.

        Args:
            phone: As for `find`, and so are the others.

        Raises:
            LookupFailed: The answer proves nothing.
        """
        del phone, since, until, out_id
        raise LookupFailed("no_look_up", "the element's type has no record of deliveries")

    def template(self, code: str) -> Template:
        """What the provider knows of that template, and of the signature that the element sends under.

        Raises:
            LookupFailed: There is no such template, or it does not answer.
        """
        del code
        raise LookupFailed("no_templates", "the element's type knows nothing of templates")

    def templates(self) -> Sequence[Template]:
        """All templates, with what a list of them tells.

        Raises:
            LookupFailed: It does not answer.
        """
        raise LookupFailed("no_templates", "the element's type knows nothing of templates")

    def receipt_queues(self) -> Sequence[ReceiptQueue]:
        """The queues that receipts and replies come by, each new and not connected yet; none where they come otherwise."""
        return ()

    def stops_campaign(self, refusal: AliyunRejected) -> StopsCampaign:
        """Which campaigns a refusal of one chunk stops: by default each one, where only an operator can fix its cause."""
        return "always" if refusal.advice == "operator" else "never"

    def blames(self, refusal: AliyunRejected) -> Blames | None:
        """What of one recipient's may be the cause of the refusal of many; None if it concerns all alike.

        Where it may be one recipient's, a chunk is sent again in halves, until only his message is refused. Name nothing
        where a refused request may have been accepted in part.
        """
        del refusal
        return None

    def concerns_account(self, refusal: AliyunRejected) -> bool:
        """Whether a refusal is the account's own, so that a group may ask another: by default where only an operator can fix its cause."""
        return refusal.advice == "operator"

    def for_job(self, message: Message, *, member: str | None, lost: bool) -> Provider:
        """What sends and looks up one job: a group's choice among its members; else the provider itself.

        Args:
            member: The member that was written down for its last request, or None.
            lost: Whether the answer of that request was lost.

        Raises:
            InvalidArguments: No member can load.
        """
        del message, member, lost
        return self

    def weigh(
        self, failure: AliyunRejected | NotSent | AnswerLost
    ) -> AliyunRejected | NotSent | AnswerLost | None:
        """The failure that counts for the job, or None: another member of the group sends it now."""
        return failure

    def hints_accepted(self, refusal: AliyunRejected) -> bool:
        """Whether the refusal of a second request hints that the first, whose answer was lost, was accepted.

        Then the job is looked up again before it is settled. A limit that counts accepted messages gives such a hint.
        """
        del refusal
        return False

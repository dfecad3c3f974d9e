"""How far a campaign is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

__all__ = ["BY_HAND", "CampaignProgress", "State"]

#: The reason of a campaign that somebody paused.
BY_HAND: Final = "paused by hand"

#: ``scheduled`` means: it waits for its start, or for the hours in which promotional messages may be sent.
State = Literal["planning", "scheduled", "running", "paused", "cancelled", "finished"]


@dataclass(frozen=True, kw_only=True)
class CampaignProgress:
    """A campaign at one moment, counted in recipients.

    ``total`` is ``pending + accepted + rejected + not_sent + unknown``. It does not include the rows that are left
    out, which are ``invalid`` and ``duplicates``, nor those that are ``blank``.
    """

    #: The campaign's id, and the name it was given.
    id: str
    name: str
    #: The full name of its element.
    element: str
    #: The template's code.
    template: str = ""
    #: See `State`. A cancelled campaign may have pending recipients, whose requests are in flight.
    state: State
    #: Why it is paused, and whether its planning was interrupted. Empty if neither is the case.
    reason: str = ""
    #: Whether its planning was interrupted: no process reads its file any more. Nothing of it is sent until one does,
    #: even if it is resumed.
    interrupted: bool = False
    #: Recipients.
    total: int
    #: Recipients without an outcome yet.
    pending: int
    #: Recipients by outcome.
    accepted: int
    rejected: int
    not_sent: int
    unknown: int
    #: Accepted recipients whose message arrived, and whose message did not, as the carriers reported.
    delivered: int = 0
    undelivered: int = 0
    #: Accepted recipients of whom nothing was reported until the last pull was over.
    unreported: int = 0
    #: Whether receipts are awaited. When the last pull after the last acceptance is over, they are not.
    awaits: bool = True
    #: Rows whose number or parameters cannot be used.
    invalid: int
    #: Rows whose number is already in an earlier row.
    duplicates: int
    #: Rows in which there is nothing. They are not in the report. They are counted once the whole file is read.
    blank: int = 0
    #: Recipients by country code, most of them first; ``"86"`` are those of mainland China.
    countries: Mapping[str, int] = field(default_factory=dict)
    #: Recipients with an outcome, by Aliyun's code (``"OK"`` for accepted ones), or by our reason if there is no code.
    by_code: Mapping[str, int] = field(default_factory=dict)
    #: Recipients with a final report, by the carrier's code (``"DELIVERED"`` where it arrived).
    by_err_code: Mapping[str, int] = field(default_factory=dict)
    #: Planned chunks. One chunk is one request with up to 1,000 recipients.
    chunks: int
    #: Chunks, and halves of chunks, that were refused for what may be one recipient's. The two halves of each are two
    #: requests more.
    halved: int = 0
    #: When it begins, in ms since 1970. None means at once.
    starts_ms: int | None = None
    #: Whether it is sent only in the hours of promotional messages.
    promotional: bool = False
    #: When it was created, and when it ended, in ms since 1970.
    created_ms: int
    ended_ms: int | None = None

    @property
    def ended(self) -> bool:
        """Whether it is finished, or it is cancelled, its file is read and nobody is pending. Its numbers are final."""
        return self.ended_ms is not None

    @property
    def requests(self) -> int:
        """Requests to all recipients: one for each planned chunk, and two more for each chunk or half that was halved."""
        return self.chunks + 2 * self.halved

    @property
    def awaiting(self) -> int:
        """Accepted recipients of whom nothing final is reported yet, and who are not given up."""
        return self.accepted - self.delivered - self.undelivered - self.unreported

    @property
    def settled(self) -> int:
        """Recipients with an outcome."""
        return self.total - self.pending

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON, for ``--json``."""
        return {
            "id": self.id,
            "name": self.name,
            "element": self.element,
            "template": self.template,
            "state": self.state,
            "reason": self.reason,
            "interrupted": self.interrupted,
            "total": self.total,
            "pending": self.pending,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "not_sent": self.not_sent,
            "unknown": self.unknown,
            "delivered": self.delivered,
            "undelivered": self.undelivered,
            "unreported": self.unreported,
            "awaiting": self.awaiting,
            "invalid": self.invalid,
            "duplicates": self.duplicates,
            "blank": self.blank,
            "countries": dict(self.countries),
            "by_code": dict(self.by_code),
            "by_err_code": dict(self.by_err_code),
            "chunks": self.chunks,
            "halved": self.halved,
            "promotional": self.promotional,
            "starts_ms": self.starts_ms,
            "created_ms": self.created_ms,
            "ended_ms": self.ended_ms,
            "ended": self.ended,
        }

"""Campaigns in memory: planned by the real rules, and sent in one moment as soon as they may be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from smsjobs.campaign import CampaignProgress
from smsjobs.campaign.planner import Planner
from smsjobs.campaign.store import StoredChunk, StoredPage
from smsjobs.contract import (
    PROMOTIONAL_HOURS,
    IdempotencyConflict,
    InvalidArguments,
    JobRecord,
    Outcome,
    SendResult,
    chunk_id,
    encode_outcome,
    make_chunk,
    pack,
    pack_recipients,
    without,
)
from smsjobs.suppression import suppressed_error

if TYPE_CHECKING:
    from smsjobs.campaign.pages import Chunk, Page
    from smsjobs.campaign.progress import State
    from smsjobs.testing.clock import Clock
    from smsjobs.testing.memory_ledger import MemoryLedger
    from smsjobs.testing.memory_numbers import MemoryNumbers

__all__ = ["MemoryCampaigns"]

#: Seconds by which the start of a new campaign may be in the past.
_PAST_S: Final = 60

_DAY_S: Final = 24 * 3600


@dataclass(kw_only=True)
class _Campaign:
    id: str
    name: str
    element: str
    shared: str
    at: datetime | None
    promotional: bool
    created_s: float
    pages: dict[int, Page] = field(default_factory=dict, repr=False)
    names: Sequence[str] = ()
    blank: int = 0
    planned: bool = False
    paused: str = ""
    cancelled: bool = False
    ended_s: float | None = None
    #: What became of each chunk, by its number.
    outcomes: dict[int, Outcome] = field(default_factory=dict, repr=False)
    #: The places of those whom a chunk left out, by its number.
    left_out: dict[int, frozenset[int]] = field(default_factory=dict, repr=False)

    @property
    def generation(self) -> str:
        """Distinguishes it from an earlier one of its name."""
        return f"{round(self.created_s * 1000):x}"

    def chunks(self) -> Iterator[tuple[int, Chunk]]:
        """All chunks of the plan with their numbers."""
        for _, page in sorted(self.pages.items()):
            yield from enumerate(page.chunks, page.first_chunk)


class MemoryCampaigns:
    """The campaigns of `smsjobs.testing`."""

    def __init__(self, ledger: MemoryLedger, numbers: MemoryNumbers, clock: Clock, *, keep_s: float) -> None:
        self._ledger = ledger
        self._numbers = numbers
        self._now = clock
        self._keep_s = keep_s
        self._campaigns: dict[str, _Campaign] = {}

    def create(
        self,
        campaign_id: str,
        *,
        name: str,
        element: str,
        shared: str,
        at: datetime | None,
        promotional: bool,
        types: Mapping[str, str] | None = None,
        strict_types: bool = False,
    ) -> Planner:
        """Create a campaign, or find it."""
        del types, strict_types  # nothing is known of templates
        found = self._find(campaign_id)
        if found is None:
            if at is not None and at.timestamp() < self._now() - _PAST_S:
                raise InvalidArguments.about("at", f"{at.isoformat()} is past: leave it out to send now")
            found = self._campaigns[campaign_id] = _Campaign(
                id=campaign_id,
                name=name,
                element=element,
                shared=shared,
                at=at,
                promotional=promotional,
                created_s=self._now(),
            )
        elif (found.shared, found.at, found.promotional) != (shared, at, promotional):
            raise _conflict(campaign_id)
        return Planner(campaign_id=campaign_id, generation=found.generation, token="", secret="")

    def write(self, planner: Planner, page: Page, names: Sequence[str]) -> bool:
        """Write a page of the plan, or compare it with what is there."""
        found = self._get(planner.campaign_id)
        if found.ended_s is not None and found.cancelled:
            return False
        known = found.pages.get(page.number)
        if (known is None and found.planned) or (known is not None and known.digest != page.digest):
            raise _conflict(found.id)
        found.pages[page.number], found.names = page, names
        return True

    def still_planning(self, planner: Planner) -> None:
        """Nobody waits for it."""

    def is_planning(self, planner: Planner) -> bool:
        """Whether nothing of the campaign may be sent yet, and it is not cancelled."""
        found = self._get(planner.campaign_id)
        return not (found.planned or found.cancelled)

    def complete(self, planner: Planner, pages: int, *, last_line: int, blank: int = 0) -> None:
        """Let the chunks be sent."""
        del last_line
        found = self._get(planner.campaign_id)
        if len(found.pages) != pages:
            raise _conflict(found.id)
        found.planned, found.blank = True, blank

    def note_template(self, element: str, code: str) -> None:
        """There is nobody to tell."""

    def discard(
        self, planner: Planner, *, pages: int | None = None
    ) -> Literal["forgotten", "kept", "others"]:
        """Forget a campaign whose plan is not complete."""
        found = self._get(planner.campaign_id)
        if found.planned or found.cancelled or (pages is not None and len(found.pages) != pages):
            return "kept"
        del self._campaigns[found.id]
        return "forgotten"

    def pause(self, campaign_id: str, reason: str) -> bool:
        """Pause a campaign, or resume it if the reason is empty."""
        found = self._get(campaign_id)
        if found.cancelled or found.ended_s is not None:
            return False
        found.paused = reason
        return True

    def cancel(self, campaign_id: str) -> bool:
        """Cancel a campaign."""
        found = self._get(campaign_id)
        if found.cancelled or found.ended_s is not None:
            return found.cancelled
        found.cancelled, found.paused, found.ended_s = True, "", self._now()
        return True

    def progress(self, campaign_id: str) -> CampaignProgress:
        """How far a campaign is."""
        found = self._get(campaign_id)
        pages = [page for _, page in sorted(found.pages.items())]
        total = sum(page.recipients for page in pages)
        counts: Counter[str] = Counter()
        codes: Counter[str] = Counter()
        for number, chunk in found.chunks():
            outcome = found.outcomes.get(number)
            if outcome is not None:
                left_out = len(found.left_out.get(number, ()))
                for name, label, count in (
                    (
                        outcome.outcome,
                        "OK" if isinstance(outcome, SendResult) else outcome.label,
                        len(chunk.phones) - left_out,
                    ),
                    ("not_sent", "suppressed", left_out),
                ):
                    counts[name] += count
                    codes[label] += count
            elif found.cancelled:
                counts["not_sent"] += len(chunk.phones)
                codes["cancelled"] += len(chunk.phones)
        countries: Counter[str] = sum((page.countries for page in pages), Counter())
        return CampaignProgress(
            id=found.id,
            name=found.name,
            element=found.element,
            template=json.loads(found.shared)["verifyTemplateCode"],
            state=self._state(found),
            reason=found.paused,
            total=total,
            pending=total - sum(counts.values()),
            accepted=counts["accepted"],
            rejected=counts["rejected"],
            not_sent=counts["not_sent"],
            unknown=counts["unknown"],
            invalid=sum(page.count("invalid") for page in pages),
            duplicates=sum(page.count("duplicate") for page in pages),
            blank=found.blank,
            countries=dict(countries),
            by_code=dict(sorted((+codes).items())),
            chunks=sum(len(page.chunks) for page in pages),
            starts_ms=None if found.at is None else round(found.at.timestamp() * 1000),
            promotional=found.promotional,
            created_ms=round(found.created_s * 1000),
            ended_ms=None if found.ended_s is None else round(found.ended_s * 1000),
        )

    def ids(self) -> list[str]:
        """The ids of all kept campaigns, the newest first."""
        # Of the same moment, the one that was created last comes first.
        kept = [each for each in map(self._find, reversed(list(self._campaigns))) if each]
        return [each.id for each in sorted(kept, key=lambda each: -each.created_s)]

    def pages(self, campaign_id: str) -> Iterator[StoredPage]:
        """A campaign's pages in order."""
        found = self._get(campaign_id)
        for _, page in sorted(found.pages.items()):
            numbers = list(enumerate(page.chunks, page.first_chunk))
            yield StoredPage(
                recipients={
                    str(number): pack_recipients(chunk.lines, chunk.phones) for number, chunk in numbers
                },
                chunks=[self._stored(found, number) for number, _ in numbers],
                skipped=[(row.line, row.phone, row.fault, row.reason) for row in page.skipped],
            )

    def _stored(self, found: _Campaign, number: int) -> StoredChunk:
        outcome = found.outcomes.get(number)
        return StoredChunk(
            name=str(number),
            out_id=chunk_id(found.id, found.generation, str(number)),
            outcome=None if outcome is None else json.dumps(encode_outcome(outcome)),
            is_active=False,
            left_out=found.left_out.get(number, frozenset()),
        )

    def _find(self, campaign_id: str) -> _Campaign | None:
        found = self._campaigns.get(campaign_id)
        if found is None or (found.ended_s is not None and found.ended_s + self._keep_s <= self._now()):
            return None
        self._carry_on(found)
        return found

    def _get(self, campaign_id: str) -> _Campaign:
        found = self._find(campaign_id)
        if found is None:
            raise InvalidArguments(
                "there is no campaign of that id, or it ended longer ago than SMS_RETENTION",
                reason="campaign_not_found",
                out_id=campaign_id,
                argument="campaign_id",
            )
        return found

    def _state(self, found: _Campaign) -> State:
        if found.cancelled:
            return "cancelled"
        if found.ended_s is not None:
            return "finished"
        if found.paused:
            return "paused"
        return "scheduled" if found.planned else "planning"

    def _carry_on(self, found: _Campaign) -> None:
        """Send the campaign, if it may be sent now."""
        now_s = self._now()
        if not found.planned or found.paused or found.ended_s is not None:
            return
        if found.at is not None and found.at.timestamp() > now_s:
            return
        if found.promotional and not _in_promotional_hours(now_s):
            return
        for number, chunk in found.chunks():
            found.outcomes[number] = self._send(found, number, _job(found, number, chunk))
        found.ended_s = now_s

    def _send(self, found: _Campaign, number: int, job: JobRecord) -> Outcome:
        phones = job.message.phones
        hit = self._numbers.among(phones, promotional=job.is_promotional) or []
        if len(hit) == len(phones):
            return suppressed_error(job.id, hit=len(hit), numbers=len(phones))
        if hit:
            found.left_out[number] = frozenset(hit)
            job = replace(job, message=without(job.message, hit))
        return self._ledger.send_chunk(job)


def _job(found: _Campaign, number: int, chunk: Chunk) -> JobRecord:
    own: list[dict[str, Any]] = [dict(zip(found.names, values, strict=True)) for values in chunk.values]
    return make_chunk(
        chunk_id(found.id, found.generation, str(number)),
        found.shared,
        pack_recipients(chunk.lines, chunk.phones),
        pack(own) if found.names else "",
    )


def _in_promotional_hours(now_s: float) -> bool:
    hours = PROMOTIONAL_HOURS
    return hours.from_s <= (now_s + hours.utc_offset_s) % _DAY_S < hours.to_s


def _conflict(campaign_id: str) -> IdempotencyConflict:
    return IdempotencyConflict(
        "there is a campaign of this name on this element with other recipients or settings: use another name",
        out_id=campaign_id,
        argument="name",
    )

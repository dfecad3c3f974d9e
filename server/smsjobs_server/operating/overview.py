"""Today at a glance: what was sent and what became of it, what waits, and what needs a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from smsjobs.contract import LANES
from smsjobs.days import Count, Days
from smsjobs.metrics import Metric, catalogue
from smsjobs.threads import in_thread
from smsjobs_server.pages import Live

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from smsjobs_server.figures import Sample
    from smsjobs_server.operating.desk import Desk

__all__ = ["Overview", "Today"]

#: Seconds between two readings while a page is open.
_EVERY_S: Final = 2.0

#: Codes that are listed.
_CODES: Final = 8

#: Seconds for which a job may be due before somebody has to hear of it.
_LATE_S: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class LaneToday:
    """One lane."""

    name: str
    #: Recipients, by what became of them.
    counts: Mapping[str, int]
    #: Whether a worker serves it, and how long the oldest job has been due.
    is_served: bool
    oldest_s: float
    #: Messages in its queue; None where the broker does not tell.
    queue: int | None

    @property
    def is_late(self) -> bool:
        """Whether somebody has to hear of it."""
        return self.oldest_s > _LATE_S


@dataclass(frozen=True, kw_only=True)
class Today:
    """Everything that the page shows."""

    #: Whether the ledger could be read.
    is_up: bool
    totals: Mapping[str, int] = field(default_factory=dict)
    lanes: Sequence[LaneToday] = ()
    #: What did not go well, the most first: what became of it, code, recipients.
    codes: Sequence[Count] = ()
    #: Jobs without an outcome; unknown outcomes of the last hour; what is set aside; all that did not end well.
    open: int = 0
    unknown: int = 0
    aside: int = 0
    not_well: int = 0
    #: Campaigns by state.
    campaigns: Mapping[str, int] = field(default_factory=dict)
    #: The part of its bound that Redis uses; None where it has none.
    memory: float | None = None


class Overview:
    """The page.

    Args:
        desk: What the pages share.
        samples: Gives the ledger's figures, which are read once for all who ask.
        days: The counts of each day.
    """

    def __init__(self, desk: Desk, samples: Callable[[], Awaitable[Sequence[Sample]]], days: Days) -> None:
        self._desk = desk
        self._samples = samples
        self._days = days
        #: What an open page follows.
        self.live = Live(self.read, every_s=_EVERY_S)

    def routes(self) -> list[Route]:
        """Its paths."""
        seen = self._desk.access.seen_by
        return [
            Route("/", seen("view", self._page), methods=["GET"]),
            Route("/live/overview", seen("view", self._events), methods=["GET"]),
        ]

    async def read(self) -> Today:
        """What is so now."""
        samples = await self._samples()
        try:
            counts = await in_thread(lambda: self._days.read(self._days.today()))
        except Exception:  # noqa: BLE001  whatever it is, Redis cannot be asked
            return Today(is_up=False)
        return _today(samples, counts)

    async def _page(self, request: Request) -> Response:
        return self._desk.show(request, "overview.html", today=await self.read())

    async def _events(self, request: Request) -> Response:
        part = self._desk.part(request, "overview_part.html")
        return self.live.answer(lambda today: {"today": part(today=today)})


def _today(samples: Sequence[Sample], counts: Sequence[Count]) -> Today:
    figures = {(metric, labels): value for metric, labels, value in samples}

    def figure(metric: Metric, *labels: str) -> float:
        return figures.get((metric, labels), 0.0)

    if not figure(catalogue.LEDGER_UP):
        return Today(is_up=False)
    totals = _sums(counts)
    used, most = figure(catalogue.REDIS_USED_BYTES), figure(catalogue.REDIS_MAX_BYTES)
    bad: Counter[tuple[str, str]] = Counter()
    for each in counts:
        if each.what in ("rejected", "not_sent", "unknown", "failed") and each.code != "receipt":
            bad[each.what, each.code] += each.recipients
    return Today(
        is_up=True,
        totals=totals,
        lanes=[
            LaneToday(
                name=name,
                counts=_sums([each for each in counts if each.lane == name]),
                is_served=bool(figure(catalogue.LANE_SERVED, name)),
                oldest_s=figure(catalogue.OLDEST_DUE_SECONDS, name),
                queue=int(figure(catalogue.QUEUE_MESSAGES, name))
                if (catalogue.QUEUE_MESSAGES, (name,)) in figures
                else None,
            )
            for name in LANES
        ],
        codes=[
            Count(lane="", what=what, code=code, recipients=number)
            for (what, code), number in bad.most_common(_CODES)
            if number > 0
        ],
        open=int(figure(catalogue.LEDGER_OPEN)),
        unknown=int(figure(catalogue.UNKNOWN)),
        aside=int(figure(catalogue.SET_ASIDE)),
        not_well=int(figure(catalogue.NOT_WELL)),
        campaigns={
            state: int(figure(catalogue.CAMPAIGNS, state))
            for state in ("planning", "running", "paused")
            if figure(catalogue.CAMPAIGNS, state)
        },
        memory=used / most if most else None,
    )


def _sums(counts: Sequence[Count]) -> Mapping[str, int]:
    found = Counter(dict.fromkeys(("accepted", "rejected", "not_sent", "unknown", "delivered", "failed"), 0))
    for each in counts:
        found[each.what] += each.recipients
    return {name: max(0, number) for name, number in found.items()}

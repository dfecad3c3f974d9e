"""Shows how far a campaign is: once, or until it has ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Final

from smsjobs.campaign import Campaign, CampaignProgress
from smsjobs.campaign.progress import BY_HAND
from smsjobs.contract import QueueUnavailable
from smsjobs.delivery import DELIVERED, explain
from smsjobs.presence import workers_by_lane
from smsjobs_shell.no_worker import tell_that_no_worker_answers
from smsjobs_shell.terminal.failure import FAILED, INTERRUPTED, CommandFailed
from smsjobs_shell.terminal.language import tr, tr_count
from smsjobs_shell.terminal.moment import show_moment
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import in_shell_words, printable

__all__ = ["by_country", "chart", "exit_status", "show", "tell_of_report", "watch"]

#: Seconds between two looks.
_LOOK_S: Final = 0.5

#: Seconds without a settled job, after which it is asked whether any worker answers.
_STILL_S: Final = 3.0

#: Seconds between two such questions. Each takes a second.
_ASK_AGAIN_S: Final = 30.0

#: Most countries that are named.
_COUNTRIES: Final = 10

#: Most carriers' codes that are shown.
_ERR_CODES: Final = 10

#: Seconds over which the rate is averaged.
_RATE_S: Final = 10.0

_OUTCOMES: Final = ("accepted", "rejected", "not_sent", "unknown", "pending")


def watch(
    screen: Screen, campaign: Campaign, broker_url: str | None = None, *, begins_in: tzinfo | None = None
) -> None:
    """Show how far it is, until it has ended, is paused, or nobody reads its file any more.

    Args:
        broker_url: The broker by which workers are asked while nothing moves; None asks none.
        begins_in: The time zone in which its start was typed; None if that is not known.

    Raises:
        CommandFailed: Ctrl-C was pressed, or Redis is unreachable. The campaign continues.
    """
    try:
        screen.pairs([(tr("campaign"), campaign.id)])
        if (progress := campaign.progress()).state == "scheduled":
            screen.pairs([(tr("state"), progress.state), (tr("begins"), _begins(progress, begins_in))])
        _watch(screen, campaign, broker_url)
    except KeyboardInterrupt:
        screen.line(
            "\n"
            + tr("The campaign continues; see it with:")
            + f"\n  smsjobs campaign status --watch {campaign.id}",
            exact=True,
        )
        screen.line(tr("and hold it with:") + f"\n  smsjobs campaign pause {campaign.id}", exact=True)
        raise CommandFailed(
            tr("interrupted; the campaign continues"),
            "interrupted",
            status=INTERRUPTED,
            more={"id": campaign.id},
        ) from None
    except QueueUnavailable as error:
        raise CommandFailed(
            tr(
                "{code} {error}. The campaign continues when Redis is back; see it with: {command}",
                code=error.code,
                error=in_shell_words(error),
                command=f"smsjobs campaign status --watch {campaign.id}",
            ),
            error.reason,
            more={"id": campaign.id, "code": error.code},
        ) from None


def _watch(screen: Screen, campaign: Campaign, broker_url: str | None) -> None:
    seen: deque[tuple[float, int]] = deque()
    workers = None if broker_url is None else _Workers(broker_url)
    with screen.bar(tr("Sending"), tr("messages")) as bar:
        while True:
            progress = campaign.progress()
            done = progress.settled - _never_tried(progress)
            last = progress.ended or progress.state == "paused" or progress.interrupted
            bar.update(
                done,
                progress.total,
                rate=_rate(seen, done),
                note=_note(progress),
                below=_counts(progress, _reported(progress)),
                last=last,
                wrong=_goes_wrong(progress),
            )
            if last:
                return
            if workers is not None and workers.are_missing(progress):
                tell_that_no_worker_answers(screen, "bulk")
                workers = None
            time.sleep(_LOOK_S)


class _Workers:
    """Finds out that no worker sends. A campaign that waits for Aliyun looks the same as one that waits for a worker."""

    def __init__(self, broker_url: str) -> None:
        self._broker_url = broker_url
        self._settled = -1
        self._ask_at = 0.0

    def are_missing(self, progress: CampaignProgress) -> bool:
        """Whether the campaign does not move, and no worker answers."""
        if progress.settled != self._settled or progress.state != "running":
            self._settled, self._ask_at = progress.settled, time.monotonic() + _STILL_S
        if time.monotonic() < self._ask_at:
            return False
        self._ask_at = time.monotonic() + _ASK_AGAIN_S
        answering = workers_by_lane(self._broker_url)
        return answering is not None and answering["bulk"] == 0


def show(screen: Screen, campaign: Campaign, *, begins_in: tzinfo | None = None) -> CampaignProgress:
    """Show how far it is now, and return it.

    Args:
        begins_in: The time zone in which its start was typed; None if that is not known.
    """
    progress = campaign.progress()
    screen.pairs(_facts(progress, begins_in))
    screen.line()
    for line in chart(progress, min(screen.width, 100), mark=screen.mark):
        screen.line(line, exact=True)
    if why := _why(progress):
        screen.line("\n" + tr("Why it did not arrive:"))
        screen.pairs(why)
    if progress.ended and progress.awaiting and _reported(progress):
        screen.line(
            "\n" + tr("Receipts still come in:") + f"  smsjobs campaign status {progress.id}", exact=True
        )
    if progress.state == "paused" and not progress.interrupted:
        when = tr("To continue it:") if progress.reason == BY_HAND else tr("Once that is fixed:")
        screen.line(f"\n{when}  smsjobs campaign resume {progress.id}", exact=True)
    screen.document(progress.to_json())
    return progress


def exit_status(progress: CampaignProgress) -> int:
    """0 where every recipient's message was accepted, and the whole file was read."""
    return 0 if progress.accepted == progress.total and not progress.interrupted else FAILED


def tell_of_report(screen: Screen, progress: CampaignProgress) -> None:
    """Tell how to get the report, where the campaign has ended and not every row's message was accepted."""
    if progress.ended and (progress.invalid or progress.duplicates or progress.accepted != progress.total):
        screen.line(
            "\n" + tr("Who got what:") + f"  smsjobs campaign report {progress.id} -o report.csv", exact=True
        )


def chart(progress: CampaignProgress, width: int, *, mark: str = "█") -> Sequence[str]:
    """A line with a bar for each outcome, and for each code but Aliyun's OK."""
    rows = [(name, getattr(progress, name)) for name in _OUTCOMES]
    for name in _reported(progress):
        rows.append((f"  {name}", getattr(progress, name)))
        if name == "undelivered":
            rows += [(f"    {code}", number) for code, number in _failed(progress)]
    rows += [(f"  {code}", number) for code, number in progress.by_code.items() if code != "OK"]
    rows = [(name, number) for name, number in rows if number]
    if not rows:
        return ()
    names, numbers = max(len(name) for name, _ in rows), max(len(f"{number:,}") for _, number in rows)
    room = max(10, width - names - numbers - 13)
    return [
        f"{name:<{names}}  {number:>{numbers},}  {100 * number / progress.total:5.1f} %  "
        + mark * max(1, round(room * number / progress.total))
        for name, number in rows
    ]


def _reported(progress: CampaignProgress) -> Sequence[str]:
    """What the carriers reported, once they have reported anything."""
    if progress.awaiting == progress.accepted:
        return ()
    return ("delivered", "undelivered", "unreported", "awaiting")


def _failed(progress: CampaignProgress) -> Sequence[tuple[str, int]]:
    """The carriers' most frequent codes of what did not arrive."""
    failed = [(code, number) for code, number in progress.by_err_code.items() if code != DELIVERED]
    return sorted(failed, key=lambda each: (-each[1], each[0]))[:_ERR_CODES]


def _why(progress: CampaignProgress) -> Sequence[tuple[str, str]]:
    """What these codes mean, and what to do."""
    return [
        (code, f"{tr(explain(code).meaning)}: {tr(explain(code).advice)}") for code, _ in _failed(progress)
    ]


def by_country(countries: Mapping[str, int]) -> str:
    """How many recipients are where, as in ``mainland 9,990, foreign 10 (852: 8, 44: 2)``."""
    foreign = {code: count for code, count in countries.items() if code != "86"}
    most = sorted(foreign.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{code}: {count:,}" for code, count in most[:_COUNTRIES])
    more = tr(", and {count} more", count=len(most) - _COUNTRIES) if len(most) > _COUNTRIES else ""
    told = tr(
        "mainland {mainland}, foreign {foreign}",
        mainland=f"{countries.get('86', 0):,}",
        foreign=f"{sum(foreign.values()):,}",
    )
    return tr("{told} ({each})", told=told, each=named + more) if foreign else told


def _facts(progress: CampaignProgress, begins_in: tzinfo | None = None) -> list[tuple[str, str]]:
    left_out = (
        tr("{count} invalid", count=f"{progress.invalid:,}"),
        tr_count("{count} duplicate", "{count} duplicates", progress.duplicates),
        tr_count("{count} blank row", "{count} blank rows", progress.blank),
    )
    facts = [
        (tr("campaign"), progress.id),
        (tr("name"), printable(progress.name)),
        (tr("element"), progress.element),
        (tr("template"), printable(progress.template)),
        (tr("state"), f"{progress.state}: {progress.reason}" if progress.reason else progress.state),
        (
            tr("recipients"),
            tr_count(
                "{total} in {count} request",
                "{total} in {count} requests",
                progress.requests,
                total=f"{progress.total:,}",
            ),
        ),
        (tr("countries"), by_country(progress.countries)),
        (tr("left out"), tr(", ").join(left_out)),
    ]
    if progress.state == "scheduled":
        facts.append((tr("begins"), _begins(progress, begins_in)))
    return facts


def _begins(progress: CampaignProgress, zone: tzinfo | None) -> str:
    hours = tr("from 8:00 to 20:00 Beijing time only") if progress.promotional else ""
    if progress.starts_ms is None or progress.starts_ms < time.time() * 1000:
        return hours
    return f"{show_moment(progress.starts_ms, zone)}{hours and f', {hours}'}"


def _rate(seen: deque[tuple[float, int]], done: int) -> float | None:
    now = time.monotonic()
    seen.append((now, done))
    while seen[-1][0] - seen[0][0] > _RATE_S:
        seen.popleft()
    (first, before), (last, _) = seen[0], seen[-1]
    return (done - before) / (last - first) if last > first else None


def _goes_wrong(progress: CampaignProgress) -> bool:
    """Whether something was tried and not accepted, or the campaign was paused by what happened to it."""
    failed = progress.settled - progress.accepted - _never_tried(progress)
    return failed > 0 or (progress.state == "paused" and progress.reason != BY_HAND)


def _never_tried(progress: CampaignProgress) -> int:
    """How many recipients were not tried, because the campaign was cancelled."""
    return progress.by_code.get("cancelled", 0)


def _note(progress: CampaignProgress) -> str:
    shown = _counts(progress, ("rejected", "not_sent", "unknown"))
    state = "" if progress.state in ("running", "finished") else progress.state
    return ", ".join(filter(None, (state, shown)))


def _counts(progress: CampaignProgress, names: Sequence[str]) -> str:
    """Those of these counts that are not 0."""
    return ", ".join(f"{name} {count:,}" for name in names if (count := getattr(progress, name)))

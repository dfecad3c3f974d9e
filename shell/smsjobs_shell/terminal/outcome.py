"""Shows a job's record and outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from smsjobs.contract import OUTCOMES
from smsjobs.delivery import DELIVERED, explain
from smsjobs_shell.terminal.failure import FAILED
from smsjobs_shell.terminal.language import mark, tr
from smsjobs_shell.terminal.library import in_language
from smsjobs_shell.terminal.moment import distance

__all__ = ["exit_status", "facts"]


#: What a caller can do, by Aliyun's advice.
_ADVICE: Final = {
    "never": mark("do not send this again: it cannot work"),
    "later": mark("it may work later"),
    "operator": mark("account, signature, template or permissions have to be fixed first"),
}


def exit_status(details: Mapping[str, Any], *, settled_wanted: bool) -> int:
    """The exit status for a job.

    0 if it was accepted, or if it has no outcome yet and none was waited for. Otherwise 1.

    Args:
        settled_wanted: Whether its outcome was waited for.
    """
    status = details["status"]
    if status == "accepted" or (status not in OUTCOMES and not settled_wanted):
        return 0
    return FAILED


def facts(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The names and values of a job's record that `status` and `send` show."""
    shown = [
        (tr("job"), details["id"]),
        (tr("element"), details["element"]),
        (tr("lane"), details["lane"]),
        (tr("status"), details["status"]),
        *_times(details),
    ]
    if retried_as := details["retried_as"]:
        shown.append((tr("sent again as"), retried_as))
    outcome = details["outcome"]
    if outcome is None:
        return shown + _progress(details)
    if error := outcome.get("error"):
        shown += [(tr("code"), str(error["code"])), (tr("reason"), error["reason"])]
        if aliyun_code := error.get("aliyun_code"):
            shown.append((tr("Aliyun's code"), aliyun_code))
        shown += [(tr("message"), in_language(error["message"])), (tr("attempts"), str(error["attempts"]))]
        if advice := error.get("advice"):
            shown.append((tr("advice"), _advice(advice, error.get("retry_after"))))
    else:
        shown += [
            (tr("attempts"), str(outcome["attempts"])),
            (tr("resolved by"), outcome["resolved_by"]),
            ("BizId", outcome["biz_id"] or "-"),
        ]
    return shown + _delivery_facts(details.get("deliveries"), details.get("delivery"))


def _times(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """When it was recorded, and when it ended; each with how long ago that is."""
    names = ((tr("recorded"), "created"), (tr("ended"), "settled"))
    return [(name, _moment(details[field])) for name, field in names if details[field]]


def _progress(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was done for a job that has no outcome yet, and what is done next."""
    shown = [(tr("attempts"), str(details["attempts"]))]
    if last_error := details["last_error"]:
        shown.append((tr("last error"), last_error))
    shown += [
        (name, _moment(details[field]))
        for name, field in ((tr("next try"), "next_try"), (tr("expires"), "expires"))
        if details[field]
    ]
    return shown


def _moment(text: str) -> str:
    """The time here, and how far away it is."""
    moment = datetime.fromisoformat(text)
    away = distance(moment)
    time = f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
    if moment > datetime.now(UTC):
        return tr("{time} (in {away})", time=time, away=away)
    return tr("{time} ({away} ago)", time=time, away=away)


def _delivery_facts(
    deliveries: Mapping[str, Any] | None, delivery: Mapping[str, Any] | None
) -> list[tuple[str, str]]:
    """What became of one recipient, and why; of several how many."""
    if deliveries is None:
        return []
    if delivery is None:
        states = ("delivered", "failed", "waiting", "unreported")
        counts = [f"{deliveries[state]} {state}" for state in states if deliveries[state]]
        codes = [
            (code, f"{count}: {tr(explain(code).meaning)}") for code, count in deliveries["by_code"].items()
        ]
        return [(tr("delivery"), ", ".join(counts)), *(each for each in codes if each[0] != DELIVERED)]
    shown = [(tr("delivery"), delivery["state"])]
    if delivery["state"] == "failed":
        why = explain(delivery["err_code"])
        shown += [
            (tr("carrier's code"), delivery["err_code"]),
            (tr("meaning"), tr(why.meaning)),
            (tr("what to do"), tr(why.advice)),
        ]
    if delivery["reported_at"]:
        shown.append((tr("reported"), delivery["reported_at"]))
    return shown


def _advice(advice: str, retry_after: float | None) -> str:
    if advice == "later" and retry_after:
        return tr("it may work in {seconds} s", seconds=f"{retry_after:.0f}")
    return tr(_ADVICE.get(advice, advice))

"""Shows a job's record and outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from smsjobs.contract import OUTCOMES
from smsjobs.delivery import DELIVERED, explain
from smsjobs_shell.terminal.failure import FAILED
from smsjobs_shell.terminal.moment import distance

__all__ = ["exit_status", "facts"]


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
        ("job", details["id"]),
        ("element", details["element"]),
        ("lane", details["lane"]),
        ("status", details["status"]),
        *_times(details),
    ]
    if retried_as := details["retried_as"]:
        shown.append(("sent again as", retried_as))
    outcome = details["outcome"]
    if outcome is None:
        return shown + _progress(details)
    if error := outcome.get("error"):
        shown += [("code", str(error["code"])), ("reason", error["reason"])]
        if aliyun_code := error.get("aliyun_code"):
            shown.append(("Aliyun's code", aliyun_code))
        shown += [("message", error["message"]), ("attempts", str(error["attempts"]))]
        if advice := error.get("advice"):
            shown.append(("advice", _advice(advice, error.get("retry_after"))))
    else:
        shown += [
            ("attempts", str(outcome["attempts"])),
            ("resolved by", outcome["resolved_by"]),
            ("BizId", outcome["biz_id"] or "-"),
        ]
    return shown + _delivery_facts(details.get("deliveries"), details.get("delivery"))


def _times(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """When it was recorded, and when it ended; each with how long ago that is."""
    names = (("recorded", "created"), ("ended", "settled"))
    return [(name, _moment(details[field])) for name, field in names if details[field]]


def _progress(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was done for a job that has no outcome yet, and what is done next."""
    shown = [("attempts", str(details["attempts"]))]
    if last_error := details["last_error"]:
        shown.append(("last error", last_error))
    shown += [
        (name, _moment(details[field]))
        for name, field in (("next try", "next_try"), ("expires", "expires"))
        if details[field]
    ]
    return shown


def _moment(text: str) -> str:
    """The time here, and how far away it is."""
    moment = datetime.fromisoformat(text)
    away = distance(moment)
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S} ({f'in {away}' if moment > datetime.now(UTC) else f'{away} ago'})"


def _delivery_facts(
    deliveries: Mapping[str, Any] | None, delivery: Mapping[str, Any] | None
) -> list[tuple[str, str]]:
    """What became of one recipient, and why; of several how many."""
    if deliveries is None:
        return []
    if delivery is None:
        states = ("delivered", "failed", "waiting", "unreported")
        counts = [f"{deliveries[state]} {state}" for state in states if deliveries[state]]
        codes = [(code, f"{count}: {explain(code).meaning}") for code, count in deliveries["by_code"].items()]
        return [("delivery", ", ".join(counts)), *(each for each in codes if each[0] != DELIVERED)]
    shown = [("delivery", delivery["state"])]
    if delivery["state"] == "failed":
        why = explain(delivery["err_code"])
        shown += [
            ("carrier's code", delivery["err_code"]),
            ("meaning", why.meaning),
            ("what to do", why.advice),
        ]
    if delivery["reported_at"]:
        shown.append(("reported", delivery["reported_at"]))
    return shown


def _advice(advice: str, retry_after: float | None) -> str:
    when = f"in {retry_after:.0f} s" if retry_after else "later"
    return {
        "never": "do not send this again: it cannot work",
        "later": f"it may work {when}",
        "operator": "account, signature, template or permissions have to be fixed first",
    }.get(advice, advice)

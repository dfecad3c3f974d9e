"""Campaigns: recipients a second, with one text for all and with a text for each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.stage import ELEMENT, TEMPLATE, Stage, phones

__all__ = ["Sent", "plan", "send"]

_NAMES = ("王伟", "李芳", "张娜", "刘洋", "陈敏")

Kind = Literal["shared", "personal"]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What was measured."""

    #: Recipients a second from the first accepted to the last, without the planning.
    per_s: float
    #: Recipients a second while they are read, checked and planned.
    planned_per_s: float
    #: Recipients a second that the simulator alone could accept, calculated from its CPU time.
    simulator_per_s: float
    #: Recipients in a request.
    recipients_per_request: float


def plan(stage: Stage, kind: Kind, count: int) -> Any:
    """Plan a campaign that begins at once."""
    return stage.sms.getElement(ELEMENT).campaign(
        f"{kind}-{count}",
        recipients=_people(kind, count),
        verifyTemplateCode=TEMPLATE,
        params={"event": "系统维护"},
    )


def send(stage: Stage, kind: Kind, count: int) -> Sent:
    """Plan a campaign and wait for its end. The bulk lane's workers must be running."""
    before = stage.accepted()
    began = time.monotonic()
    campaign = plan(stage, kind, count)
    planned = time.monotonic()
    usage = stage.usage()
    progress = campaign.wait(timeout=300)
    ended = time.monotonic()
    if progress.accepted != count:
        raise RuntimeError(f"{progress.accepted} of {count} recipients were accepted")
    requests = stage.accepted() - before
    used = stage.usage() - usage
    return Sent(
        per_s=count / (ended - planned),
        planned_per_s=count / (planned - began),
        simulator_per_s=count / used.simulator_cpu_s,
        recipients_per_request=count / requests,
    )


def _people(kind: Kind, count: int) -> Iterator[Any]:
    if kind == "shared":
        return phones(count)
    return (
        {"phone": phone, "name": _NAMES[number % len(_NAMES)], "amount": f"{number % 1000}.00"}
        for number, phone in enumerate(phones(count))
    )

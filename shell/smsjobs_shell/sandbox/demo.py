"""``smsjobs demo``: runs the whole system for some seconds. It needs no account and no other installation."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from smsjobs.client import connect
from smsjobs.contract import mask_phone
from smsjobs.job import Job
from smsjobs_shell.sandbox.children import Children
from smsjobs_shell.sandbox.compare import compare
from smsjobs_shell.sandbox.demo_system import demo_system
from smsjobs_shell.terminal.extras import need_extras
from smsjobs_shell.terminal.failure import FAILED
from smsjobs_shell.terminal.language import mark, tr
from smsjobs_shell.terminal.options import with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["demo"]

#: Seconds that all outcomes together may take.
_OUTCOMES_S: Final = 12.0

_WIDE: Final = (
    mark("Message"),
    mark("To"),
    mark("Lane"),
    mark("Outcome"),
    mark("Code"),
    mark("Reason"),
    mark("Aliyun's code"),
    mark("Attempts"),
    mark("Time"),
)
_NARROW: Final = ("Message", "Lane", mark("Outcome, reason,\nAliyun's code"), "Attempts", "Time")


@dataclass(frozen=True, kw_only=True)
class _Message:
    """One of the demo's messages."""

    #: Its name in the table.
    what: str
    element: str = "SMS.Demo"
    phones: tuple[str, ...] = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    template: str
    lane: str
    #: Seconds after which it is not sent any more.
    expires_s: float = 60
    #: The outcome and our code that it must end with.
    expected: tuple[str, int | None] = ("accepted", None)

    @property
    def to(self) -> str:
        """The numbers, masked."""
        first, *others = map(mask_phone, self.phones)
        return f"{first} +{len(others)}" if others else first


_MESSAGES: Final = (
    _Message(
        what=mark("Verification code"),
        phones=("13800138000",),
        params={"code": "123456"},
        template="SMS_100000001",
        lane="verification",
    ),
    _Message(
        what=mark("Notification"),
        phones=("13800138001", "13800138002", "13800138003"),
        params={"name": "张三", "event": "系统维护"},
        template="SMS_100000002",
        lane="notification",
    ),
    _Message(
        what=mark("Unknown template"),
        phones=("13800138004",),
        params={},
        template="SMS_999999999",
        lane="notification",
        expected=("rejected", 46002),
    ),
    _Message(
        what=mark("Aliyun unreachable"),
        element="SMS.Unreachable",
        phones=("13800138005",),
        params={"name": "李四", "event": "系统维护"},
        template="SMS_100000002",
        lane="bulk",
        expires_s=4,
        expected=("not_sent", 46003),
    ),
)


@dataclass(frozen=True, kw_only=True)
class _Ended:
    """A message and its outcome."""

    message: _Message
    #: The job's record.
    details: Mapping[str, Any]
    #: Seconds from enqueuing to the outcome.
    seconds: float

    @property
    def outcome(self) -> Mapping[str, Any]:
        """The outcome's JSON, empty where there is no outcome yet."""
        return self.details["outcome"] or {}

    @property
    def error(self) -> Mapping[str, Any]:
        """The error's JSON, empty for an accepted job."""
        found: Mapping[str, Any] = self.outcome.get("error") or {}
        return found

    @property
    def attempts(self) -> int:
        """How many requests were made."""
        return int(self.error.get("attempts", self.outcome.get("attempts", 0)))

    @property
    def as_expected(self) -> bool:
        """Whether it ended as it must."""
        return (self.details["status"], self.error.get("code")) == self.message.expected

    def to_json(self) -> dict[str, Any]:
        """The message and its outcome for ``--json``."""
        return {
            "what": self.message.what,
            "to": [mask_phone(each) for each in self.message.phones],
            "lane": self.message.lane,
            "job": self.details["id"],
            "outcome": self.details["status"],
            "code": self.error.get("code"),
            "reason": self.error.get("reason"),
            "aliyun_code": self.error.get("aliyun_code"),
            "attempts": self.attempts,
            "seconds": round(self.seconds, 2),
            "as_expected": self.as_expected,
        }


@click.command(
    short_help="See four messages go to a simulated Aliyun.",
    epilog="""\b
Examples:
  smsjobs demo
  smsjobs demo --compare
  smsjobs demo --json | jq '.messages[].outcome'""",
)
@click.option(
    "--compare",
    "compared",
    is_flag=True,
    help="Send one code by a plain Celery task and one by smsjobs instead, while each answer of Aliyun is lost. "
    "Count the texts on each phone.",
)
@with_screen
def demo(screen: Screen, *, compared: bool) -> int:
    """Send four messages to a simulated Aliyun, and show what became of each.

    It starts a private Redis, the simulator and a worker, and removes everything afterwards. No message leaves this
    machine.
    """
    need_extras("worker", "simulator")
    if compared:
        return compare(screen)
    began = time.monotonic()
    with demo_system(screen, tr("Starting Redis, a simulated Aliyun and a worker")) as system:
        with screen.working(tr("Sending {count} messages", count=len(_MESSAGES))):
            ended = _send_all(system.redis_url, system.workers)
        log = system.tail()
        texts = [(item["phones"], item["text"]) for item in system.simulator.accepted()]
    good = all(each.as_expected for each in ended)
    _show(screen, ended, texts, time.monotonic() - began)
    document = {"ok": good, "messages": [each.to_json() for each in ended]}
    screen.document(document if good else document | {"log": log})
    if not good:
        screen.line("\n" + tr("Not every outcome was the expected one.") + f"\n\n{log}")
    return 0 if good else FAILED


def _send_all(redis_url: str, workers: Children) -> list[_Ended]:
    sms = connect(broker_url=redis_url, redis_url=redis_url)
    sent: list[tuple[_Message, Job, float]] = []
    ended: dict[str, _Ended] = {}

    def look() -> bool | None:
        for message, job, at in sent:
            details = {} if job.id in ended else job.info().to_json()
            if details.get("outcome"):
                ended[job.id] = _Ended(message=message, details=details, seconds=time.monotonic() - at)
        return len(ended) == len(sent) or None

    try:
        for each in _MESSAGES:
            job = sms.getElement(each.element).sendMessage(
                phoneList=list(each.phones),
                params=each.params,
                verifyTemplateCode=each.template,
                lane=each.lane,
                expires=each.expires_s,
            )
            sent.append((each, job, time.monotonic()))
        workers.wait_until(tr("the outcomes"), look, within_s=_OUTCOMES_S)
    finally:
        sms.close()
    return [ended[job.id] for _, job, _ in sent]


def _show(screen: Screen, ended: list[_Ended], texts: list[tuple[list[str], str]], seconds: float) -> None:
    screen.line()
    rows = [_wide_row(each) for each in ended]
    wide, narrow = ([tr(each) for each in columns] for columns in (_WIDE, _NARROW))
    if screen.has_room(wide, rows):
        screen.table(wide, rows)
    else:
        screen.table(narrow, [_narrow_row(row) for row in rows])
    screen.line(tr("What Aliyun would have put on the phones:"))
    for phones, text in texts:
        screen.line(f"  {', '.join(map(mask_phone, phones))}\n      {text}")
    screen.line(
        "\n" + tr("Done in {seconds} s; everything is stopped and removed. Next:", seconds=f"{seconds:.0f}")
    )
    us = _command()
    screen.line(f"  {us} dev            " + tr("the same, left running for your own code"))
    screen.line(f"  {us} send --help    " + tr("send a message from the shell"))
    screen.line(f"  {us} elements       " + tr("check the elements that you wrote: SMS/<Name>/e.json"))


def _command() -> str:
    """How to type ``smsjobs`` here: its name if it is on PATH, else its path."""
    ours = Path(sys.executable).with_name("smsjobs")
    if shutil.which("smsjobs") or not ours.exists():
        return "smsjobs"
    here = Path.cwd()
    return shlex.quote(str(ours.relative_to(here) if ours.is_relative_to(here) else ours))


def _wide_row(each: _Ended) -> tuple[str, ...]:
    message, error = each.message, each.error
    return (
        tr(message.what),
        message.to,
        message.lane,
        each.details["status"],
        str(error.get("code", "-")),
        error.get("reason") or "-",
        error.get("aliyun_code") or "-",
        str(each.attempts),
        f"{each.seconds:.1f} s",
    )


def _narrow_row(row: tuple[str, ...]) -> tuple[str, ...]:
    """The row for 80 columns: what belongs together stands in one cell."""
    what, to, lane, outcome, code, reason, aliyun_code, *rest = row
    told = (f"{outcome} {code}", reason, aliyun_code)
    return (f"{what}\n{to}", lane, "\n".join(each.removesuffix(" -") for each in told if each != "-"), *rest)

"""Which messages are let in, and what is left of them: an id, a task, two times, and a text that is not read yet."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from smsjobs.contract import SEND_TASK, SUBMIT_TASK, read_traceparent

__all__ = ["MAX_BYTES", "PROBLEMS", "Admitted", "Dropped", "Problem", "admit", "read_arguments"]

#: The longest body, in bytes. A job with 1,000 numbers has less than a tenth of it.
MAX_BYTES: Final = 256 * 1024

#: Ids that can be answered. A job's id has fewer characters; this is what may stand in a key and a log line.
_ANSWERABLE: Final = re.compile(r"[!-~]{1,255}", re.ASCII)

#: The longest text of a time.
_MAX_TIME: Final = 64

Problem = Literal["task", "compressed", "content_type", "too_large", "text", "time", "arguments"]

#: What is wrong with a message that has an id, for its sender.
PROBLEMS: Final[Mapping[Problem, str]] = {
    "task": "workers of smsjobs run smsjobs.send and smsjobs.submit and no other task",
    "compressed": "a compressed message is not read: send it without compression",
    "content_type": "only JSON is read: send it with serializer='json'",
    "too_large": f"the message is longer than {MAX_BYTES} bytes",
    "text": "the message is not UTF-8 text",
    "time": "eta and expires must be times as Celery writes them",
    "arguments": "the message is not JSON with a list of arguments and an object of named ones",
}


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A message that is answered under its id: with its job's outcome, or with its problem."""

    task: str
    id: str
    #: The arguments as JSON, not read yet; empty where there is a problem.
    text: str = field(default="", repr=False)
    #: When it expires, in seconds since 1970.
    expires: float | None = None
    #: Before when it is not to be carried out, in seconds since 1970.
    eta: float | None = None
    problem: Problem | None = None
    #: The place of its sender's span in a trace, if that is recorded.
    traceparent: str | None = None


class Dropped(NamedTuple):
    """A message that nobody can be told of."""

    #: Why, as a stable word.
    reason: Literal["headers", "id"]


def admit(
    *, headers: Any, body: Any, content_type: Any, content_encoding: Any, broken: bool = False
) -> Admitted | Dropped:
    """Look at a message of Celery's protocol 2 before anybody reads or stores anything of it.

    Args:
        headers: Its headers.
        body: Its body.
        content_type: What it says that its body is.
        content_encoding: Likewise.
        broken: Whether its body could not be had as it is.
    """
    if not isinstance(headers, Mapping):
        return Dropped("headers")
    task_id, task = headers.get("id"), headers.get("task")
    if not isinstance(task_id, str) or not _ANSWERABLE.fullmatch(task_id):
        return Dropped("id")
    # A task that does not exist is refused as a nudge is that cannot be read.
    known = task if task in (SEND_TASK, SUBMIT_TASK) else SEND_TASK
    problem = _problem(task, headers, body, content_type, content_encoding, broken)
    if problem:
        return Admitted(task=known, id=task_id, problem=problem)
    try:
        text = str(body, "utf-8") if isinstance(body, (bytes, bytearray, memoryview)) else str(body)
        if len(text.encode()) > MAX_BYTES:
            return Admitted(task=known, id=task_id, problem="too_large")
    except UnicodeError:
        return Admitted(task=known, id=task_id, problem="text")
    try:
        expires, eta = _time(headers.get("expires")), _time(headers.get("eta"))
    except (ValueError, TypeError, OverflowError):
        return Admitted(task=known, id=task_id, problem="time")
    traceparent = read_traceparent(headers.get("traceparent"))
    return Admitted(task=known, id=task_id, text=text, expires=expires, eta=eta, traceparent=traceparent)


def _problem(
    task: Any, headers: Mapping[Any, Any], body: Any, content_type: Any, content_encoding: Any, broken: bool
) -> Problem | None:
    if task not in (SEND_TASK, SUBMIT_TASK):
        return "task"
    if headers.get("compression"):
        return "compressed"
    if content_type != "application/json" or str(content_encoding).lower() not in ("utf-8", "utf8"):
        return "content_type"
    if broken or not isinstance(body, (bytes, bytearray, memoryview, str)):
        return "text"
    return "too_large" if len(body) > MAX_BYTES else None


def read_arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Read the arguments of a message: those in order, and those by name. What else it asks of Celery is left out.

    Raises:
        ValueError: They are not there.
    """
    try:
        match json.loads(text, parse_constant=_no_number):
            case [list() as args, dict() as kwargs, *_]:
                return args, kwargs
    except RecursionError:
        pass
    raise ValueError


def _no_number(_: str) -> Any:
    raise ValueError  # NaN and infinities, which JSON has not


def _time(given: Any) -> float | None:
    if given is None:
        return None
    if not isinstance(given, str) or len(given) > _MAX_TIME:
        raise ValueError
    at = datetime.fromisoformat(given)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()

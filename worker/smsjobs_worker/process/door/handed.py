"""What the door hands to a task."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from smsjobs.contract import InvalidArguments
from smsjobs_worker.process.door.message import PROBLEMS, Problem, read_arguments

__all__ = ["Handed"]


@dataclass(frozen=True)
class Handed:
    """A message as it was let in. The order of the fields is that of the tasks' arguments."""

    #: Its arguments as JSON, not read yet.
    text: str = field(repr=False)
    #: When it expires, in seconds since 1970.
    expires: float | None = None
    #: Before when it is not to be carried out, in seconds since 1970.
    eta: float | None = None
    #: Why it was not read.
    problem: Problem | None = None
    #: The place of its sender's span in a trace, if that is recorded.
    traceparent: str | None = None

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """Return its arguments: those in order, and those by name.

        Raises:
            InvalidArguments: They cannot be read, or were not.
        """
        if self.problem:
            raise InvalidArguments(PROBLEMS[self.problem], reason="job_unreadable")
        try:
            return read_arguments(self.text)
        except ValueError:
            raise InvalidArguments(PROBLEMS["arguments"], reason="job_unreadable") from None

    def left_s(self) -> float | None:
        """Return the seconds until it expires: then its job does, too."""
        return None if self.expires is None else round(self.expires - time.time(), 3)

    def countdown_s(self, given: Any) -> Any:
        """Return the seconds before which its job is not sent, by its `eta` and by the field of its job, if that is a number."""
        left = max(0.0, round((self.eta or 0.0) - time.time(), 3))
        if given is None:
            return left
        return max(left, given) if isinstance(given, (int, float)) else given

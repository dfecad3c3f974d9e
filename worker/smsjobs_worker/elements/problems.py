"""What is wrong with an element, and how to fix it. A problem never carries a value from a file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from smsjobs.contract import InvalidArguments

__all__ = ["Broken", "Problem", "plain"]

#: The name of a key, as keys are called: words of up to 24 letters, and up to 3 digits. Any other may be a secret that was
#: pasted in the wrong place.
_NAME: Final = re.compile(r"(?!(?:\D*\d){4})(?!.*[A-Za-z0-9]{25})[\w.\[\]-]{1,80}", re.ASCII)

_NOT_SHOWN: Final = "(not shown, it may be a secret)"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with an element."""

    #: The element's full name.
    element: str
    #: The file, relative to the app's directory where it lies inside; empty where no single file is to blame.
    file: str = ""
    #: The key in that file; empty where it is the file as a whole.
    key: str = ""
    #: What is wrong, in a few words.
    cause: str
    #: How to fix it.
    hint: str
    #: ``"error"``: the element does not load. ``"warning"``: it loads, and is probably not what was meant.
    level: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        if self.key and _NAME.fullmatch(self.key) is None:
            object.__setattr__(self, "key", _NOT_SHOWN)

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.file, f"key {self.key}" if self.key else "") if part)
        return f"{self.element}: {place + ': ' if place else ''}{self.cause}; {self.hint}"


class Broken(InvalidArguments):
    """An element that does not load, with all its problems. It stays inside this package: see `plain`."""

    def __init__(self, problems: Iterable[Problem], reason: str = "element_invalid") -> None:
        self.problems = tuple(problems)
        super().__init__(" | ".join(str(each) for each in self.problems), reason=reason)


def plain(error: Broken) -> InvalidArguments:
    """The same as the error callers know, whose class every producer can rebuild."""
    return InvalidArguments(
        error.message,
        reason=error.reason,
        argument="element" if error.reason == "element_not_found" else None,
    )

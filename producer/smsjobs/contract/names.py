"""The full name of an element, such as ``SMS.YourSmsName``: its path from the app root with ``.`` for ``/``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from smsjobs.contract.bounds import MAX_ELEMENT
from smsjobs.contract.errors import InvalidArguments

__all__ = ["check_full_name", "nearest_name"]

#: How alike two names are of which one may be a slip of the other.
_ALIKE: Final = 0.75

_FULL_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)


def check_full_name(name: Any) -> str:
    """The name itself. Every segment of it must be a plain word, so that no path leaves the app's directory.

    Raises:
        InvalidArguments: It is not a valid full name (``reason="element_not_found"``).
    """
    if isinstance(name, str) and len(name) > MAX_ELEMENT:
        raise InvalidArguments(
            f"element has {len(name)} characters; at most {MAX_ELEMENT} are permitted",
            reason="element_not_found",
            argument="element",
        )
    if not isinstance(name, str) or _FULL_NAME.fullmatch(name) is None:
        raise InvalidArguments(
            "element must be words joined by dots, such as SMS.YourSmsName; "
            "a word begins with a letter or _ and has letters, digits and _ only",
            reason="element_not_found",
            argument="element",
        )
    return name


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name of which this one may be a slip; None if there is none alike. Capitals do not matter."""
    from difflib import get_close_matches  # noqa: PLC0415  only whoever has a wrong name needs it

    # What nearly all names begin with must not make them alike.
    by_short = {each.casefold().removeprefix("sms."): each for each in known}
    found = get_close_matches(name.casefold().removeprefix("sms."), by_short, n=1, cutoff=_ALIKE)
    return by_short[found[0]] if found else None

"""The full name of an element, such as ``SMS.YourSmsName``: its path from the app root with ``.`` for ``/``."""

from __future__ import annotations

import re
from typing import Any, Final

from smsjobs.contract.bounds import MAX_ELEMENT
from smsjobs.contract.errors import InvalidArguments

__all__ = ["check_full_name"]

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

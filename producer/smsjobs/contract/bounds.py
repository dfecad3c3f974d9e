"""How much of each thing a caller may pass. What is beyond a bound is refused before it is stored, and the text names the bound.

Aliyun has narrower rules of its own, such as 35 characters of a value. These bounds protect workers and Redis. They are
wide enough for everything that Aliyun could accept.
"""

from __future__ import annotations

import math
from typing import Any, Final

from smsjobs.contract.errors import InvalidArguments

__all__ = [
    "MAX_DEPTH",
    "MAX_ELEMENT",
    "MAX_ITEMS",
    "MAX_KEY",
    "MAX_NAME",
    "MAX_PARAMS",
    "MAX_PARAMS_TEXT",
    "MAX_PARAM_NAME",
    "MAX_PARAM_VALUE",
    "MAX_TEMPLATE",
    "MAX_TEMPLATE_TEXT",
    "MOST_EVENTS",
    "check_length",
    "check_timeout",
]

#: Characters of an element's full name.
MAX_ELEMENT: Final = 200

#: Characters of a template's code.
MAX_TEMPLATE: Final = 100

#: Parameters of a message.
MAX_PARAMS: Final = 100

#: Characters of a parameter's name.
MAX_PARAM_NAME: Final = 100

#: Characters of a parameter's value. A message has at most 500, and one abroad at most 1,530.
MAX_PARAM_VALUE: Final = 2_000

#: Characters of all names and values of a message's parameters.
MAX_PARAMS_TEXT: Final = 10_000

#: Characters of an idempotency key.
MAX_KEY: Final = 512

#: Characters of a campaign's name, of a sheet's and of a column's that somebody chooses.
MAX_NAME: Final = 200

#: Characters of a template's text.
MAX_TEMPLATE_TEXT: Final = 10_000

#: Levels of lists, dicts and wrappers in one argument.
MAX_DEPTH: Final = 32

#: Entries of all lists and dicts in one argument.
MAX_ITEMS: Final = 100_000

#: About how many events of one element wait in Redis for a subscriber that does not read. Older ones are dropped.
MOST_EVENTS: Final = 100_000

#: The longest wait that a caller can ask for, in seconds: ten years. A longer one is cut to it.
_LONGEST_WAIT_S: Final = 10 * 365 * 24 * 3600.0


def check_length(argument: str, text: str, most: int, *, label: str | None = None) -> None:
    """Refuse a text that is too long.

    Args:
        argument: The argument's name, for the error.
        most: The most characters that are permitted.
        label: What the message calls it; else the argument's name.

    Raises:
        InvalidArguments: It is longer. The message says how long it is and may be, and does not show it.
    """
    if len(text) > most:
        raise InvalidArguments(
            f"{label or argument} has {len(text)} characters; at most {most} are permitted", argument=argument
        )


def check_timeout(timeout: Any) -> float | None:
    """Return the seconds to wait, or None for no limit.

    Raises:
        InvalidArguments: It is not a number.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or _is_nan(timeout):
        raise InvalidArguments.about(
            "timeout", "must be a number of seconds, or None to wait without a limit"
        )
    return float(min(max(timeout, 0), _LONGEST_WAIT_S))


def _is_nan(number: float) -> bool:
    return isinstance(number, float) and math.isnan(number)

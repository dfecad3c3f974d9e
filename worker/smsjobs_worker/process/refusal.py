"""How a worker that cannot start ends: with the reason and the fix, no traceback, and the status of a wrong setting."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

__all__ = ["refuse_to_start"]

#: As of the shell's commands.
_BAD_SETTING: Final = 2


def refuse_to_start(reason: str) -> NoReturn:
    """End the process. An exception would be shown by the celery command as the last of many lines."""
    print(f"smsjobs: {reason}", file=sys.stderr)  # noqa: T201
    raise SystemExit(_BAD_SETTING)

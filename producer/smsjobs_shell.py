"""The entry point of the command ``smsjobs``. It minds Ctrl-C before anything else is imported, which takes a while.

It stands outside the package because importing anything of a package imports the package first.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

__all__ = ["main"]

#: What `smsjobs.cli.program` writes of a Ctrl-C; it need not be there yet.
_TEXT: Final = "\nInterrupted.\n"
_JSON: Final = """{
  "error": {
    "reason": "interrupted",
    "message": "interrupted"
  }
}
"""


def main() -> None:
    """Run the command."""
    # A shell that starts it in the background has SIGINT ignored, and then it stays so.
    minded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if minded:
        signal.signal(signal.SIGINT, _end)
    from smsjobs.cli import main as run  # noqa: PLC0415  this is what takes a while

    if minded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _end(number: int, _: FrameType | None) -> NoReturn:
    """End at once: nothing is begun yet. An exception would not do, Python drops some that come during an import."""
    if "--json" in sys.argv:
        os.write(1, _JSON.encode())
    else:
        os.write(2, _TEXT.encode())
    os._exit(128 + number)

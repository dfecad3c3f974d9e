"""A command of the shell on a terminal, with somebody who types."""

import os
import pty
import re
import select
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from support.nursery import nursery

#: What colours a text, moves the cursor, or hides it.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """The command ``smsjobs`` on a terminal of 80 columns and 24 lines.

    Args:
        words: The command line, without the program's name.
        env: The whole environment.
        cwd: Where it runs.
    """

    def __init__(self, *words: str, env: Mapping[str, str], cwd: Path) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        env = {"TERM": "xterm-256color", **env}
        self._process = nursery().start(
            "smsjobs_shell", words, env=env, cwd=cwd, stdout=theirs, stderr=theirs, stdin=theirs
        )
        os.close(theirs)
        self._read = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        os.close(self._ours)

    @property
    def written(self) -> str:
        """What was written so far, as it was written."""
        return self._read

    @property
    def text(self) -> str:
        """What was written so far, without escape codes."""
        return _ESCAPES.sub("", self._read).replace("\r", "")

    def until(self, words: str, timeout: float = 30) -> None:
        """Wait until those words are written."""
        limit = time.monotonic() + timeout
        while words not in self.text:
            assert self._more(limit), f"it ended before {words!r}: {self.text}"

    def type(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    def end(self, timeout: float = 30) -> int:
        """Wait for its end; its exit status."""
        limit = time.monotonic() + timeout
        while self._more(limit):
            pass
        return self._process.wait(max(1, limit - time.monotonic()))

    def _more(self, limit: float) -> bool:
        """Read what comes next; False: it has ended."""
        ready, _, _ = select.select([self._ours], [], [], max(0, limit - time.monotonic()))
        assert ready, f"nothing more is written: {self.text}"
        try:
            found = os.read(self._ours, 65536)
        except OSError:  # as Linux tells that nobody has the other side any more
            return False
        self._read += found.decode(errors="replace")
        return bool(found)

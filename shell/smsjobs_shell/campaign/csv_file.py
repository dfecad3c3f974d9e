"""A CSV file for Excel. It takes the place of an older one only when it is whole."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.language import tr

__all__ = ["CsvFile"]


class CsvFile:
    """The file while it is written. Leaving the block before `keep` leaves an older file as it was.

    Args:
        output: Where it is to be.
        what: What it holds, for the error's text.
    """

    def __init__(self, output: Path, what: str) -> None:
        self._output = output
        self._what = what
        # A pipe, say, is written directly: it has no content that could be kept.
        is_direct = output.exists() and not output.is_file()
        self._part = output if is_direct else output.with_name(f".{output.name}.part")
        with self._telling():
            # The byte order mark tells Excel that it is UTF-8.
            self._file = self._part.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        if self._part != self._output:
            self._part.unlink(missing_ok=True)

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows.

        Raises:
            CommandFailed: They cannot be written.
        """
        with self._telling():
            self._writer.writerows(rows)

    def keep(self) -> None:
        """Let the file take its place. Nothing is written to it any more.

        Raises:
            CommandFailed: It cannot be written.
        """
        with self._telling():
            self._file.close()
            if self._part != self._output and self._part.exists():
                self._part.replace(self._output)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise CommandFailed(
                tr(
                    "{what} could not be written to {file}: {why}",
                    what=self._what,
                    file=self._output,
                    why=why,
                ),
                "not_written",
            ) from None

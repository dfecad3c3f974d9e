"""The rows that are left out, in a file: ``--rejects``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from smsjobs.campaign import Order
from smsjobs.campaign.report import for_excel
from smsjobs_shell.campaign.csv_file import CsvFile
from smsjobs_shell.terminal.language import tr

if TYPE_CHECKING:
    from smsjobs.campaign.recipients import Row

__all__ = ["Rejects", "rejects_file"]


class Rejects:
    """Takes rows that are left out: line and reason, and then the cells as they stand in the input."""

    def __init__(self, file: CsvFile | None) -> None:
        self._file = file

    def __call__(self, row: Row, cells: Sequence[str | None]) -> None:
        """Take a row."""
        if self._file is not None:
            self._file.write([[row.line, *map(for_excel, (row.reason, *(cell or "" for cell in cells)))]])

    def keep(self) -> None:
        """Let the file take its place: all rows are read."""
        if self._file is not None:
            self._file.keep()


@contextlib.contextmanager
def rejects_file(output: Path | None, order: Order) -> Iterator[Rejects]:
    """What takes the rows. Without a file it drops them.

    Raises:
        CommandFailed: The file cannot be written.
    """
    if output is None:
        yield Rejects(None)
        return
    with CsvFile(output, tr("the rows that are left out")) as file:
        file.write([["line", "reason", *map(for_excel, order.recipients.table.columns)]])
        yield Rejects(file)

"""What every source of recipients becomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from smsjobs.campaign.filenames import readable
from smsjobs.campaign.tables.faults import bad_recipients

__all__ = ["Record", "Table", "is_blank", "is_seen", "reading"]


class Record(NamedTuple):
    """A row of a table, read and not yet understood."""

    #: Where it stands: a line of the file, a row of the sheet, or a count from 1; rising.
    line: int
    #: Its cells in the order of the columns. None is one that cannot be read. A row may be shorter or longer; a blank
    #: one has none.
    cells: Sequence[str | None]
    #: Why it is left out whatever its cells say, as a stable word; else empty.
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Recipients as their source has them."""

    #: Names of the columns.
    columns: tuple[str, ...]
    #: Which of them has the numbers.
    phone: int
    #: The rows below the columns' names, once, blank ones included.
    records: Iterator[Record]
    #: Blank rows above the columns' names.
    blank: int = 0
    #: The file's name as it can be shown; empty for an iterable.
    file: str = ""
    #: The sheet's name, where it is a workbook.
    sheet: str = ""


def is_blank(cells: Sequence[str | None]) -> bool:
    """Whether there is nothing in a row, not even a blank."""
    return cells.count("") == len(cells)


def is_seen(cells: Sequence[str | None]) -> bool:
    """Whether a row has more than blanks, and so may name the columns."""
    return any(cell is None or cell.strip() for cell in cells)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tells what the system refuses as an error of ours."""
    try:
        yield
    except OSError as error:
        # Not the error's own text, which has the whole path.
        raise bad_recipients(
            f"{readable(path.name)} cannot be read: {error.strerror or 'the system refuses it'}"
        ) from None

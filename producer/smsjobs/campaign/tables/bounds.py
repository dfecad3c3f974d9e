"""How large a file of recipients may be. What is beyond is refused with a text that names the bound.

So a file of any size and shape is read in bounded memory, and in time that grows with what it unpacks to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final

from smsjobs.campaign.tables.faults import bad_recipients

__all__ = [
    "MAX_CELLS",
    "MAX_COLUMNS",
    "MAX_ROWS",
    "MAX_ROW_CHARACTERS",
    "BoundedLines",
    "CountedBytes",
    "check_columns",
]

#: Columns of a table, and names of a record. It is Excel's own limit.
MAX_COLUMNS: Final = 16_384

#: Cells of all rows, the empty ones between others included.
MAX_CELLS: Final = 100_000_000

#: Rows that are not blank. The numbers of so many take 350 MB of memory while they are compared.
MAX_ROWS: Final = 5_000_000

#: Characters of a row, with all its cells and however many lines it has.
MAX_ROW_CHARACTERS: Final = 1_000_000


def check_columns(count: int, file: str) -> None:
    """Refuse a table that has too many columns.

    Raises:
        InvalidArguments: It has more than `MAX_COLUMNS`.
    """
    if count > MAX_COLUMNS:
        raise bad_recipients(
            f"{file or 'the first record'} has {count} columns; at most {MAX_COLUMNS} are permitted"
        )


class BoundedLines:
    """The lines of a text file, without ever holding one that is too long. A row may have several.

    Args:
        file: The open file.
        name: Its name as an error shows it.

    Attributes:
        row: Characters since it was last set to 0, which whoever reads does after each row.

    Raises:
        InvalidArguments: A row is longer than `MAX_ROW_CHARACTERS`.
    """

    def __init__(self, file: IO[str], name: str) -> None:
        self._file = file
        self._name = name
        self._line = 0
        self.row = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(MAX_ROW_CHARACTERS + 1):
            self._line += 1
            self.row += len(line)
            if self.row > MAX_ROW_CHARACTERS:
                raise bad_recipients(
                    f"the row at line {self._line} of {self._name} has more than {MAX_ROW_CHARACTERS} characters, "
                    "which is the most that is permitted"
                )
            yield line


class CountedBytes:
    """A binary file that counts what is read of it.

    Args:
        file: The open file.
        most: Bytes that may be read between two resets.

    Raises:
        ValueError: More was read.
    """

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._most = most
        self._read = 0

    def reset(self) -> None:
        """Begin to count anew."""
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        found = self._file.read(size)
        self._read += len(found)
        if self._read > self._most:
            raise ValueError(f"more than {self._most} bytes belong together")
        return found

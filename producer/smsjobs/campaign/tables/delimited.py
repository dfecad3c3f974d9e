"""CSV and its like: which encoding, which delimiter, and every row."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from smsjobs.campaign.filenames import readable
from smsjobs.campaign.tables.bounds import BoundedLines
from smsjobs.campaign.tables.columns import choose, clean_names, phone_columns
from smsjobs.campaign.tables.faults import bad_recipients
from smsjobs.campaign.tables.table import Record, Table, is_blank, is_seen, reading

__all__ = ["find_delimiter", "find_encoding", "open_delimited", "undecodable"]

_DELIMITERS: Final = (",", "\t", ";")

#: A first line that tells Excel the delimiter. It is not a row of the table. Excel puts further delimiters behind it when it saves.
_HINT: Final = re.compile(r'"?sep=([,;\t|])"?[,;\t|]*', re.IGNORECASE)

#: Bytes read at a time while the encoding is found out.
_BLOCK: Final = 1 << 20

#: A file with a byte order mark is what its mark says, or broken.
_MARKED: Final = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)

_HANZI: Final = re.compile(r"[\u4e00-\u9fff]")

#: So many hanzi in UTF-8, and nothing before them that is not, are no accident of GB18030. The first byte of its 3,755
#: common hanzi is below E0, so that all that a run of them can look like is letters of two bytes, which do not count: a
#: whole column of 女士 is UTF-8. For two hanzi in UTF-8 three in GB18030 are needed, a rare one first; of all triples in
#: GB 2312 one in 35,000 fits. Four take two of these, and around them no word that is no UTF-8, as 6 in 7 hanzi are.
#: Where it errs all the same, a file is refused; where it did not ask, everybody would get another name.
_PROOF: Final = 4

_SAVE_AS: Final = "save the file as CSV UTF-8"

#: A NUL in fewer bytes than this does not make a text UTF-16.
_RARE: Final = 20

#: Rows below the first that may have the columns' names.
_LOOKED_AT: Final = 10

#: A text that Excel may take for a number, as programs write it so that it does not.
_WRAPPED: Final = re.compile(r'="((?:[^"]|"")*)"')

#: The same by a mark before it; also what keeps a text from being taken for a formula.
_MARKED_TEXT: Final = re.compile(r"['`](?=[=+\-@\t\r]|[0-9]+$)", re.ASCII)

_FIRST: Final = frozenset("='`")


def open_delimited(path: Path, wanted: str | None) -> Table:
    """The table of a CSV or the like.

    Args:
        wanted: The name of the numbers' column, or None.

    Raises:
        InvalidArguments: Its encoding is unknown, or it names no columns.
    """
    file_name = readable(path.name)
    encoding = find_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        lines = BoundedLines(file, file_name)
        heading = ""
        for heading in lines:
            lines.row = 0
            if heading.strip():
                break
        below = []
        for line in islice(lines, _LOOKED_AT):
            below.append(line)
            lines.row = 0
    if len(heading) > csv.field_size_limit():
        raise bad_recipients(f"line 1 of {file_name} is too long to name columns: {_SAVE_AS}")
    hint = _HINT.fullmatch(heading.strip("\r\n"))
    delimiter = hint[1] if hint else find_delimiter(heading, wanted)
    records = _records(path, encoding, delimiter)
    blank = 0
    names: Sequence[str | None] = ()
    for record in records:
        if hint and record.line == 1:
            continue
        if is_seen(record.cells):
            names = record.cells
            break
        blank += 1
    columns = clean_names(name or "" for name in names)
    phone = choose(columns, wanted, file=file_name, following=_split(below, wanted))
    return Table(columns=columns, phone=phone, records=records, blank=blank, file=file_name)


def find_encoding(path: Path) -> str:
    """UTF-8, with or without a byte order mark, UTF-16 with one, or GB18030, as Excel saves it in China.

    The whole file is read for it: a file may be UTF-8 to its middle only.

    Raises:
        InvalidArguments: It has another encoding, or is UTF-8 only to a line, which the text names.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, encoding, name in _MARKED:
        if start.startswith(mark):
            if (line := undecodable(path, encoding)) is not None:
                raise bad_recipients(
                    f"line {line} of {readable(path.name)} is not {name} text, which the file begins as: {_SAVE_AS}"
                )
            return encoding
    # In UTF-16 every digit of a number has a NUL. A few NULs are damaged cells of a text like any other.
    if start.count(b"\0") * _RARE > len(start):
        raise bad_recipients(f"{readable(path.name)} looks like UTF-16 without its mark: {_SAVE_AS}")
    if (line := undecodable(path, "utf-8")) is None:
        return "utf-8"
    if _is_chinese(path, line):
        # As GB18030 it could be read as well, most likely, with another name for everybody.
        raise bad_recipients(
            f"line {line} of {readable(path.name)} is not UTF-8 text, and all before it is: fix that line, "
            f"and {_SAVE_AS}"
        )
    if (line := undecodable(path, "gb18030")) is not None:
        raise bad_recipients(
            f"line {line} of {readable(path.name)} is neither UTF-8 nor GB18030 text: {_SAVE_AS}"
        )
    return "gb18030"


def find_delimiter(heading: str, wanted: str | None = None) -> str:
    """Comma, tab or semicolon, whichever splits the header row into most columns, one of them the numbers'.

    Args:
        wanted: The name of the numbers' column, or None.
    """

    def fitness(delimiter: str) -> tuple[bool, int]:
        columns = _cells(heading, delimiter)
        return bool(phone_columns(clean_names(columns), wanted)), len(columns)

    return max(_DELIMITERS, key=fitness)


def undecodable(path: Path, encoding: str) -> int | None:
    """The first line that is not text in that encoding, or None."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                # What of this block could be read; the decoder has kept none of it.
                return lines + error.object[: error.start].decode(error.encoding, "replace").count("\n")
            if not block:
                return None
            lines += text.count("\n")


def _is_chinese(path: Path, line: int) -> bool:
    """Whether the lines before that one, all of them UTF-8, have enough hanzi to be meant as it."""
    found, lines = 0, line - 1
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        while lines and found < _PROOF and (piece := file.readline(_BLOCK)):
            found += sum(1 for _ in islice(_HANZI.finditer(piece), _PROOF))
            lines -= piece.endswith("\n")
    return found >= _PROOF


def _split(lines: Sequence[str], wanted: str | None) -> Iterator[tuple[int, Sequence[str]]]:
    for number, line in enumerate(lines, 2):
        yield number, _cells(line, find_delimiter(line, wanted))


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[Record]:
    with reading(path), path.open(encoding=encoding, newline="") as file:
        # Strict: else a quotation mark that is never closed swallows every row behind it without a word.
        lines = BoundedLines(file, readable(path.name))
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                lines.row = 0
                meant = [_meant(cell) if cell[:1] in _FIRST else cell for cell in cells]
                yield Record(line, () if is_blank(meant) else meant)
                line = reader.line_num + 1
        except csv.Error:
            raise bad_recipients(
                f"the row that begins in line {line} of {readable(path.name)} cannot be read: a quotation mark "
                "may be missing"
            ) from None


def _meant(cell: str) -> str:
    """What was protected from Excel, as it was before."""
    if wrapped := _WRAPPED.fullmatch(cell.strip()):
        return wrapped[1].replace('""', '"')
    return cell[1:] if _MARKED_TEXT.match(cell) else cell

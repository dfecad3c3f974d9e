"""Tables of recipients, read as streams: CSV, JSON lines, Excel workbooks, and whatever Python can iterate over.

Every source becomes the same thing: the names of its columns, and records of a line number and its cells.
"""

from __future__ import annotations

import codecs
import csv
import json
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from smsjobs.campaign.filenames import readable
from smsjobs.contract import InvalidArguments, unwrap

__all__ = ["PHONE_COLUMNS", "Table", "bad_recipients", "open_table"]

#: What the column of the numbers may be called.
PHONE_COLUMNS: Final = ("phone", "手机号")

_ENDINGS: Final = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".xlsx")

_WANTED: Final = (
    f"must be the path of a file that ends in {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}, or an iterable "
    "(a list) of numbers or dicts"
)

_DELIMITERS: Final = (",", "\t", ";")

#: A first line that tells Excel the delimiter, and is no row. Excel puts further delimiters behind it when it saves.
_HINT: Final = re.compile(r'"?sep=([,;\t|])"?[,;\t|]*', re.IGNORECASE)

#: Bytes read at a time while the encoding is found out.
_BLOCK: Final = 1 << 20

#: A file with a byte order mark is what its mark says, or broken.
_MARKED: Final = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)

#: Digits before or behind the point. ``Decimal("1E+999999999")`` would fill the memory as text.
_LONGEST_DECIMAL: Final = 100

_HANZI: Final = re.compile(r"[\u4e00-\u9fff]")

#: So many hanzi in UTF-8, and nothing before them that is not, are no accident of GB18030. The first byte of its 3,755
#: common hanzi is below E0, so that all that a run of them can look like is letters of two bytes, which do not count: a
#: whole column of 女士 is UTF-8. For two hanzi in UTF-8 three in GB18030 are needed, a rare one first; of all triples in
#: GB 2312 one in 35,000 fits. Four take two of these, and around them no word that is no UTF-8, as 6 in 7 hanzi are.
#: Where it errs all the same, a file is refused; where it did not ask, everybody would get another name.
_PROOF: Final = 4

_SAVE_AS: Final = "save the file as CSV UTF-8"

#: A line's number and its cells in the order of the columns, or text: the reason why it cannot be read.
Record = tuple[int, Sequence[str] | str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Recipients as their source has them."""

    #: Names of the columns, blanks around them removed.
    columns: tuple[str, ...]
    #: The records, once. A blank line is none.
    records: Iterator[Record]


def bad_recipients(what: str) -> InvalidArguments:
    """The error of recipients that cannot be used."""
    return InvalidArguments(f"recipients: {what}", argument="recipients")


def open_table(source: Any) -> Table:
    """The table of a file or an iterable.

    Args:
        source: A path that ends in ``.csv``, ``.tsv``, ``.txt``, ``.jsonl``, ``.ndjson`` or ``.xlsx``; or an
            iterable of numbers, of dicts with a key ``phone`` or ``手机号``, or of pairs of number and parameters.

    Raises:
        InvalidArguments: It cannot be read; naming file and line, never what stands there.
    """
    source = source if isinstance(source, (str, Path)) else getattr(source, "value", source)
    if isinstance(source, (str, Path)):
        return _open_file(Path(source))
    if isinstance(source, (bytes, Mapping)) or not isinstance(source, Iterable):
        raise InvalidArguments.about("recipients", _WANTED)
    native = (unwrap(each, "recipients") for each in source)
    return _of_mappings(enumerate(map(_mapping, native), 1))


def _open_file(path: Path) -> Table:
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        # Without its name: it may be no path but a number, which belongs into a list.
        raise InvalidArguments.about("recipients", _WANTED)
    with _reading(path):
        if not path.is_file():
            raise bad_recipients(f"there is no file {readable(path.name)}")
        match ending:
            case ".jsonl" | ".ndjson":
                return _of_mappings(_json_lines(path))
            case ".xlsx":
                return _open_workbook(path)
            case _:
                return _open_csv(path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tells what the system refuses as an error of ours."""
    try:
        yield
    except OSError as error:
        # Not the error's own text, which has the whole path.
        raise bad_recipients(
            f"{readable(path.name)} cannot be read: {error.strerror or 'the system refuses it'}"
        ) from None


# CSV


def _open_csv(path: Path) -> Table:
    encoding = find_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        heading = next((line for line in file if line.strip()), "")
    if len(heading) > csv.field_size_limit():
        raise bad_recipients(f"line 1 of {readable(path.name)} is too long to name columns: {_SAVE_AS}")
    hint = _HINT.fullmatch(heading.strip("\r\n"))
    delimiter = hint[1] if hint else find_delimiter(heading)
    records = _csv_records(path, encoding, delimiter)
    if hint:
        next(records, None)
    _, columns = next(records, (0, ()))
    return Table(columns=_names(columns), records=records)


def find_encoding(path: Path) -> str:
    """UTF-8, with or without a byte order mark, UTF-16 with one, or GB18030, as Excel saves it in China.

    The whole file is read for it: one that is UTF-8 to its middle is none.

    Raises:
        InvalidArguments: It is none of these, or UTF-8 and then another; naming the line.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, encoding, name in _MARKED:
        if start.startswith(mark):
            if (line := _undecodable(path, encoding)) is not None:
                raise bad_recipients(
                    f"line {line} of {readable(path.name)} is not {name} text, as the file begins: {_SAVE_AS}"
                )
            return encoding
    if b"\0" in start:
        raise bad_recipients(f"{readable(path.name)} looks like UTF-16 without its mark: {_SAVE_AS}")
    if (line := _undecodable(path, "utf-8")) is None:
        return "utf-8"
    if _is_chinese(path, line):
        # As GB18030 it could be read as well, most likely, with another name for everybody.
        raise bad_recipients(
            f"line {line} of {readable(path.name)} is not UTF-8 text, but everything before it is: fix that line, "
            f"and {_SAVE_AS}"
        )
    if (line := _undecodable(path, "gb18030")) is not None:
        raise bad_recipients(
            f"line {line} of {readable(path.name)} is neither UTF-8 nor GB18030 text: {_SAVE_AS}"
        )
    return "gb18030"


def find_delimiter(heading: str) -> str:
    """Comma, tab or semicolon, whichever splits the header row into most columns, one of them the numbers'."""

    def fitness(delimiter: str) -> tuple[bool, int]:
        columns = next(csv.reader([heading], delimiter=delimiter), [])
        return phone_column(columns) is not None, len(columns)

    return max(_DELIMITERS, key=fitness)


def _names(columns: Iterable[str]) -> tuple[str, ...]:
    """The columns' names, each of which can be stored."""
    names = tuple(name.strip() for name in columns)
    if not all(map(_is_text, names)):
        raise bad_recipients("a column's name is not text")
    return names


def phone_column(columns: Sequence[str]) -> int | None:
    """The index of the numbers' column."""
    names = [name.strip().lower() for name in columns]
    return next((names.index(name) for name in PHONE_COLUMNS if name in names), None)


def _undecodable(path: Path, encoding: str) -> int | None:
    """The line that is no text in that encoding, or None."""
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
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        hanzi = chain.from_iterable(map(_HANZI.findall, islice(file, line - 1)))
        return sum(1 for _ in islice(hanzi, _PROOF)) == _PROOF


def _csv_records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    with _reading(path), path.open(encoding=encoding, newline="") as file:
        # Strict: else a quotation mark that is never closed swallows every row behind it without a word.
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if any(cells):
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error:
            raise bad_recipients(
                f"the row that begins in line {line} of {readable(path.name)} cannot be read: a quotation mark "
                "may be missing"
            ) from None


# JSON lines, and what Python can iterate over


def _json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    with _reading(path):
        if (line := _undecodable(path, "utf-8")) is not None:
            raise bad_recipients(f"line {line} of {readable(path.name)} is not UTF-8 text: save it as UTF-8")
    with _reading(path), path.open(encoding="utf-8-sig") as file:
        for number, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                yield number, _mapping(json.loads(text))
            except (ValueError, RecursionError):
                yield number, "unreadable"


def _mapping(item: Any) -> Mapping[str, Any] | str:
    """An item as names and values, or the reason why it is none."""
    if isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[1], Mapping):
        number, params = item
        if any(isinstance(name, str) and name.strip().lower() in PHONE_COLUMNS for name in params):
            # Which of the two is meant to be a parameter, nobody knows; and one would be lost.
            return "two_numbers"
        return {**params, PHONE_COLUMNS[0]: number}
    if isinstance(item, (str, int, Decimal)) and not isinstance(item, bool):
        return {"phone": item}
    if not isinstance(item, Mapping) or not all(isinstance(name, str) for name in item):
        return "unreadable"
    return item


def _of_mappings(items: Iterable[tuple[int, Mapping[str, Any] | str]]) -> Table:
    """The columns are the names of the first record that can be read."""
    items = iter(items)
    before: list[tuple[int, Mapping[str, Any] | str]] = []
    columns: tuple[str, ...] = (PHONE_COLUMNS[0],)
    for number, item in items:
        before.append((number, item))
        if not isinstance(item, str):
            columns = tuple(item)
            break
    names = columns
    records = (
        (number, item if isinstance(item, str) else _cells(item, names))
        for number, item in chain(before, items)
    )
    return Table(columns=_names(columns), records=records)


def _cells(item: Mapping[str, Any], columns: Sequence[str]) -> Sequence[str] | str:
    if not item.keys() <= set(columns):
        # A name that the first record lacks would be dropped, and the message go out with another value.
        return "unknown_column"
    cells = [_text(item.get(name)) for name in columns]
    return "unreadable" if None in cells else [cell or "" for cell in cells]


def _text(value: Any) -> str | None:
    """A cell as text; None for what has no text of its own."""
    try:
        match value:
            case None:
                return ""
            case str():
                return value if value.isascii() or _is_text(value) else None
            case bool():
                return None
            case int():
                return str(value)
            case float() if math.isfinite(value):
                # Not its own repr: numpy's has the name of its type.
                return str(int(value)) if value.is_integer() else float.__repr__(value)
            case Decimal() if value.is_finite() and abs(value.adjusted()) < _LONGEST_DECIMAL:
                return f"{value:f}"
            case datetime() if value.time() == time():
                return value.date().isoformat()
            case datetime():
                return value.isoformat(sep=" ", timespec="seconds")
            case date() | time():
                return value.isoformat()
            case _:
                return None
    except ValueError:
        # An int of more than 4,300 digits, which Python does not write out, or pandas' NaT, which calls itself a date.
        return None


def _is_text(value: str) -> bool:
    """Whether it can be sent. JSON can hold halves of letters, which no encoding has."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


# Excel


def _open_workbook(path: Path) -> Table:
    try:
        import openpyxl  # noqa: PLC0415  only where a workbook is read
    except ImportError:
        raise bad_recipients("reading .xlsx files needs an extra: pip install 'smsjobs[xlsx]'") from None
    try:
        # As a stream, and the values that Excel computed in place of formulas.
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except OSError:
        raise
    except Exception:  # noqa: BLE001  it raises whatever the archive or its XML provokes
        raise bad_recipients(
            f"{readable(path.name)} is not a valid Excel workbook: open it in Excel and save it as .xlsx or CSV UTF-8"
        ) from None
    # It tells a number that is shown as a date, which is too large for one: a phone number, most likely.
    warnings.filterwarnings("ignore", message="Cell .* is marked as a date", module="openpyxl")
    records = _sheet_records(path, book)
    number, columns = next(records, (0, ()))
    if isinstance(columns, str):
        raise bad_recipients(
            f"row {number} of {readable(path.name)} must name the columns, and has a cell that is not text"
        )
    return Table(columns=_names(columns), records=records)


def _sheet_records(path: Path, book: Any) -> Iterator[Record]:
    number = 0
    try:
        with _reading(path):
            for number, row in enumerate(book.worksheets[0].iter_rows(), 1):
                # What Excel shows where a formula failed, such as #N/A, is text but for its type.
                cells = [None if cell.data_type == "e" else _text(cell.value) for cell in row]
                if None in cells:
                    yield number, "unreadable"
                elif any(cells):
                    yield number, [cell or "" for cell in cells]
    except InvalidArguments:
        raise
    except Exception:  # noqa: BLE001  as above; the rows are only read here
        raise bad_recipients(
            f"row {number + 1} of {readable(path.name)} cannot be read, the workbook is damaged: open it in Excel "
            "and save it as .xlsx or CSV UTF-8"
        ) from None
    finally:
        book.close()

"""The rows of a workbook's sheet, as people see them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import IO, Final
from xml.etree import ElementTree as ET

from smsjobs.campaign.tables.bounds import MAX_COLUMNS, CountedBytes
from smsjobs.campaign.tables.number_format import general, is_date, show_number, show_text
from smsjobs.contract import is_whole, read_phone

__all__ = ["Cells", "Row", "local_name", "parts_of", "read_rows", "string_of", "unescape"]

#: Rows of a sheet, by Excel's own limit.
_MOST_ROWS: Final = 1_048_576

#: Most bytes of a row, or of one element outside the rows. A row of 16,384 usual cells has 2 million.
_MOST_BYTES: Final = 4 * 2**20

#: Levels of elements around rows and texts.
_DEEPEST: Final = 64

#: How a file writes a character that XML cannot have.
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")

#: A formula that is nothing but a text.
_TEXT_FORMULA: Final = re.compile(r'\s*"((?:[^"]|"")*)"\s*')

_REFERENCE: Final = re.compile(r"([A-Z]{1,3})[0-9]{1,7}", re.ASCII)

_TRUE: Final = ("1", "true", "on")

#: The number of a row, whether it is hidden, and its cells.
Row = tuple[int, bool, list[ET.Element | None]]


def local_name(element: ET.Element) -> str:
    """An element's name without its name space, of which there are two for the same."""
    return element.tag[element.tag.rfind("}") + 1 :]


def read_rows(file: IO[bytes]) -> Iterator[Row]:
    """The rows that a sheet has, rising, whatever its ``<dimension>`` says.

    Raises:
        ValueError: It is damaged.
    """
    data: ET.Element | None = None
    number = 0
    for element in parts_of(file, "row"):
        name = local_name(element)
        if name == "sheetData":
            data = element
        elif name == "row" and data is not None:
            before, number = number, int(element.get("r") or number + 1)
            if not before < number <= _MOST_ROWS:
                raise ValueError("the numbers of the rows do not rise")
            yield number, element.get("hidden") in _TRUE, _in_columns(element)


def parts_of(file: IO[bytes], whole: str) -> Iterator[ET.Element]:
    """The elements of an XML file, without ever holding more than one of those that are wanted.

    Args:
        whole: The name of those that are given with all that is in them. The others are given when they begin, and are
            then still empty.

    Raises:
        ValueError: One element is too large, or it is not valid XML.
    """
    counted = CountedBytes(file, _MOST_BYTES)
    open_: list[ET.Element] = []
    inside: ET.Element | None = None
    for event, element in ET.iterparse(counted, events=("start", "end")):  # noqa: S314  it needs no more than read(); Python's expat bounds entities
        if inside is not None:
            if event == "start" or element is not inside:
                continue
            yield element
            inside = None
        elif event == "start":
            if len(open_) >= _DEEPEST:
                raise ValueError("its elements are nested too deeply")
            if local_name(element) == whole:
                inside = element
            else:
                open_.append(element)
                yield element
            continue
        else:
            open_.pop()
        counted.reset()
        if open_:
            # It would hold the whole sheet otherwise.
            open_[-1].clear()


def _in_columns(row: ET.Element) -> list[ET.Element | None]:
    cells: list[ET.Element | None] = []
    for cell in row:
        if local_name(cell) != "c":
            continue
        column = len(cells)
        if reference := cell.get("r"):
            column = _column(reference)
        if column >= MAX_COLUMNS:
            raise ValueError("a cell is beyond the last column")
        cells.extend([None] * (column + 1 - len(cells)))
        cells[column] = cell
    return cells


def _column(reference: str) -> int:
    """The index of a cell's column, as in ``AB12``."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise ValueError("a cell's place is not valid")
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return column - 1


class Cells:
    """Reads cells as what a spreadsheet shows for them.

    Args:
        strings: The workbook's table of texts; None is one that cannot be read.
        formats: The format codes by a cell's style.
        since_1904: Whether days are counted from 1904.
        stale: Whether formulas are to be computed when the workbook is opened.
    """

    def __init__(
        self, *, strings: Sequence[str | None], formats: Sequence[str], since_1904: bool, stale: bool
    ) -> None:
        self._strings = strings
        self._formats = formats
        self._since_1904 = since_1904
        self._stale = stale

    def text(self, cell: ET.Element | None, *, of_phone: bool = False) -> str | None:
        """What is shown, or None where it cannot be read: an error, true or false, a formula that was never computed.

        Args:
            of_phone: Whether a number is a phone number: it is read as such also where its format hides that.
        """
        if cell is None:
            return ""
        kind = cell.get("t", "n")
        value = formula = inline = None
        for child in cell:
            match local_name(child):
                case "v":
                    value = child.text or ""
                case "f":
                    formula = child.text or ""
                case "is":
                    inline = child
        code = self._code(cell)
        if formula is not None and self._is_open(kind, value):
            found = _TEXT_FORMULA.fullmatch(formula)
            return None if found is None else show_text(found[1].replace('""', '"'), code)
        if kind == "inlineStr":
            return _shown_text("" if inline is None else string_of(inline), code)
        if not value:
            return ""
        try:
            match kind:
                case "s":
                    return _shown_text(self._strings[int(value)], code)
                case "str":
                    return _shown_text(unescape(value), code)
                case "n":
                    return self._number(float(value), code, of_phone=of_phone)
                case "d":
                    return self._number(_serial(value), code, of_phone=False)
                case _:
                    return None
        except (ValueError, IndexError):
            # It is not what its type says.
            return None

    def _code(self, cell: ET.Element) -> str:
        style = int(cell.get("s") or 0)
        return self._formats[style] if style < len(self._formats) else "General"

    def _is_open(self, kind: str, value: str | None) -> bool:
        """Whether nobody has computed a formula. What computes to no text has a value, an empty one, of that type."""
        if not value:
            return kind != "str" or value is None
        # XlsxWriter writes 0 for each, and asks whoever opens it to compute them.
        return self._stale and kind == "n" and value == "0"

    def _number(self, value: float, code: str, *, of_phone: bool) -> str | None:
        shown = show_number(value, code, since_1904=self._since_1904)
        if of_phone and not is_date(code) and read_phone(shown or "")[1] == "not_a_phone_number":
            return general(value)
        return shown


def string_of(element: ET.Element) -> str | None:
    """The text of ``<si>`` or ``<is>``, without what stands above Japanese words; None where it cannot be sent."""
    runs = [element, *(each for each in element if local_name(each) == "r")]
    return unescape("".join(each.text or "" for run in runs for each in run if local_name(each) == "t"))


def unescape(text: str) -> str | None:
    """The text with ``_x000D_`` and the like as the characters that they stand for."""
    if "_x" not in text:
        return text
    found = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    whole = found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole if is_whole(found) or "\ufffd" not in whole else None


def _shown_text(text: str | None, code: str) -> str | None:
    return None if text is None else show_text(text, code)


def _serial(text: str) -> float:
    """A date in ISO 8601 as a number of days."""
    moment = datetime.fromisoformat(text).replace(tzinfo=None)
    return (moment - datetime(1899, 12, 30)).total_seconds() / 86_400  # noqa: DTZ001  as it is written

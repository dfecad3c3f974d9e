"""Excel workbooks (.xlsx): their sheets, formats and texts, and which sheet is read."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final
from xml.etree import ElementTree as ET

from smsjobs.campaign.filenames import readable
from smsjobs.campaign.tables.columns import choose, clean_names, phone_columns, shown
from smsjobs.campaign.tables.faults import bad_recipients
from smsjobs.campaign.tables.number_format import BUILT_IN
from smsjobs.campaign.tables.sheet import Cells, local_name, parts_of, read_rows, string_of
from smsjobs.campaign.tables.table import Record, Table, is_blank, is_seen, reading
from smsjobs.contract import InvalidArguments

__all__ = ["open_workbook"]

_SAVE_AS: Final = "open it in Excel or WPS and save it as .xlsx or CSV UTF-8"

#: Bytes of a workbook's file.
_MOST_PACKED: Final = 128 * 2**20

#: Bytes that a part unpacks to: one that is held as a whole, the table of texts, all sheets together. `zipfile` reads no more of a
#: part than the archive says.
_MOST_WHOLE, _MOST_TEXTS, _MOST_SHEET = 8 * 2**20, 256 * 2**20, 2**30

_MOST_SHEETS: Final = 500

#: Characters of a cell's format, by Excel's own limit.
_LONGEST_FORMAT: Final = 255

#: Rows below the first that may have the columns' names.
_LOOKED_AT: Final = 10


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    """A sheet with cells."""

    name: str
    #: Its part of the archive.
    part: str
    hidden: bool


class _Workbook:
    """A workbook's archive.

    Raises:
        Exception: Whatever a damaged archive, or its XML, provokes.
    """

    def __init__(self, path: Path) -> None:
        self._name = readable(path.name)
        self._check(path.stat().st_size, _MOST_PACKED, "")
        self._archive = zipfile.ZipFile(path)
        # Some programs write them with other letters, or the strokes of Windows.
        self._parts = {_place(info.filename): info for info in self._archive.infolist()}
        main = next(
            (each.part for each in self._related("") if each.kind == "officeDocument"), "xl/workbook.xml"
        )
        links = self._related(main)
        root = self._root(main)
        settings = {local_name(each): each for each in root}
        since_1904 = settings.get("workbookPr", root).get("date1904") in ("1", "true")
        stale = settings.get("calcPr", root).get("fullCalcOnLoad") in ("1", "true")
        parts = {each.id: each.part for each in links if each.kind == "worksheet"}
        self.sheets = [
            _Sheet(
                name=each.get("name", ""), part=parts[link], hidden=each.get("state", "visible") != "visible"
            )
            for each in settings["sheets"]
            if (link := _link_of(each)) in parts
        ]
        sizes = (
            self._parts[_place(each.part)].file_size
            for each in self.sheets
            if _place(each.part) in self._parts
        )
        self._check(sum(sizes), _MOST_SHEET, "the sheets of ")
        if len(self.sheets) > _MOST_SHEETS:
            raise bad_recipients(
                f"{self._name} has {len(self.sheets)} sheets; at most {_MOST_SHEETS} are permitted"
            )
        self.cells = Cells(
            strings=self._strings([each.part for each in links if each.kind == "sharedStrings"][:1]),
            formats=self._formats([each.part for each in links if each.kind == "styles"][:1]),
            since_1904=since_1904,
            stale=stale,
        )

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def open(self, part: str, most: int = _MOST_SHEET) -> IO[bytes]:
        """One part of it.

        Args:
            most: Bytes that it may unpack to.

        Raises:
            InvalidArguments: It unpacks to more.
        """
        info = self._parts[_place(part)]
        self._check(info.file_size, most, "a part of ")
        return self._archive.open(info)

    def _check(self, size: int, most: int, what: str) -> None:
        if size > most:
            raise bad_recipients(f"{what}{self._name} has {size} bytes; at most {most} are permitted")

    def _root(self, part: str) -> ET.Element:
        with self.open(part, _MOST_WHOLE) as file:
            return ET.parse(file).getroot()  # noqa: S314  Python's expat bounds what entities may become

    def _related(self, part: str) -> list[_Link]:
        """The parts that one of them refers to."""
        folder, name = posixpath.split(part)
        place = posixpath.join(folder, "_rels", f"{name}.rels")
        if _place(place) not in self._parts:
            return []
        return [
            _Link(
                id=each.get("Id", ""),
                kind=each.get("Type", "").rpartition("/")[2],
                part=posixpath.normpath(posixpath.join("/", folder, each.get("Target", ""))),
            )
            for each in self._root(place)
            if each.get("TargetMode") != "External"
        ]

    def _strings(self, parts: Sequence[str]) -> list[str | None]:
        found: list[str | None] = []
        for part in parts:
            with self.open(part, _MOST_TEXTS) as file:
                found += [string_of(each) for each in parts_of(file, "si") if local_name(each) == "si"]
        return found

    def _formats(self, parts: Sequence[str]) -> list[str]:
        found: list[str] = []
        for part in parts:
            groups = {local_name(each): each for each in self._root(part)}
            named = {
                int(each.get("numFmtId", 0)): each.get("formatCode", "") for each in groups.get("numFmts", ())
            }
            if any(len(code) > _LONGEST_FORMAT for code in named.values()):
                raise ValueError("a format is too long")
            for style in groups.get("cellXfs", ()):
                number = int(style.get("numFmtId") or 0)
                found.append(named.get(number) or BUILT_IN.get(number, "General"))
        return found


@dataclass(frozen=True, kw_only=True)
class _Link:
    """A reference from one part to another."""

    id: str
    kind: str
    part: str


@dataclass(kw_only=True)
class _Heading:
    """The first row of a sheet that is not blank."""

    sheet: _Sheet
    line: int
    blank: int
    names: Sequence[str | None]
    rest: Iterator[Record]


def open_workbook(path: Path, wanted: str | None, sheet: str | None) -> Table:
    """The table of a workbook.

    Args:
        wanted: The name of the numbers' column, or None.
        sheet: The name of the sheet, or None.

    Raises:
        InvalidArguments: It is not a workbook, or which sheet is meant is not clear.
    """
    file = readable(path.name)
    try:
        book = _Workbook(path)
    except (OSError, InvalidArguments):
        raise
    except Exception:  # noqa: BLE001  a damaged archive, or its XML, raises whatever it provokes
        raise bad_recipients(f"{file} is not a valid Excel workbook: {_SAVE_AS}") from None
    reader = _Reader(path, file, book)
    heading = reader.choose(wanted, sheet)
    if None in heading.names:
        raise bad_recipients(
            f"row {heading.line} of {file} has a cell that cannot be read, and must name the columns"
        )
    columns = clean_names(name or "" for name in heading.names)
    following = (
        (each.line, [cell or "" for cell in each.cells]) for each in islice(heading.rest, _LOOKED_AT)
    )
    phone = choose(columns, wanted, file=file, following=following)
    return Table(
        columns=columns,
        phone=phone,
        records=reader.records(heading, phone),
        blank=heading.blank,
        file=file,
        sheet=heading.sheet.name,
    )


class _Reader:
    """Reads the sheets of one workbook."""

    def __init__(self, path: Path, file: str, book: _Workbook) -> None:
        self._path = path
        self._file = file
        self._book = book

    def choose(self, wanted: str | None, sheet: str | None) -> _Heading:
        """The sheet that is named, or the visible one that has a column of numbers."""
        if sheet is not None:
            named = [each for each in self._book.sheets if each.name.strip() == sheet.strip()]
            if not named:
                raise bad_recipients(
                    f"{self._file} has no sheet {shown(sheet)}; it has {self._listed(self._book.sheets)}"
                )
            return self._heading(named[0])
        visible = [each for each in self._book.sheets if not each.hidden]
        headings = [self._heading(each) for each in visible]
        written = [each for each in headings if each.names]
        if not written and len(visible) < len(self._book.sheets):
            raise bad_recipients(
                f"{self._file} has nothing on a visible sheet; it has {self._listed(self._book.sheets)}: "
                "choose one by sheet (--sheet)"
            )
        if not headings:
            raise bad_recipients(f"{self._file} has no sheet with cells: {_SAVE_AS}")
        found = [each for each in headings if phone_columns(_names(each), wanted)]
        if len(found) > 1:
            raise bad_recipients(
                f"{self._file} has more than one sheet with phone numbers, "
                f"{self._listed([each.sheet for each in found])}: choose one by sheet (--sheet)"
            )
        return next(iter(found or written or headings))

    def records(self, heading: _Heading, phone: int) -> Iterator[Record]:
        """The rows below the columns' names, once."""
        try:
            yield from self._records(heading.sheet, phone, after=heading.line)
        finally:
            self._book.close()

    def _listed(self, sheets: Sequence[_Sheet]) -> str:
        return ", ".join(f"{shown(each.name)}{' (hidden)' * each.hidden}" for each in sheets[:20])

    def _heading(self, sheet: _Sheet) -> _Heading:
        rest = self._records(sheet, None, gaps=False)
        last = 0
        for record in rest:
            if is_seen(record.cells):
                return _Heading(
                    sheet=sheet, line=record.line, blank=record.line - 1, names=record.cells, rest=rest
                )
            last = record.line
        return _Heading(sheet=sheet, line=0, blank=last, names=(), rest=rest)

    def _records(
        self, sheet: _Sheet, phone: int | None, *, after: int = 0, gaps: bool = True
    ) -> Iterator[Record]:
        text = self._book.cells.text
        number = after
        try:
            with reading(self._path), self._book.open(sheet.part) as part:
                for row, hidden, cells in read_rows(part):
                    if row <= after:
                        continue
                    # A row that the file leaves out is one that is blank.
                    if gaps:
                        yield from (Record(gap, ()) for gap in range(number + 1, row))
                    number = row
                    seen = [
                        "" if cell is None else text(cell, of_phone=n == phone)
                        for n, cell in enumerate(cells)
                    ]
                    blank = is_blank(seen)
                    yield Record(row, () if blank else seen, "hidden_row" if hidden and not blank else "")
        except InvalidArguments:
            raise
        except Exception:  # noqa: BLE001  as above; the rows are only read here
            raise bad_recipients(
                f"row {number + 1} of {self._file} cannot be read, the workbook is damaged: {_SAVE_AS}"
            ) from None


def _names(heading: _Heading) -> tuple[str, ...]:
    return clean_names(name or "" for name in heading.names)


def _link_of(element: ET.Element) -> str:
    """The relationship that it names, in whichever of the two name spaces."""
    return next((value for name, value in element.items() if name.endswith("}id")), "")


def _place(part: str) -> str:
    return part.replace("\\", "/").strip("/").lower()

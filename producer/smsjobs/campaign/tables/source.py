"""Which reader a source of recipients needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from smsjobs.campaign.filenames import readable
from smsjobs.campaign.tables.delimited import open_delimited
from smsjobs.campaign.tables.faults import bad_recipients
from smsjobs.campaign.tables.mappings import open_items, open_json_lines
from smsjobs.campaign.tables.table import Table, reading
from smsjobs.contract import MAX_NAME, InvalidArguments, check_length, is_whole, unwrap

__all__ = ["open_table"]

_WORKBOOKS: Final = (".xlsx", ".xlsm")
_JSON_LINES: Final = (".jsonl", ".ndjson")
_ENDINGS: Final = (".csv", ".tsv", ".txt", *_JSON_LINES, *_WORKBOOKS)

#: Spreadsheets of other formats.
_FOREIGN: Final = (".xls", ".xlsb", ".et", ".ods", ".numbers")

_WANTED: Final = (
    f"recipients must be the path of a file that ends in {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}, or an iterable "
    "(a list) of numbers or dicts"
)

_SAVE_AS: Final = "open it in Excel or WPS and save it as .xlsx or CSV UTF-8"

#: How files begin: an archive, as workbooks are; and what old Excel wrote, or a newer one with a password.
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def open_table(source: Any, *, sheet: Any = None, phone_column: Any = None) -> Table:
    """The table of a file or an iterable.

    Args:
        source: A path that ends in ``.csv``, ``.tsv``, ``.txt``, ``.jsonl``, ``.ndjson``, ``.xlsx`` or ``.xlsm``; or an
            iterable of numbers, of dicts with a key ``phone`` or ``手机号``, or of pairs of number and parameters.
        sheet: The name of a workbook's sheet; else the visible one that has the numbers.
        phone_column: The name of the numbers' column; else the one whose name says it.

    Raises:
        InvalidArguments: It cannot be read; naming file and line, never what stands there.
    """
    wanted = _name("phone_column", phone_column)
    named_sheet = _name("sheet", sheet)
    source = source if isinstance(source, (str, Path)) else getattr(source, "value", source)
    if isinstance(source, (str, Path)):
        return _open_file(Path(source), wanted, named_sheet)
    if isinstance(source, (bytes, Mapping)) or not isinstance(source, Iterable):
        raise InvalidArguments(_WANTED, argument="recipients")
    _check_no_sheet(named_sheet, "an iterable")
    return open_items((unwrap(each, "recipients") for each in source), wanted)


def _open_file(path: Path, wanted: str | None, sheet: str | None) -> Table:
    ending = path.suffix.lower()
    if ending not in (*_ENDINGS, *_FOREIGN):
        # Without its name: it may be no path but a number, which belongs into a list.
        raise InvalidArguments(_WANTED, argument="recipients")
    with reading(path):
        if not path.is_file():
            raise bad_recipients(f"there is no file {readable(path.name)}")
        with path.open("rb") as file:
            start = file.read(4)
        if start == _ZIP:
            from smsjobs.campaign.tables.workbook import open_workbook  # noqa: PLC0415  only where there is one

            return open_workbook(path, wanted, sheet)
        if start == _OLD_EXCEL or ending in _FOREIGN:
            raise bad_recipients(
                f"{readable(path.name)} is of an old Excel, has a password, or is another program's "
                f"spreadsheet: {_SAVE_AS}"
            )
        if ending in _WORKBOOKS:
            raise bad_recipients(f"{readable(path.name)} is not a valid Excel workbook: {_SAVE_AS}")
        _check_no_sheet(sheet, readable(path.name))
        if ending in _JSON_LINES:
            return open_json_lines(path, wanted)
        return open_delimited(path, wanted)


def _check_no_sheet(sheet: str | None, what: str) -> None:
    if sheet is not None:
        raise bad_recipients(f"{what} has no sheets; leave sheet (--sheet) out")


def _name(argument: str, value: Any) -> str | None:
    value = unwrap(value, argument)
    if isinstance(value, str):
        check_length(argument, value, MAX_NAME)
    if value is not None and (not isinstance(value, str) or not value.strip() or not is_whole(value)):
        raise InvalidArguments.about(argument, "must be a name")
    found: str | None = value
    return found

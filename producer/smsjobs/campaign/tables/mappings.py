"""JSON lines, and what Python can iterate over."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, Final

from smsjobs.campaign.filenames import readable
from smsjobs.campaign.tables.bounds import BoundedLines
from smsjobs.campaign.tables.columns import PHONE_COLUMNS, choose, clean_names, has_phone_name
from smsjobs.campaign.tables.delimited import undecodable
from smsjobs.campaign.tables.faults import bad_recipients
from smsjobs.campaign.tables.number_format import general
from smsjobs.campaign.tables.table import Record, Table, reading
from smsjobs.contract import is_whole

__all__ = ["open_items", "open_json_lines"]

#: Digits before or behind the point. ``Decimal("1E+999999999")`` would fill the memory as text.
_LONGEST_DECIMAL: Final = 100

#: Rows before the first that can be read. They are kept until the columns' names are known.
_UNNAMED: Final = 10_000

#: A line's number and what stands there: names and values, or why it cannot be read; None is a blank line.
_Item = tuple[int, Mapping[str, Any] | str | None]


def open_items(items: Iterable[Any], wanted: str | None) -> Table:
    """The table of numbers, dicts, or pairs of number and parameters."""
    return _table(enumerate(map(_mapping, items), 1), wanted)


def open_json_lines(path: Path, wanted: str | None) -> Table:
    """The table of a file with a JSON object a line.

    Raises:
        InvalidArguments: It is not UTF-8, or one JSON array.
    """
    with reading(path):
        if (line := undecodable(path, "utf-8")) is not None:
            raise bad_recipients(f"line {line} of {readable(path.name)} is not UTF-8 text: save it as UTF-8")
    return _table(_lines(path), wanted, file=readable(path.name))


def _lines(path: Path) -> Iterator[_Item]:
    first = True
    with reading(path), path.open(encoding="utf-8-sig") as file:
        lines = BoundedLines(file, readable(path.name))
        for number, text in enumerate(lines, 1):
            lines.row = 0
            if not text.strip():
                yield number, None
                continue
            try:
                found = json.loads(text, object_pairs_hook=_once)
            except (ValueError, RecursionError):
                found = None
            item = _mapping(found)
            if first and isinstance(item, str) and text.lstrip().startswith("["):
                # Its end may be many lines away, and part of it may look like a row.
                raise bad_recipients(
                    f"{readable(path.name)} is one JSON array: write one object a line, without brackets and "
                    "commas around them (jq -c '.[]' does it)"
                )
            first = False
            yield number, item


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _mapping(item: Any) -> Mapping[str, Any] | str:
    """An item as names and values, or the reason why it is not a row."""
    if _is_pair(item):
        number, params = item
        if any(isinstance(name, str) and has_phone_name(name) for name in params):
            # Which of the two is meant to be a parameter, nobody knows; and one would be lost.
            return "two_numbers"
        return {**params, PHONE_COLUMNS[0]: number}
    if _is_number(item):
        return {PHONE_COLUMNS[0]: item}
    if not isinstance(item, Mapping) or not all(isinstance(name, str) for name in item):
        return "unreadable"
    return item


def _is_pair(item: Any) -> bool:
    return (
        isinstance(item, (list, tuple))
        and len(item) == 2
        and _is_number(item[0])
        and isinstance(item[1], Mapping)
    )


def _is_number(item: Any) -> bool:
    return isinstance(item, (str, int, Decimal)) and not isinstance(item, bool)


def _table(items: Iterable[_Item], wanted: str | None, *, file: str = "") -> Table:
    """The columns are the names of the first item that can be read."""
    items = iter(items)
    before: list[_Item] = []
    names: tuple[str, ...] = (PHONE_COLUMNS[0],)
    for number, item in items:
        before.append((number, item))
        if isinstance(item, Mapping):
            names = tuple(item)
            break
        if len(before) == _UNNAMED:
            raise bad_recipients(f"none of the first {_UNNAMED} rows{f' of {file}' * bool(file)} can be read")
    else:
        # Nothing has names: whatever is there is left out, and asks for no column.
        wanted = None
    columns = clean_names(names)
    known = set(names)
    records = (_record(number, item, names, known) for number, item in chain(before, items))
    return Table(columns=columns, phone=choose(columns, wanted, file=file), records=records, file=file)


def _record(
    number: int, item: Mapping[str, Any] | str | None, names: Sequence[str], known: set[str]
) -> Record:
    if item is None:
        return Record(number, ())
    if isinstance(item, str):
        return Record(number, (), item)
    # A name that the first record lacks would be dropped, and the message go out with another value.
    fault = "" if item.keys() <= known else "unknown_column"
    return Record(number, [_text(item.get(name)) for name in names], fault)


def _text(value: Any) -> str | None:
    """A cell as text; None for what has no text of its own."""
    try:
        match value:
            case None:
                return ""
            case str():
                return value if value.isascii() or is_whole(value) else None
            case bool():
                return None
            case int():
                return str(value)
            case float() if math.isfinite(value):
                return general(value)
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

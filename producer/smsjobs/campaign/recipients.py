"""Recipients: the rows of a table, checked, with their numbers in Aliyun's form and no number twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from smsjobs.campaign.tables import PHONE_COLUMNS, Table, bad_recipients, phone_column
from smsjobs.contract import is_mainland, normalise_phone

__all__ = ["Recipients", "Row"]

#: Longest value of a parameter, in characters. Aliyun's rule for notifications; one value beyond it would have the
#: whole request refused, and with it 99 other recipients.
MAX_VALUE: Final = 35

#: A value that is wholly ``{column}`` names the column that it is taken from.
_COLUMN: Final = re.compile(r"\{([^{}]+)\}")

#: What Aliyun refuses in any value, and so in any request that has it.
_FORBIDDEN: Final = re.compile(r"[【】\r\n\0]")

#: Most characters that are kept of the cell of a number that is left out. A page holds 20,000 of them, and so does
#: Redis until the report is forgotten.
_SHOWN: Final = 64

#: Marks that people write into numbers, all but dots: blanks, brackets, dashes of every length, and what address books
#: and web pages put around them and nobody sees.
_MARKS: Final = re.compile(
    r"[\s()\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060\u2066-\u2069\u2212\ufeff-]"
)

_DOTS: Final = re.compile(r"[.·]")

#: A number of which a spreadsheet or a data frame made a fraction. With fewer than ten digits before the dot it is
#: none: the zeros of ``8526123.0000`` may be the number's own.
_FLOAT: Final = re.compile(r"(\+?[0-9]{10,})\.([0-9]+)", re.ASCII)

#: What may be a fraction. As digits of the number it would make it somebody else's.
_FRACTION: Final = re.compile(r".*[.·][0-9]{1,2}", re.ASCII)


class Row(NamedTuple):
    """One row of the input."""

    #: Where it stands: a line of the file, a row of the sheet, or a count from 1.
    line: int
    #: The number in Aliyun's form; for a row that is left out, its cell as it stands there, up to 64 characters.
    phone: str
    #: The values of `Recipients.names`, in that order.
    values: tuple[str, ...]
    #: ``""``, ``"invalid"`` or ``"duplicate"``.
    fault: str
    #: Why it is left out: a stable word, for a parameter followed by its column.
    reason: str


class Recipients:
    """The rows of a table, once.

    Args:
        table: Where they are.
        params: Values of the template's parameters for all. ``"{column}"`` as a value takes it from that column, and
            then no column is taken that is not named so; else every column besides the numbers' is a parameter.
        template_params: The template's parameters, where its text is known.

    Attributes:
        names: Parameters that have a value for each recipient.
        shared: Parameters that are the same for all.

    Raises:
        InvalidArguments: A column is missing, or there twice.
    """

    def __init__(
        self, table: Table, params: Mapping[str, str], template_params: Sequence[str] | None = None
    ) -> None:
        self._records = table.records
        phone = phone_column(table.columns)
        if phone is None:
            raise bad_recipients(
                f"no column is called {' or '.join(PHONE_COLUMNS)}; the first row must name the columns"
            )
        if sum(name.lower() in PHONE_COLUMNS for name in table.columns) > 1:
            # The second would become a parameter, and its numbers would stand in messages.
            raise bad_recipients(f"two columns are called {' or '.join(PHONE_COLUMNS)}; leave one of them")
        self._phone = phone
        self._width = len(table.columns)
        chosen = _choose(table.columns, phone, params)
        if template_params is not None:
            chosen = {name: index for name, index in chosen.items() if name in template_params}
        self.names = tuple(chosen)
        self.shared = {name: value for name, value in params.items() if name not in chosen}
        if missing := [n for n in template_params or () if n not in chosen and n not in self.shared]:
            raise bad_recipients(f"no column and no value for the parameter {', '.join(missing)}")
        self._columns = tuple(chosen.items())

    def __iter__(self) -> Iterator[Row]:
        """The rows in the order of the input."""
        # Numbers have no leading zeros in Aliyun's form; as integers a million of them take 65 MB.
        seen: set[int] = set()
        phone_at, width = self._phone, self._width
        for line, cells in self._records:
            if isinstance(cells, str):
                yield Row(line, "", (), "invalid", cells)
                continue
            given = cells[phone_at] if phone_at < len(cells) else ""
            phone = given if is_mainland(given) else _clean(given)
            if phone is None:
                yield Row(line, _shown(given), (), "invalid", "not_a_phone_number")
                continue
            if len(cells) > width and any(cells[width:]):
                yield Row(line, _shown(given), (), "invalid", "too_many_cells")
                continue
            values, reason = self._values(cells)
            if reason:
                yield Row(line, _shown(given), (), "invalid", reason)
                continue
            number = int(phone)
            if number in seen:
                yield Row(line, _shown(given), (), "duplicate", "duplicate")
                continue
            seen.add(number)
            yield Row(line, phone, values, "", "")

    def _values(self, cells: Sequence[str]) -> tuple[tuple[str, ...], str]:
        """The parameters of a row, or why there are none."""
        if not self._columns:
            return (), ""
        values = []
        for name, index in self._columns:
            value = cells[index].strip() if index < len(cells) else ""
            if not value:
                return (), f"parameter_missing: {name}"
            if len(value) > MAX_VALUE:
                return (), f"parameter_too_long: {name}"
            if _FORBIDDEN.search(value):
                return (), f"parameter_not_allowed: {name}"
            values.append(value)
        return tuple(values), ""


def _choose(columns: Sequence[str], phone: int, params: Mapping[str, Any]) -> dict[str, int]:
    """The parameters that have a column, and its index."""
    if repeated := sorted({name for name in columns if name and columns.count(name) > 1}):
        raise bad_recipients(f"two columns are called {repeated[0]}")
    named = {name: match[1] for name, value in params.items() if (match := _COLUMN.fullmatch(value))}
    if not named:
        return {name: index for index, name in enumerate(columns) if index != phone and name}
    if missing := sorted({column for column in named.values() if column not in columns}):
        raise bad_recipients(f"there is no column {', '.join(missing)}")
    return {name: columns.index(column) for name, column in named.items()}


def _shown(given: str) -> str:
    """What the report shows of a number that is left out."""
    return given if len(given) <= _SHOWN else given[: _SHOWN - 1] + "…"


def _clean(given: str) -> str | None:
    """The number in Aliyun's form, whatever marks and wide digits people wrote into it, or None."""
    text = given if given.isascii() else unicodedata.normalize("NFKC", given)
    text = _MARKS.sub("", text).removeprefix("'")
    if number := _FLOAT.fullmatch(text):
        return None if number[2].strip("0") else normalise_phone(number[1])
    return None if _FRACTION.fullmatch(text) else normalise_phone(_DOTS.sub("", text))

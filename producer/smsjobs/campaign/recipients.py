"""Recipients: the rows of a table, checked, with their numbers in the form that is sent and no number twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from smsjobs.campaign.tables import Table
from smsjobs.campaign.tables.bounds import MAX_CELLS, MAX_ROWS
from smsjobs.campaign.tables.columns import clean_names, listed, shown
from smsjobs.campaign.tables.faults import bad_recipients
from smsjobs.campaign.tables.table import is_blank
from smsjobs.campaign.values import is_plain, value_fault
from smsjobs.contract import (
    MAX_NAME,
    InvalidArguments,
    check_countries,
    check_length,
    is_in,
    is_mainland,
    is_whole,
    read_phone,
    unwrap,
)
from smsjobs.templates import TYPES, VariableType

__all__ = ["ILL_TYPED", "Recipients", "Row"]

#: Why a row is left out whose value is not of its variable's type.
ILL_TYPED: Final = "parameter_ill_typed"

#: A value that is wholly ``{column}`` names the column that it is taken from.
_COLUMN: Final = re.compile(r"\{([^{}]+)\}")

#: Most characters that are kept of the cell of a number that is left out. A page holds 20,000 of them, and so does
#: Redis until the report is forgotten.
_SHOWN: Final = 64


class Row(NamedTuple):
    """One row of the input."""

    #: Where it stands: a line of the file, a row of the sheet, or a count from 1.
    line: int
    #: The number in the form that is sent; for a row that is left out, its cell as it stands there, up to 64 characters.
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
        countries: Country codes, or longer prefixes, of the numbers that are sent to; None: all.
        ignore_columns: Names of further columns that are not parameters; None: there are none.

    Attributes:
        names: Parameters that have a value for each recipient.
        shared: Parameters that are the same for all.
        blank: Blank rows that were read so far. The report leaves them out.
        table: Where the rows come from; its records are read by the iteration.
        columns: Parameters that are taken from a column, and the index of that.
        cells: The cells of the row that the iteration gave last, as they stand there.

    Raises:
        InvalidArguments: A column is missing, or there twice.
    """

    def __init__(
        self,
        table: Table,
        params: Mapping[str, str],
        template_params: Sequence[str] | None = None,
        *,
        countries: Any = None,
        ignore_columns: Any = None,
    ) -> None:
        self.table = table
        self.blank = table.blank
        self._countries = check_countries(countries)
        self._width = len(table.columns)
        chosen = _choose(table, params, _ignored(table, ignore_columns))
        if template_params is not None:
            chosen = {name: index for name, index in chosen.items() if name in template_params}
        self.names = tuple(chosen)
        self.shared = {name: value for name, value in params.items() if name not in chosen}
        if missing := [n for n in template_params or () if n not in chosen and n not in self.shared]:
            raise bad_recipients(f"no column and no value for the parameter {', '.join(missing)}")
        self.columns = tuple(chosen.items())
        self.cells: Sequence[str | None] = ()
        self._types: Mapping[str, VariableType] = {}
        # Who gets a bad value that all share depends on the number: some values are refused at home only.
        used = {n: v for n, v in self.shared.items() if template_params is None or n in template_params}
        self._shared_faults = {each: _shared_fault(used, mainland=each) for each in (True, False)}

    def __iter__(self) -> Iterator[Row]:
        """The rows in the order of the input."""
        return self.read({})

    def read(self, types: Mapping[str, str]) -> Iterator[Row]:
        """The rows in the order of the input; those with a value that does not fit are left out.

        Args:
            types: The types of the template's variables, as Aliyun calls them. What is not known is not checked.
        """
        self._types = {name: TYPES[kind] for name, kind in types.items() if kind in TYPES}
        # Numbers have no leading zeros in the form that is sent; as integers a million of them take 65 MB.
        seen: set[int] = set()
        phone_at = self.table.phone
        rows = read = 0
        for line, cells, fault in self.table.records:
            if not cells and not fault:
                self.blank += 1
                continue
            self.cells = cells
            rows, read = rows + 1, read + len(cells)
            if read > MAX_CELLS:
                raise bad_recipients(
                    f"there are more than {MAX_CELLS} cells; split them into several campaigns"
                )
            if rows > MAX_ROWS:
                raise bad_recipients(
                    f"there are more than {MAX_ROWS} rows; split them into several campaigns"
                )
            given = cells[phone_at] if phone_at < len(cells) else ""
            phone, reason = ("", fault or "unreadable") if fault or given is None else read_phone(given)
            values: tuple[str, ...] = ()
            if not reason:
                values, reason = self._check(phone, cells)
            if reason:
                yield Row(line, _shown(given or ""), (), "invalid", reason)
                continue
            number = int(phone)
            if number in seen:
                yield Row(line, _shown(given or ""), (), "duplicate", "duplicate")
                continue
            seen.add(number)
            yield Row(line, phone, values, "", "")

    def _check(self, phone: str, cells: Sequence[str | None]) -> tuple[tuple[str, ...], str]:
        """The parameters of a row with a number, or why it is left out."""
        if self._countries is not None and not is_in(phone, self._countries):
            return (), "country_not_allowed"
        if len(cells) > self._width and not is_blank(cells[self._width :]):
            return (), "too_many_cells"
        return self._values(cells, mainland=is_mainland(phone))

    def _values(self, cells: Sequence[str | None], *, mainland: bool) -> tuple[tuple[str, ...], str]:
        """The parameters of a row, or why there are none."""
        if fault := self._shared_faults[mainland]:
            return (), fault
        if not self.columns:
            return (), ""
        values, types, width = [], self._types, len(cells)
        for name, index in self.columns:
            cell = cells[index] if index < width else ""
            if cell is None:
                return (), "unreadable"
            value = cell.strip()
            if not is_plain(value) and (fault := value_fault(value, mainland=mainland)):
                return (), f"{fault}: {name}"
            if types and name in types and not types[name].fits(value):
                return (), f"{ILL_TYPED}: {name}"
            values.append(value)
        return tuple(values), ""


def _ignored(table: Table, names: Any) -> frozenset[str]:
    """The names of columns that are not parameters, checked."""
    given = unwrap([] if names is None else names, "ignore_columns")
    if not isinstance(given, (list, tuple)) or not all(isinstance(n, str) and is_whole(n) for n in given):
        raise InvalidArguments.about("ignore_columns", "must be a list of columns' names")
    for name in given:
        check_length("ignore_columns", name, MAX_NAME)
    found = frozenset(clean_names(given))
    for name in sorted(found - {each for each in table.columns if each}):
        raise InvalidArguments.about(
            "ignore_columns", f"names {shown(name)}; the columns are {listed(table.columns)}"
        )
    if table.columns[table.phone] in found:
        raise InvalidArguments.about("ignore_columns", "the column of the numbers is needed")
    return found


def _choose(table: Table, params: Mapping[str, Any], ignored: frozenset[str]) -> dict[str, int]:
    """The parameters that have a column, and its index."""
    columns, phone = ["" if name in ignored else name for name in table.columns], table.phone
    counts = Counter(name for name in columns if name)
    if repeated := sorted(name for name, count in counts.items() if count > 1):
        raise bad_recipients(f"two columns are called {shown(repeated[0])}")
    named = {
        name: clean_names([match[1]])[0]
        for name, value in params.items()
        if (match := _COLUMN.fullmatch(value))
    }
    if not named:
        return {name: index for index, name in enumerate(columns) if index != phone and name}
    if missing := sorted({column for column in named.values() if column not in columns}):
        where = f"{table.file}: " if table.file else ""
        raise bad_recipients(
            f"{where}there is no column {', '.join(missing)}; the columns are {listed(table.columns)}"
        )
    return {name: columns.index(column) for name, column in named.items()}


def _shared_fault(shared: Mapping[str, str], *, mainland: bool) -> str:
    """Why no message with these parameters would be accepted, or an empty text."""
    faults = ((name, value_fault(value.strip(), mainland=mainland)) for name, value in shared.items())
    return next((f"{fault}: {name}" for name, fault in faults if fault), "")


def _shown(given: str) -> str:
    """What the report shows of a number that is left out."""
    return given if len(given) <= _SHOWN else given[: _SHOWN - 1] + "…"

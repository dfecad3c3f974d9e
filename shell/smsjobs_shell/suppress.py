"""``smsjobs suppress``: the numbers that must not be sent to."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from smsjobs.campaign.report import for_excel
from smsjobs.campaign.tables import Table, open_table
from smsjobs.client import connect
from smsjobs.contract import SCOPES, InvalidArguments, mask_phone, visible
from smsjobs.suppression import Suppressed, Suppression
from smsjobs_shell.campaign.csv_file import CsvFile
from smsjobs_shell.terminal.failure import FAILED, bad_usage
from smsjobs_shell.terminal.language import tr, tr_count
from smsjobs_shell.terminal.options import TEXT, with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["suppress"]

#: The columns of an exported file.
_COLUMNS: Final = ("phone", "scope", "source", "note", "at")

#: Rows that are named one by one.
_NAMED: Final = 5

_SCOPE: Final = click.Choice(SCOPES)

_PHONES: Final = click.argument("phones", metavar="PHONE...", nargs=-1, required=True, type=TEXT)


@click.group(
    short_help="The numbers that must not be sent to.",
    epilog="""\b
Examples:
  smsjobs suppress add 13800138000 --note "asked by phone"
  smsjobs suppress import optouts.csv --scope promotional
  smsjobs suppress list 13800138000
  smsjobs suppress export -o list.csv""",
)
def suppress() -> None:
    """The numbers that must not be sent to.

    The scope "promotional" stops jobs of the lane bulk, and campaigns that do not say that they are not promotional.
    The scope "all" stops everything, codes included.
    """


@suppress.command(short_help="Put numbers on the list.")
@_PHONES
@click.option("--scope", type=_SCOPE, default="promotional", show_default=True, help="For which messages.")
@click.option(
    "--source", type=TEXT, default="manual", show_default=True, help="How they come onto the list, a word."
)
@click.option("--note", type=TEXT, default="", help="A note, of up to 200 characters.")
@with_screen
def add(screen: Screen, *, phones: Sequence[str], scope: str, source: str, note: str) -> None:
    """Put numbers on the list. Whoever is there already stays there as he is."""
    numbers = [_read(phone, scope=scope, source=source, note=note) for phone in phones]
    new = connect().suppression.add_all(numbers)
    screen.line(tr_count("{count} number is new on the list.", "{count} numbers are new on the list.", new))
    screen.document({"added": new})


@suppress.command(short_help="Take numbers off the list.")
@_PHONES
@click.option("--scope", type=_SCOPE, help="Of which scope. [default: of both]")
@with_screen
def remove(screen: Screen, *, phones: Sequence[str], scope: Any) -> int:
    """Take numbers off the list. The exit status is 1 if one of them was not there."""
    numbers = [_read(phone).phone for phone in phones]
    suppression = connect().suppression
    gone = sum([suppression.remove(number, scope=scope) for number in numbers])
    screen.line(
        tr_count(
            "{gone} of {count} number taken off the list.",
            "{gone} of {count} numbers taken off the list.",
            len(numbers),
            gone=gone,
        )
    )
    screen.document({"removed": gone})
    return 0 if gone == len(numbers) else FAILED


@suppress.command("list", short_help="Show who is on the list.")
@click.argument("phones", metavar="[PHONE...]", nargs=-1, type=TEXT)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The most entries shown."
)
@with_screen
def list_numbers(screen: Screen, *, phones: Sequence[str], limit: int) -> int:
    """Show entries of the list, in no order, with numbers without their middle; or whether certain numbers are there.

    With numbers, the exit status is 1 unless all of them are there.
    """
    if phones:
        return _look_up(screen, [_read(phone).phone for phone in phones])
    suppression = connect().suppression
    total, found = suppression.count(), list(islice(suppression.export(), limit))
    if found:
        rows = [
            (mask_phone(each.phone), each.scope, each.source, _day(each.at), visible(each.note) or "-")
            for each in found
        ]
        screen.table((tr("Number"), tr("Scope"), tr("Source"), tr("Since"), tr("Note")), rows)
    screen.line(
        tr_count(
            "{count} entry in all, {shown} shown.",
            "{count} entries in all, {shown} shown.",
            total,
            shown=len(found),
        )
    )
    entries = [
        {
            "phone": mask_phone(each.phone),
            "scope": each.scope,
            "source": each.source,
            "note": each.note,
            "at": each.at.isoformat(),
        }
        for each in found
    ]
    screen.document({"total": total, "entries": entries})
    return 0


@suppress.command("import", short_help="Put the numbers of a file on the list.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--scope",
    type=_SCOPE,
    default="promotional",
    show_default=True,
    help="For which messages, where the file does not say it.",
)
@click.option(
    "--source",
    type=TEXT,
    default="import",
    show_default=True,
    help="How they come onto the list, where the file does not say it.",
)
@click.option("--phone-column", type=TEXT, metavar="NAME", help="The column of the numbers.")
@with_screen
def import_numbers(screen: Screen, *, file: Path, scope: str, source: str, phone_column: str | None) -> int:
    """Put the numbers of a CSV, JSON lines or Excel file on the list, as `campaign start` reads it.

    Columns with the names scope, source, note and at are read too, as `export` writes them. The exit status is 1 if
    rows cannot be used.
    """
    try:
        table = open_table(file, phone_column=phone_column)
        reader = _Rows(table, scope=scope, source=source)
        with screen.working(tr("Putting the numbers on the list")):
            added = _add_in_parts(connect().suppression, reader)
    except InvalidArguments as error:
        raise bad_usage(error) from None
    screen.line(
        tr_count(
            "{count} row read, {added} of them new on the list.",
            "{count} rows read, {added} of them new on the list.",
            reader.good,
            added=f"{added:,}",
        )
    )
    if reader.bad:
        named = ", ".join(
            tr("line {line} ({reason})", line=line, reason=reason) for line, reason in reader.first
        )
        screen.line(
            tr_count(
                "{count} row cannot be used: {named}",
                "{count} rows cannot be used: {named}",
                reader.bad,
                named=named,
            ),
            style="yellow",
        )
    screen.document(
        {
            "read": reader.good,
            "added": added,
            "invalid": reader.bad,
            "bad_rows": [{"line": line, "reason": reason} for line, reason in reader.first],
        }
    )
    return FAILED if reader.bad else 0


@suppress.command(short_help="Write the whole list to a file.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="The file for the CSV, with whole numbers; - is standard output.",
)
@with_screen
def export(screen: Screen, *, output: Path) -> None:
    """Write the whole list as CSV, with whole numbers: phone, scope, source, note, at. `import` reads it."""
    if screen.as_json and str(output) == "-":
        raise click.UsageError(tr("--json and -o - both want standard output"))
    found = connect().suppression.export()
    if str(output) == "-":
        csv.writer(sys.stdout).writerows(_lines(found, Counter()))
        return
    written: Counter[str] = Counter()
    with screen.working(tr("Writing the list")), CsvFile(output, tr("the list")) as file:
        file.write(_lines(found, written))
        file.keep()
    screen.line(
        tr_count("{count} entry: {file}", "{count} entries: {file}", written.total(), file=output), exact=True
    )
    screen.document({"entries": written.total(), "output": str(output)})


class _Rows:
    """The numbers of a table, and how many rows of it cannot be used."""

    def __init__(self, table: Table, *, scope: str, source: str) -> None:
        self._table = table
        self._usual = {"scope": scope, "source": source, "note": ""}
        self._at: dict[str, int] = {
            name: table.columns.index(name) for name in _COLUMNS if name in table.columns
        }
        self.good = self.bad = 0
        #: Line and reason of the first rows that cannot be used.
        self.first: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[Suppressed]:
        for line, cells, fault in self._table.records:
            if not cells and not fault:
                continue
            try:
                number = self._number(cells, fault)
            except InvalidArguments as error:
                self.bad += 1
                if len(self.first) < _NAMED:
                    self.first.append((line, error.argument or error.reason))
            else:
                self.good += 1
                yield number

    def _number(self, cells: Sequence[str | None], fault: str) -> Suppressed:
        if fault:
            raise InvalidArguments(fault, reason=fault)
        told = {name: (cells[at] or "").strip() for name, at in self._at.items() if at < len(cells)}
        given = {name: told.get(name) or usual for name, usual in self._usual.items()}
        phone = cells[self._table.phone] if self._table.phone < len(cells) else ""
        return Suppression.read(phone, at=_moment(told.get("at", "")), **given)


def _add_in_parts(suppression: Suppression, numbers: Iterable[Suppressed]) -> int:
    rest, added = iter(numbers), 0
    while part := list(islice(rest, 5_000)):
        added += suppression.add_all(part)
    return added


def _look_up(screen: Screen, numbers: Sequence[str]) -> int:
    suppression = connect().suppression
    found = [
        (mask_phone(each), suppression.has(each, scope="promotional"), suppression.has(each, scope="all"))
        for each in numbers
    ]
    rows = [
        (phone, "all" if everything else "promotional" if promo else "-")
        for phone, promo, everything in found
    ]
    screen.table((tr("Number"), tr("Suppressed for")), rows)
    screen.document({"numbers": [{"phone": phone, "suppressed_for": scope} for phone, scope in rows]})
    return 0 if all(promo for _, promo, _ in found) else FAILED


def _read(phone: str, **more: Any) -> Suppressed:
    try:
        return Suppression.read(phone, **more)
    except InvalidArguments as error:
        raise bad_usage(error) from None


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArguments.about("at", "is not a time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _day(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def _lines(found: Iterable[Suppressed], written: Counter[str]) -> Iterator[Sequence[Any]]:
    yield _COLUMNS
    for each in found:
        written[each.scope] += 1
        note = for_excel(visible(each.note, keep="\t\r\n"))
        yield each.phone, each.scope, each.source, note, each.at.isoformat()

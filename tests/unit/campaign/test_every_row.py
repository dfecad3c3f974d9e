"""Every row of a file is a row of the report, or counted as a blank one.

The files are written by two libraries and of random cells. ``SMS_TEST_ROWS=100000`` makes the last test's files that long.
"""

import csv
import datetime as dt
import json
import os
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from smsjobs.campaign import Order, check
from smsjobs.campaign.pages import PAGE

PHONE = "13800138000"

#: The last row of each file: what follows the last cell that is no longer blank is in no file.
LAST = ["13999999999", "last"]

Rows = Sequence[Sequence[Any]]


def audit(path: Path, rows: Rows) -> None:
    """Count a file's rows by what became of them, and compare with what was written."""
    order = Order.read(path, "SMS_1", {"name": "{name}"})
    lines: list[int] = []
    reported = recipients = 0
    for page in order.pages():
        lines += page.lines
        recipients += page.recipients
        reported += page.recipients + len(page.skipped)
        assert page.recipients == len({phone for chunk in page.chunks for phone in chunk.phones}) <= PAGE
    assert reported + order.recipients.blank == len(rows)
    assert reported == sum(any(each not in (None, "") for each in row) for row in rows)
    assert len(lines) == reported
    assert lines == sorted(set(lines))
    found = check(Order.read(path, "SMS_1", {"name": "{name}"}))
    assert found.recipients + found.duplicates + found.invalid + found.blank == len(rows)
    assert sum(found.reasons.values()) == found.invalid
    assert (found.recipients, sum(found.countries.values())) == (recipients, recipients)


def by_openpyxl(path: Path, rows: Rows) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for line, row in enumerate([["phone", "name"], *rows], 1):
        for column, value in enumerate(row, 1):
            if value is not None:
                sheet.cell(line, column, value)
        if len(row) == 3:
            sheet.row_dimensions[line].hidden = True
    book.save(path)


def by_xlsxwriter(path: Path, rows: Rows) -> None:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd", "remove_timezone": True}) as book:
        formats = [
            None,
            *(book.add_format({"num_format": code}) for code in ("0.00", "00000000000000", "0%", "#,##0")),
        ]
        sheet = book.add_worksheet()
        for line, row in enumerate([["phone", "name"], *rows]):
            for column, value in enumerate(row):
                if isinstance(value, str) and not value.startswith("="):
                    sheet.write_string(line, column, value, formats[line % 5])
                else:
                    sheet.write(
                        line, column, value, *([] if isinstance(value, dt.date) else [formats[line % 5]])
                    )


def by_csv(path: Path, rows: Rows, *, encoding: str = "utf-8-sig", **dialect: Any) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, **dialect).writerows([["phone", "name"], *rows])


def by_hand(path: Path, rows: Rows) -> None:
    """As programs write CSV that know nothing of it but quotation marks, each cell kept from Excel."""
    with path.open("w", encoding="gb18030", newline="\r\n") as file:
        file.write("sep=;\nphone;name\n")
        for row in rows:
            file.write(
                ";".join('"=""' + str(each).replace('"', '""""') + '"""' for each in row if each is not None)
                + "\n"
            )


SPELLINGS = [
    "{}",
    "+86 {}",
    "0086{}",
    "'{}",
    "{}.0",
    " {} ",
    "\u202a{}\u202c",
    "{}5",
    "x{}",
    "+1 310 555 1234",
    "+852 6123 4567",
]

phones = st.builds(
    lambda form, number: form.format(13800138000 + number), st.sampled_from(SPELLINGS), st.integers(0, 20)
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40)
odd = st.sampled_from(
    ["", " ", "\u3000", "a_x000D_", "_x0000_", "【x】", "=1+1", '="x"', "#N/A", "a\nb", 'a"b', "'", "\ufeff"]
)
numbers = (
    st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | phones.map(lambda text: int(text) if text.isdecimal() else 0.5)
)
others = st.sampled_from([None, None, True, dt.date(2026, 11, 11), dt.datetime(1900, 1, 1, 0, 0, 1)])  # noqa: DTZ001
cells = phones | texts | odd | numbers | others
tables = st.lists(st.lists(cells, max_size=4), max_size=30)
plain_tables = st.lists(st.lists(phones | texts | odd, max_size=4), max_size=30)


def audited(write: Callable[[Path, Rows], None], ending: str, rows: Rows) -> None:
    rows = [*rows, LAST]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"people{ending}"
        write(path, rows)
        audit(path, rows)


@settings(deadline=None, max_examples=20)
@given(tables)
def test_openpyxl(rows: Rows) -> None:
    """No row of a workbook by openpyxl is lost, whatever its cells hold, hidden ones included."""
    audited(by_openpyxl, ".xlsx", rows)


@settings(deadline=None, max_examples=20)
@given(tables)
def test_xlsxwriter(rows: Rows) -> None:
    """No row of a workbook by XlsxWriter is lost, whatever its cells hold, in whatever format."""
    audited(by_xlsxwriter, ".xlsx", rows)


@settings(deadline=None, max_examples=30)
@given(
    plain_tables,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_csv(rows: Rows, encoding: str, delimiter: str, end: str, quoting: int) -> None:
    """No row of a CSV is lost, whatever its encoding, its delimiter and its cells."""
    # Python's writer leaves a \n without quotation marks where lines end otherwise, and makes two rows of one.
    quoting = csv.QUOTE_ALL if end == "\r" else quoting
    dialect: dict[str, Any] = {"delimiter": delimiter, "lineterminator": end, "quoting": quoting}
    audited(lambda path, each: by_csv(path, each, encoding=encoding, **dialect), ".csv", rows)


@settings(deadline=None, max_examples=25)
@given(plain_tables)
def test_protected_csv(rows: Rows) -> None:
    """No row of a CSV is lost whose cells are all kept from Excel, in GB18030."""
    audited(by_hand, ".csv", [[each.replace("\r", "") for each in row] for row in rows])


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.recursive(
            phones | st.none() | st.floats() | st.text(),
            lambda each: (
                st.lists(each, max_size=3)
                | st.dictionaries(st.sampled_from(["phone", "name", "x"]), each, max_size=3)
            ),
            max_leaves=5,
        ),
        max_size=20,
    )
)
def test_json_lines(items: list[Any]) -> None:
    """No line of JSON is lost, whatever it is, and no list of Python's either."""
    first = {"phone": PHONE, "name": "first"}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "people.jsonl"
        path.write_text("\n".join(map(json.dumps, [first, *items])), "utf-8")
        for source in (path, [first, *items]):
            found = check(Order.read(source, "SMS_1"))
            assert found.recipients + found.duplicates + found.invalid + found.blank == 1 + len(items)


def a_cell(pick: random.Random) -> Any:
    kind = pick.randrange(12)
    phone = 13000000000 + pick.randrange(10**9)
    match kind:
        case 0:
            return None
        case 1:
            return pick.random() * 10 ** pick.randrange(-3, 12)
        case 2:
            return pick.choice(["", " ", "=1+1", '="x"', "a_x000D_", "【x】", 'a"b', "two\nlines", "#N/A"])
        case 3 | 4:
            return phone
        case 5 | 6 | 7:
            return pick.choice(SPELLINGS).format(phone)
        case _:
            return "".join(pick.choices("张王李赵陈abc xyz,;'-", k=pick.randrange(1, 12)))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("write", [by_openpyxl, by_xlsxwriter, by_csv, by_hand])
def test_many_rows(tmp_path: Path, write: Callable[[Path, Rows], None]) -> None:
    """Of a long file, too, no row is lost."""
    count = int(os.environ.get("SMS_TEST_ROWS", "2000"))
    pick = random.Random(f"{write.__name__} {count}")
    rows = [[a_cell(pick) for _ in range(pick.choice((0, 1, 2, 2, 2, 2, 3)))] for _ in range(count)]
    path = tmp_path / ("people.csv" if write in (by_csv, by_hand) else "people.xlsx")
    write(path, [*rows, LAST])
    audit(path, [*rows, LAST])
    with suppress(FileNotFoundError):
        path.unlink()

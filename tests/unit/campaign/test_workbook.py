"""Workbooks: what Excel and WPS show is what is sent."""

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from smsjobs import InvalidArguments
from smsjobs.campaign import Order
from smsjobs.campaign.tables import Record, open_table

PHONE, OTHER = "13800138000", "13800138001"


def made(path: Path, *rows: list[Any], change: Callable[[Any], None] | None = None) -> Path:
    """A workbook by openpyxl."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change is not None:
        change(book)
    book.save(path)
    return path


def packed(
    path: Path, rows: str, *, strings: str = "", formats: str = "", settings: str = "", doctype: str = ""
) -> Path:
    """A workbook of exactly that XML, which no library writes."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r" Type="{office}/officeDocument" Target="/xl/workbook.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/worksheet" Target="Sheets\\S1.xml"/>'
            f'<Relationship Id="r2" Type="{office}/sharedStrings" Target="strings.xml"/>'
            f'<Relationship Id="r3" Type="{office}/styles" Target="styles.xml"/></Relationships>'.replace(
                "\\", "/"
            ),
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>{settings}'
            "</workbook>",
        )
        archive.writestr("xl/strings.xml", f'{doctype}<sst xmlns="{main}">{strings}</sst>')
        archive.writestr("xl/styles.xml", f'<styleSheet xmlns="{main}">{formats}</styleSheet>')
        # As programs on Windows pack it.
        archive.writestr(
            "xl\\sheets\\s1.xml", f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
        )
    return path


def text(place: str, value: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


HEADER = f'<row r="1">{text("A1", "phone")}{text("B1", "name")}</row>'


def records(path: Path, **options: Any) -> list[Record]:
    return list(open_table(path, **options).records)


def cells(path: Path, **options: Any) -> list[list[str | None]]:
    return [list(record.cells) for record in records(path, **options)]


def test_formats(tmp_path: Path) -> None:
    """A number is sent as its format shows it."""
    rows = [
        ["phone", "value"],
        *([int(PHONE) + n, value] for n, value in enumerate([7123, 0.8, 1234.5, 3.14159, 2])),
    ]
    formats = ["000000", "0%", "#,##0.00", "0.00", "# ?/?"]

    def change(book: Any) -> None:
        for line, code in enumerate(formats, 2):
            book.active.cell(line, 2).number_format = code

    shown = [row[1] for row in cells(made(tmp_path / "a.xlsx", *rows, change=change))]
    assert shown == ["007123", "80%", "1,234.50", "3.14", None]


def test_dates(tmp_path: Path) -> None:
    """A day is sent as it is shown."""
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["phone", "a", "b", "c"])
        sheet.write(1, 0, PHONE)
        moment = dt.datetime(2026, 11, 11, 9, 5)  # noqa: DTZ001  a workbook has no zones
        for column, code in enumerate(["yyyy-mm-dd", 'm"月"d"日"', "yyyy/m/d h:mm"], 1):
            sheet.write_datetime(1, column, moment, book.add_format({"num_format": code}))
    assert cells(tmp_path / "a.xlsx") == [[PHONE, "2026-11-11", "11月11日", "2026/11/11 9:05"]]


@pytest.mark.parametrize("code", ["0.00E+00", "#,##0", "0.00", "000000000000000", "# ?/?", "0%"])
def test_numbers_in_any_format(tmp_path: Path, code: str) -> None:
    """A phone number is read as the number that it is, also where its format hides it."""

    def change(book: Any) -> None:
        book.active["A2"].number_format = code

    path = made(tmp_path / "a.xlsx", ["phone"], [int(PHONE)], change=change)
    assert [row.phone for row in Order.read(path, "SMS_1").recipients] == [PHONE]


def test_zeros_before_a_number(tmp_path: Path) -> None:
    """Zeros that a format puts before a number are part of it: 00852… is a number of Hong Kong."""

    def change(book: Any) -> None:
        book.active["A2"].number_format = "0000000000000"

    path = made(tmp_path / "a.xlsx", ["phone"], [85261234567], change=change)
    assert [row.phone for row in Order.read(path, "SMS_1").recipients] == ["85261234567"]


def test_a_plus_by_format_is_told(tmp_path: Path) -> None:
    """A number that its format shows as North America's is not sent to somebody in China."""

    def change(book: Any) -> None:
        book.active["A2"].number_format = "+0"

    path = made(tmp_path / "a.xlsx", ["phone"], [13105551234], change=change)
    assert [row.reason for row in Order.read(path, "SMS_1").recipients] == ["ambiguous_number"]


def test_formulas_that_nobody_computed(tmp_path: Path) -> None:
    """A formula without a value makes its row unreadable, also where only the number is one, and never vanishes."""
    rows = [
        ["phone", "name"],
        [PHONE, "=CONCAT(A1,A2)"],
        ['="1380013" & "8001"', "b"],
        ["13800138002", '="00""7"'],
    ]
    path = made(tmp_path / "a.xlsx", *rows)
    assert [
        (row.line, row.phone, row.reason, row.values) for row in Order.read(path, "SMS_1").recipients
    ] == [
        (2, PHONE, "unreadable", ()),
        (3, "", "unreadable", ()),
        (4, "13800138002", "", ('00"7',)),
    ]


def test_formulas_that_excel_is_to_compute(tmp_path: Path) -> None:
    """The zero that a library writes in place of what a formula gives is none; a value that it was told is one."""
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["phone", "name"])
        for line, value in enumerate([None, "张三", 7, 0], 1):
            sheet.write(line, 0, str(int(PHONE) + line))
            sheet.write_formula(line, 1, "=A1", None, *([] if value is None else [value]))
    assert [row[1] for row in cells(tmp_path / "a.xlsx")] == [None, "张三", "7", None]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ('<c r="B2" t="str"><f>A1</f><v>x</v></c>', "x"),
        ('<c r="B2" t="str"><f>IF(1,"")</f><v></v></c>', ""),
        ('<c r="B2"><f>1+1</f><v>2</v></c>', "2"),
        ('<c r="B2"><f>0</f><v>0</v></c>', "0"),
        ('<c r="B2"><f>1+1</f></c>', None),
        ('<c r="B2"><f>1+1</f><v/></c>', None),
        ('<c r="B2"><f t="shared" si="0"/></c>', None),
        ('<c r="B2" t="str"><f>A1</f></c>', None),
        ('<c r="B2" t="e"><v>#N/A</v></c>', None),
        ('<c r="B2" t="b"><v>1</v></c>', None),
        ('<c r="B2" t="s"><v>0</v></c>', "张三"),
        ('<c r="B2" t="s"><v>9</v></c>', None),
        ('<c r="B2" t="s"><v>x</v></c>', None),
        ('<c r="B2"><v>x</v></c>', None),
        ('<c r="B2"><v>1e999</v></c>', None),
        ('<c r="B2" t="d"><v>2026-11-11T00:00:00Z</v></c>', "46337"),
        (
            '<c r="B2" t="inlineStr"><is><r><t>张</t></r><r><t>三</t></r><rPh sb="0" eb="1"><t>ちょう</t></rPh></is></c>',
            "张三",
        ),
        (text("B2", "a_x000D_"), "a\r"),
        (text("B2", "a_x0041_b"), "aAb"),
        (text("B2", "a_x005F_x000D_"), "a_x000D_"),
        (text("B2", "_xD83D__xDE00_"), "\U0001f600"),
        (text("B2", "_xD83D_"), None),
        ('<c t="str"><v>next</v></c>', "next"),
        ('<c r="B2" s="7"><v>5</v></c>', "5"),
    ],
)
def test_cells(tmp_path: Path, cell: str, shown: str | None) -> None:
    """A cell is what is shown; where that is not known it cannot be read, and spoils no other row."""
    rows = f'{HEADER}<row r="2">{text("A2", PHONE)}{cell}</row><row r="3">{text("A3", OTHER)}{text("B3", "b")}</row>'
    path = packed(tmp_path / "a.xlsx", rows, strings="<si><t>张三</t></si>")
    assert cells(path) == [[PHONE, shown], [OTHER, "b"]]


def test_a_carriage_return_behind_a_name(tmp_path: Path) -> None:
    """What a database wrote as _x000D_ is a line end, which nobody sees behind a name."""
    path = packed(
        tmp_path / "a.xlsx", f'{HEADER}<row r="2">{text("A2", PHONE)}{text("B2", "张三_x000D_")}</row>'
    )
    assert [row.values for row in Order.read(path, "SMS_1").recipients] == [("张三",)]


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="4000000000"><c r="A1"><v>1</v></c></row>',
        '<row r="3"/><row r="2"/>',
        '<row r="2"/><row r="2"/>',
        '<row r="x"/>',
        '<row r="2"><c r="XFE2"><v>1</v></c></row>',
        '<row r="2"><c r="1"><v>1</v></c></row>',
    ],
)
def test_places_that_no_sheet_has(tmp_path: Path, rows: str) -> None:
    """A row or cell at an impossible place is a damaged workbook, told at once."""
    path = packed(tmp_path / "a.xlsx", HEADER + rows)
    with pytest.raises(InvalidArguments, match=r"row \d of a\.xlsx cannot be read, the workbook is damaged"):
        records(path)


def test_rows_without_numbers(tmp_path: Path) -> None:
    """Rows and cells may leave their places out."""
    rows = "<row><c><v>1</v></c></row>" * 2
    path = packed(tmp_path / "a.xlsx", f'<row><c t="str"><v>phone</v></c></row>{rows}')
    assert records(path) == [Record(2, ["1"]), Record(3, ["1"])]


def test_gaps_are_blank_rows(tmp_path: Path) -> None:
    """A row that the file leaves out is counted as a blank one, as it is seen."""
    path = packed(
        tmp_path / "a.xlsx", f'{HEADER}<row r="4">{text("A4", PHONE)}{text("B4", " ")}</row><row r="5"/>'
    )
    assert records(path) == [Record(2, ()), Record(3, ()), Record(4, [PHONE, " "]), Record(5, ())]


def test_entities_do_not_grow(tmp_path: Path) -> None:
    """A workbook made to fill the memory is refused."""
    bomb = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    path = packed(
        tmp_path / "a.xlsx", HEADER, strings="<si><t>&j;</t></si>", doctype=f"<!DOCTYPE x [{bomb}]>"
    )
    with pytest.raises(InvalidArguments, match="not a valid Excel workbook"):
        open_table(path)


def test_hidden_rows(tmp_path: Path) -> None:
    """A row that nobody sees, because it is hidden or filtered out, is left out with its reason and its number."""
    rows = [["phone"], *([str(int(PHONE) + n)] for n in range(4))]

    def change(book: Any) -> None:
        book.active.row_dimensions[3].hidden = True
        book.active.row_dimensions[4].hidden = True
        book.active["A4"] = None

    order = Order.read(made(tmp_path / "a.xlsx", *rows, change=change), "SMS_1")
    found = [(row.line, row.phone, row.reason) for row in order.recipients]
    assert found == [(2, PHONE, ""), (3, OTHER, "hidden_row"), (5, "13800138003", "")]
    assert order.recipients.blank == 1


def sheets(path: Path, *named: tuple[str, str, list[list[str]]]) -> Path:
    """A workbook of sheets: name, state, rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, state, rows in named:
        sheet = book.create_sheet(name)
        sheet.sheet_state = state
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


LIST, NOTES = [["phone"], [PHONE]], [["说明"], ["x"]]


@pytest.mark.parametrize(
    ("named", "options", "sheet"),
    [
        ([("a", "visible", LIST), ("b", "visible", [])], {}, "a"),
        ([("a", "visible", []), ("b", "visible", LIST)], {}, "b"),
        ([("a", "visible", NOTES), ("b", "visible", LIST)], {}, "b"),
        ([("a", "veryHidden", LIST), ("b", "visible", LIST)], {}, "b"),
        ([("a", "hidden", LIST), ("b", "visible", LIST)], {"sheet": "a"}, "a"),
        ([("a", "visible", LIST), (" b ", "visible", LIST)], {"sheet": "b"}, " b "),
        ([("a", "visible", LIST), ("b", "visible", [["号"], [PHONE]])], {"phone_column": "号"}, "b"),
    ],
)
def test_which_sheet(tmp_path: Path, named: Any, options: Any, sheet: str) -> None:
    """The visible sheet with numbers is read, or the one that is named."""
    assert open_table(sheets(tmp_path / "a.xlsx", *named), **options).sheet == sheet


@pytest.mark.parametrize(
    ("named", "options", "told"),
    [
        (
            [("a", "visible", LIST), ("b", "visible", LIST)],
            {},
            r"a\.xlsx has more than one sheet with phone numbers, a, b: choose one by sheet \(--sheet\)",
        ),
        ([("a", "visible", NOTES), ("旧", "hidden", LIST)], {}, "the columns are 说明"),
        (
            [("a", "visible", []), ("旧", "hidden", LIST)],
            {},
            r"nothing on a visible sheet; it has a, 旧 \(hidden\): choose",
        ),
        (
            [("a", "visible", LIST), ("旧", "hidden", LIST)],
            {"sheet": "c"},
            r"has no sheet c; it has a, 旧 \(hidden\)",
        ),
        ([("a", "visible", NOTES)], {"sheet": "a"}, "no column has a name for phone numbers"),
        ([("a", "visible", []), ("b", "visible", [])], {}, "the columns are not named"),
    ],
)
def test_no_sheet(tmp_path: Path, named: Any, options: Any, told: str) -> None:
    """Where it is not clear which sheet is meant, the sheets are named, and nothing is sent."""
    with pytest.raises(InvalidArguments, match=told):
        open_table(sheets(tmp_path / "a.xlsx", *named), **options)


@pytest.mark.parametrize("source", [[PHONE], "a.csv"])
def test_a_sheet_of_nothing(tmp_path: Path, source: Any) -> None:
    """A sheet's name beside what has no sheets is refused."""
    if source == "a.csv":
        source = tmp_path / "a.csv"
        source.write_text(f"phone\n{PHONE}\n")
    with pytest.raises(InvalidArguments, match=r"has no sheets; leave sheet \(--sheet\) out"):
        open_table(source, sheet="a")


@pytest.mark.parametrize("name", ["a.xls", "a.ods", "a.et", "a.numbers", "a.xlsb"])
def test_other_spreadsheets(tmp_path: Path, name: str) -> None:
    """Spreadsheets of other formats are refused with the fix; an Excel workbook under their names is read."""
    path = tmp_path / name
    path.write_bytes(b"whatever")
    with pytest.raises(InvalidArguments, match=r"another program's spreadsheet: .*save it as \.xlsx"):
        open_table(path)
    made(tmp_path / "b.xlsx", ["phone"], [PHONE]).replace(path)
    assert cells(path) == [[PHONE]]


def test_an_old_workbook_called_csv(tmp_path: Path) -> None:
    """An old Excel file is told to be one, whatever it is called."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100))
    with pytest.raises(InvalidArguments, match=r"a\.csv is of an old Excel"):
        open_table(path)


def test_an_archive_that_is_no_workbook(tmp_path: Path) -> None:
    """Any other archive, such as an OpenDocument sheet, is told to be no workbook."""
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("content.xml", "<x/>")
    with pytest.raises(InvalidArguments, match=r"a\.ods is not a valid Excel workbook"):
        open_table(tmp_path / "a.ods")

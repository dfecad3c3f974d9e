"""Tables: the same records from every kind of file."""

import json
import warnings
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import openpyxl
import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign.tables import open_table
from smsjobs.campaign.tables.delimited import find_delimiter

PHONE = "13800138000"


def read(source, **options):
    table = open_table(source, **options)
    return table.columns, [(line, fault or cells) for line, cells, fault in table.records if cells or fault]


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv(tmp_path, encoding, delimiter, end):
    """A CSV is the same table in every encoding, with every delimiter and line end."""
    lines = [["手机号", "name", "金额"], [PHONE, "张三", "1.5"], ["13800138001", "李四", "2"]]
    text = "".join(delimiter.join(each) + end for each in lines)
    columns, records = read(written(tmp_path / "people.csv", text.encode(encoding)))
    assert columns == ("手机号", "name", "金额")
    assert records == [(2, [PHONE, "张三", "1.5"]), (3, ["13800138001", "李四", "2"])]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark(tmp_path, encoding):
    """UTF-16 without its mark is refused by its name, with the hint."""
    path = written(tmp_path / "people.csv", f"手机号,name\r\n{PHONE},张三\r\n".encode(encoding))
    with pytest.raises(InvalidArguments, match=r"looks like UTF-16 .*save the file as CSV UTF-8"):
        open_table(path)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_nul_in_one_cell(tmp_path, encoding):
    """A NUL in one cell does not make a file UTF-16: the other rows are read."""
    text = f"手机号,name\n{PHONE},张三\n13800138001,a\0b\n13800138002,李四\n"
    _, records = read(written(tmp_path / "people.csv", text.encode(encoding)))
    assert records == [(2, [PHONE, "张三"]), (3, ["13800138001", "a\0b"]), (4, ["13800138002", "李四"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("hint", ["sep={}", '"sep={}"', "SEP={}\r"])
def test_hint_of_the_delimiter(tmp_path, encoding, delimiter, hint):
    """A first line `sep=;` tells the delimiter and is no row; lines are counted with it."""
    rows = [["手机号", "name"], [PHONE, "a,b;c" if delimiter == "|" else "张三"]]
    text = "\n".join([hint.format(delimiter), *(delimiter.join(each) for each in rows)]) + "\n"
    columns, records = read(written(tmp_path / "people.csv", text.encode(encoding)))
    assert (columns, records) == (tuple(rows[0]), [(3, rows[1])])


def test_chinese_after_much_ascii(tmp_path):
    """A file whose first Chinese letter comes after a megabyte is still found to be GB18030."""
    text = "phone,name\n" + f"{PHONE},abcdefghij\n" * 60_000 + f"{PHONE},张三\n"
    _, records = read(written(tmp_path / "people.csv", text.encode("gb18030")))
    assert records[-1] == (60_002, [PHONE, "张三"])


def test_letter_on_the_border_of_two_blocks(tmp_path):
    """A letter that the reading of blocks cuts in two does not make a file another encoding."""
    row = f"{PHONE},abcdefgh\n"
    before = "phone,name\n" + row * ((1 << 20) // len(row) - 1)
    before += f"{PHONE}," + "x" * ((1 << 20) - len(before) - len(PHONE) - 2)
    assert len(before) == (1 << 20) - 1
    _, records = read(written(tmp_path / "people.csv", before + "张三\n"))
    assert records[-1][1][1].endswith("x张三")


def test_neither_encoding(tmp_path):
    """A file that is no text in any of the encodings is refused with the line, and what stands there is not shown."""
    path = written(tmp_path / "people.csv", b"phone\n13800138000\n\xff\xff13900139000\n")
    with pytest.raises(InvalidArguments, match=r"line 3 of people\.csv") as raised:
        open_table(path)
    assert "139" not in str(raised.value)


def test_lines_of_quoted_cells(tmp_path):
    """A row's line is the one where it begins, also after a cell of several lines, and blank rows are told as such."""
    text = f'phone,note\n{PHONE},"two\nlines"\n\n,,\n13800138001,one\n'
    records = list(open_table(written(tmp_path / "people.csv", text)).records)
    assert [each.line for each in records] == [2, 4, 5, 6]
    assert [bool(each.cells) for each in records] == [True, False, False, True]


def test_missing_quote(tmp_path):
    """A quotation mark that swallows the file is an error that names its line."""
    text = "phone,note\n" + f'{PHONE},"open\n' + "x" * 200_000
    with pytest.raises(InvalidArguments, match="begins in line 2"):
        read(written(tmp_path / "people.csv", text))


@pytest.mark.parametrize(
    ("heading", "delimiter"),
    [
        ("phone", ","),
        ("phone;name, first;x", ";"),  # more columns with a comma, but none of them the numbers'
        ("name\t手机号", "\t"),
        ('"phone","a;b;c;d"', ","),
        ("a,b,c", ","),
    ],
)
def test_delimiter(heading, delimiter):
    """The delimiter is the one that finds the numbers' column."""
    assert find_delimiter(heading) == delimiter


def test_json_lines(tmp_path):
    """JSON lines have the first object's names as columns; what is no object is a record that says so."""
    rows = [{"phone": 13800138000, "name": "张三"}, {"phone": PHONE, "other": 1}]
    text = "\n".join(["no json", *map(json.dumps, rows), "", json.dumps({"phone": PHONE, "name": ["x"]})])
    columns, records = read(written(tmp_path / "people.jsonl", text))
    assert columns == ("phone", "name")
    assert records == [(1, "unreadable"), (2, [PHONE, "张三"]), (3, "unknown_column"), (5, [PHONE, None])]


def test_workbook(tmp_path):
    """A workbook's cells are text: numbers without a fraction, and no cells where nothing stands."""
    book = openpyxl.Workbook()
    for row in (["手机号", "amount", "day"], [13800138000, 1.5, None], [], [13800138001.0, 2.0, "x"]):
        book.active.append(row)
    book.save(tmp_path / "people.xlsx")
    columns, records = read(tmp_path / "people.xlsx")
    assert columns == ("手机号", "amount", "day")
    assert records == [(2, [PHONE, "1.5"]), (4, ["13800138001", "2", "x"])]


def test_errors_in_a_workbook(tmp_path):
    """A cell in which Excel shows an error cannot be read; a text that looks like one is a text."""
    book = openpyxl.Workbook()
    for row in (["phone", "name"], [PHONE, "#N/A"], [PHONE, "#REF!"], ["#VALUE!", "a"], [PHONE, "#N/A"]):
        book.active.append(row)
    book.active["B5"].data_type = "s"
    book.save(tmp_path / "people.xlsx")
    _, records = read(tmp_path / "people.xlsx")
    assert [cells for _, cells in records] == [[PHONE, None], [PHONE, None], [None, "a"], [PHONE, "#N/A"]]


def test_number_that_is_shown_as_a_date(tmp_path, recwarn):
    """A number in a cell of dates cannot be read, for Excel does not show it, and stands in no warning."""
    book = openpyxl.Workbook()
    for row in (["phone"], [13800138000], [PHONE]):
        book.active.append(row)
    book.active["A2"].number_format = "yyyy-mm-dd"
    book.save(tmp_path / "people.xlsx")
    warnings.resetwarnings()
    _, records = read(tmp_path / "people.xlsx")
    assert [cells for _, cells in records] == [[None], [PHONE]]
    assert not [each for each in recwarn if PHONE in str(each.message)]


@pytest.mark.parametrize("columns", [["phone", "#REF!"], ["phone", True]])
def test_headings_that_are_no_text(tmp_path, columns):
    """A workbook whose first row cannot be read names no columns, and is refused for that."""
    book = openpyxl.Workbook()
    book.active.append(columns)
    book.save(tmp_path / "people.xlsx")
    with pytest.raises(InvalidArguments, match=r"row 1 of people\.xlsx .*must name the columns"):
        open_table(tmp_path / "people.xlsx")


def test_no_workbook(tmp_path):
    """A file that only calls itself a workbook is refused."""
    with pytest.raises(InvalidArguments, match=r"people\.xlsx is not a valid Excel workbook"):
        open_table(written(tmp_path / "people.xlsx", "no"))


class NumpyFloat(float):
    """Shows itself as numpy's do."""

    def __repr__(self):
        return f"np.float64({float(self)})"


class NotATime(datetime):
    """Refuses itself as pandas' NaT does."""

    def time(self):
        """Raises."""
        raise ValueError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        (0.1 + 0.2, "0.3"),
        (NumpyFloat(1.5), "1.5"),
        (NotATime(2026, 1, 1, tzinfo=UTC), None),
        (2.0, "2"),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
        (Decimal("9.90"), "9.90"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (Decimal("-Infinity"), None),
        (Decimal("1E+999999999"), None),  # as text it would fill the memory
        pytest.param(10**5000, None, id="longer than Python writes out"),
        (date(2026, 11, 11), "2026-11-11"),
        (datetime(2026, 11, 11, tzinfo=UTC), "2026-11-11"),
        (datetime(2026, 11, 11, 9, 30, tzinfo=UTC), "2026-11-11 09:30:00+00:00"),
        (timedelta(1), None),
        (b"x", None),
    ],
)
def test_values(value, text):
    """A value is the text that people would write for it; one that has none cannot be read, and spoils no other."""
    _, records = read([{"phone": PHONE, "amount": value}, {"phone": PHONE, "amount": "a"}])
    assert [cells for _, cells in records] == [[PHONE, text], [PHONE, "a"]]


def test_decimal_numbers():
    """A number from a column of decimals is a number, alone too."""
    assert read([Decimal(PHONE)]) == (("phone",), [(1, [PHONE])])


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "[" * 600 + "]" * 600, "[" * 9999],
    ids=lambda value: value[:9],
)
def test_values_of_json(tmp_path, value):
    """What JSON lines may hold and no message can cannot be read, and spoils no other line."""
    lines = [f'{{"phone": {PHONE}, "amount": {value}}}', value, f'{{"phone": {PHONE}, "amount": 1.50}}']
    text = "\n".join([f'{{"phone": {PHONE}, "amount": 1}}', *lines])
    _, (_, first, alone, last) = read(written(tmp_path / "people.jsonl", text))
    # A number of 5,000 digits and what nests too deep are no JSON to Python.
    assert first[1] in ("unreadable", [PHONE, None])
    assert (alone[1], last[1]) == ("unreadable", [PHONE, "1.5"])


class Wrapper:
    """Holds a value, as callers of the SMS elements hand it over."""

    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    ("items", "columns", "cells"),
    [
        ([PHONE, 13800138001], ("phone",), [[PHONE], ["13800138001"]]),
        ([{"手机号": PHONE, "n": "a"}], ("手机号", "n"), [[PHONE, "a"]]),
        ([(PHONE, {"n": "a"})], ("n", "phone"), [["a", PHONE]]),
        ([Wrapper({"phone": Wrapper(PHONE)})], ("phone",), [[PHONE]]),
        (Wrapper([PHONE]), ("phone",), [[PHONE]]),
        ([PHONE, None, True], ("phone",), [[PHONE], "unreadable", "unreadable"]),
        ([], ("phone",), []),
    ],
)
def test_iterables(items, columns, cells):
    """Numbers, dicts, pairs and wrappers that hold them are records, counted from 1."""
    assert read(items) == (columns, list(enumerate(cells, 1)))


@pytest.mark.parametrize("source", [None, 5, b"people.csv", {"phone": PHONE}])
def test_no_source(source):
    """What is neither a path nor an iterable of recipients is refused."""
    with pytest.raises(InvalidArguments, match="recipients must be"):
        open_table(source)


@pytest.mark.parametrize("name", ["people.pdf", "people", PHONE])
def test_unknown_ending(tmp_path, name):
    """A file of an unknown kind is refused with the kinds that are known."""
    with pytest.raises(
        InvalidArguments, match=r"a file that ends in \.csv, .*, or an iterable \(a list\)"
    ) as raised:
        open_table(written(tmp_path / name, "x"))
    assert name not in str(raised.value)


@pytest.mark.parametrize(
    "text", [PHONE, f"{PHONE},13800138001", ",".join([PHONE] * 30), f"/nowhere/{PHONE}", ""]
)
def test_a_number_where_a_path_belongs(text):
    """Numbers in one text are no path, are refused with what is wanted, and stand in no error."""
    with pytest.raises(
        InvalidArguments, match=r"recipients must be the path of a file that ends in"
    ) as raised:
        open_table(text)
    assert PHONE not in str(raised.value)


def test_a_path_that_the_system_refuses(tmp_path):
    """A path that is too long for the system is an error of ours, without the directory."""
    with pytest.raises(InvalidArguments, match=r"x\.csv cannot be read: File name too long") as raised:
        open_table(tmp_path / ("x" * 300 + ".csv"))
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize("name", ["phone", "Phone", "手机号 "])
def test_two_numbers(name):
    """A pair whose parameters have a number too is told, for one of the two would be lost."""
    pairs = [(PHONE, {"n": "a"}), (PHONE, {"n": "a", name: "95533"})]
    _, records = read(pairs)
    assert [cells for _, cells in records] == [["a", PHONE], "two_numbers"]
    assert [cells for _, cells in read(pairs[1:])[1]] == ["two_numbers"]


def test_pairs_in_json_lines(tmp_path):
    """A line of JSON may be a pair of a number and its parameters."""
    text = json.dumps([PHONE, {"n": "a"}]) + "\n" + json.dumps({"phone": PHONE, "n": "b"})
    assert read(written(tmp_path / "people.jsonl", text)) == (
        ("n", "phone"),
        [(1, ["a", PHONE]), (2, ["b", PHONE])],
    )


def test_no_file(tmp_path):
    """A path that leads nowhere is refused without showing the directory."""
    with pytest.raises(InvalidArguments, match=r"there is no file people\.csv") as raised:
        open_table(tmp_path / "people.csv")
    assert str(tmp_path) not in str(raised.value)

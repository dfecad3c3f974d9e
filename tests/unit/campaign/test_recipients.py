"""Recipients: what is sent to whom, and which rows are left out and why."""

import sys

import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign.recipients import Recipients
from smsjobs.campaign.tables import Record, Table
from smsjobs.campaign.tables.columns import choose
from smsjobs.campaign.values import MAX_VALUE, is_plain, value_fault

PHONE = "13800138000"
HONG_KONG = "85261234567"

#: All that `str.splitlines` takes for the end of a line, and the end of a text in C.
LINE_ENDS = [chr(each) for each in range(0x3000) if len(f"a{chr(each)}b".splitlines()) > 1] + ["\0", "\r\n"]

#: Emoji of every kind (a face, a flag, a keycap, a sign made one, of the first versions and of late ones), and the signs
#: that Aliyun's page names.
UNSUPPORTED = [
    "😀",
    "🇨🇳",
    "1\ufe0f\u20e3",
    "©\ufe0f",
    "⭐",
    "✅",
    "⌚",
    "🫠",
    "👨\u200d👩\u200d👧",
    *"『』「」〖〗①②★※→❤•²",
]


def recipients(columns, *cells, params=None, needed=None, **more):
    rows = (
        Record(line, (), each) if isinstance(each, str) else Record(line, each)
        for line, each in enumerate(cells, 2)
    )
    table = Table(columns=tuple(columns), phone=choose(columns, None), records=rows)
    return Recipients(table, params or {}, needed, **more)


def test_plain_values() -> None:
    """What is taken for plain at the first look is no fault by any rule: each character of it, alone, beside others and at length."""
    plain = [each for each in map(chr, range(sys.maxunicode + 1)) if is_plain(each)]
    assert {"0", "Z", "a", "王"} <= set(plain)
    assert not [each for each in plain if value_fault(each, mainland=True) or each.strip() != each]
    for value in ("1.50", "https", "www1", "王伟", "0" * MAX_VALUE, f"{'1' * 16}.{'2' * 16}"):
        assert is_plain(value), value
        assert value_fault(value, mainland=True) == ""
    for value in (
        "",
        "0" * (MAX_VALUE + 1),
        "http://1",
        "www.1",
        "1.w",
        "1.",
        ".1",
        "a b",
        "王\n",
        "1\n",
        "1.5\n",
        "😀",
    ):
        assert not is_plain(value), value


@pytest.mark.parametrize(
    "given",
    [
        PHONE,
        f"+86{PHONE}",
        f"0086 {PHONE}",
        "138 0013 8000",
        "138-0013-8000",
        "(138)00138000",
        f"'{PHONE}",
        "１３８００１３８０００",
        f"\u00a0{PHONE}\u3000",
        "138.0013.8000",
        "138·0013·8000",
        f"{PHONE}.",
        f"{PHONE}.0",  # a spreadsheet's number
        f"'{PHONE}.00",
        f"+86 {PHONE}.000000",
        "１３８００１３８０００．０",
        *(f"{mark}{PHONE}{mark}" for mark in "\u200b\u200e\u202a\u202e\u2060\u2066\u2069\ufeff"),
        *(f"138{dash}0013{dash}8000" for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"),
    ],
)
def test_numbers(given):
    """However people write a mainland number, it is the same eleven digits, and twice the same is a duplicate."""
    first, second = recipients(["phone"], [given], [PHONE])
    assert (first.phone, first.fault) == (PHONE, "")
    assert (second.fault, second.reason) == ("duplicate", "duplicate")


@pytest.mark.parametrize(
    ("given", "phone"),
    [
        ("85261234567.0", "85261234567"),
        ("+852 6123 4567.0", "85261234567"),
        ("852.6123.4567", "85261234567"),
        ("+852 6123.0000", "85261230000"),  # the zeros are the number's own
        ("+1 202.555.0000", "12025550000"),
        ("85261234567.5", None),
        ("85261234567.50", None),
        ("85261234567.125", None),
        ("852.61234567.0", None),
        ("61234567.0", None),  # too short to tell a fraction from a part of the number
        ("33.6.12.34.56.78", "33612345678"),
    ],
)
def test_dots(given, phone):
    """A dot may part a number's digits, and what might be a fraction never becomes digits of somebody else's number."""
    (row,) = recipients(["phone"], [given])
    assert (row.phone if not row.fault else None) == phone


@pytest.mark.parametrize(
    "given", ["", "abc", "1380013800", "138001380000", "1.38E+10", "12345", "+8613", "13800138000.5"]
)
def test_no_numbers(given):
    """What is no number is left out as it stands there."""
    (row,) = recipients(["phone"], [given])
    assert (row.line, row.phone, row.fault, row.reason) == (2, given, "invalid", "not_a_phone_number")


@pytest.mark.parametrize(
    "cells", [["x" * 10_000], [PHONE + " " * 10_000, "x" * 36], [PHONE + " " * 10_000, "a"]]
)
def test_long_cells(cells):
    """Of the number's cell of a row that is left out, no more than 64 characters are kept, and it shows."""
    *_, row = recipients(["phone", "name"], [PHONE, "a"], cells)
    assert row.fault
    assert (len(row.phone), row.phone[:63], row.phone[-1]) == (64, cells[0][:63], "…")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([PHONE], "parameter_missing: name"),
        ([PHONE, " "], "parameter_missing: name"),
        ([PHONE, "x" * 36], "parameter_too_long: name"),
        ([PHONE, "【x】"], "parameter_not_allowed: name"),
        *(([PHONE, f"a{end}b"], "parameter_not_allowed: name") for end in LINE_ENDS),
        *(([PHONE, f"王{sign}"], "parameter_not_allowed: name") for sign in UNSUPPORTED),
        ([PHONE, "见 HTTPS://a.example/x"], "parameter_has_url: name"),
        ([PHONE, "www.example.com"], "parameter_has_url: name"),
        ([PHONE, "a", "b"], "too_many_cells"),
        ("unreadable", "unreadable"),
    ],
)
def test_bad_rows(cells, reason):
    """A row that would have a whole request refused is left out with its reason, and takes no other with it."""
    bad, good = recipients(["phone", "name"], cells, [PHONE, "x" * 35])
    assert (bad.line, bad.fault, bad.reason) == (2, "invalid", reason)
    assert (good.line, good.fault, good.values) == (3, "", ("x" * 35,))


@pytest.mark.parametrize(
    "value",
    [
        *(
            "阿卜杜·热合曼",
            "𬭎",
            "㛃",
            "陳",
            "“好”",
            "《书》（上）",
            "￥9.90",
            "—…～",
            "a&b/c",
            "25℃",
            "№1",
            "©®™",
        ),
        *("58.com", "a@example.com", "8:30-9:00", "http", "wwwx"),
    ],
)
def test_what_is_not_known_to_be_refused(value):
    """A value is left out only where Aliyun says that it refuses such: it decides about all others."""
    (row,) = recipients(["phone", "name"], [PHONE, value])
    assert (row.fault, row.values) == ("", (value,))


@pytest.mark.parametrize("value", ["😀", "★", "https://a.example"])
def test_values_abroad(value):
    """What Aliyun refuses at home only is sent to foreign numbers, whether it is a row's own or shared by all."""
    own = recipients(["phone", "name"], [HONG_KONG, value], [PHONE, value])
    shared = recipients(["phone"], [HONG_KONG], [PHONE], params={"name": value})
    for abroad, at_home in (own, shared):
        assert abroad.fault == ""
        assert (at_home.fault, at_home.reason.rpartition(" ")[2]) == ("invalid", "name")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "parameter_missing"),
        ("x" * 36, "parameter_too_long"),
        ("【x】", "parameter_not_allowed"),
        ("a\u2028b", "parameter_not_allowed"),
        ("😀", "parameter_not_allowed"),
        ("http://a.example", "parameter_has_url"),
    ],
)
def test_bad_values_for_all(value, reason):
    """A value that all share is checked by the rule of the rows, unless the template does not take it."""
    (row,) = recipients(["phone"], [PHONE], params={"event": value})
    assert (row.fault, row.reason) == ("invalid", f"{reason}: event")
    (row,) = recipients(["phone"], [PHONE], params={"event": value}, needed=[])
    assert row.fault == ""


def test_countries():
    """Numbers of other countries are left out with a reason, and what is no number stays that."""
    cells = [[PHONE], ["+852 6123 4567"], ["+44 7700 900123"], ["x"]]
    assert [row.reason for row in recipients(["phone"], *cells, countries=["86"])] == [
        "",
        "country_not_allowed",
        "country_not_allowed",
        "not_a_phone_number",
    ]
    found = recipients(["phone"], *cells, countries=["852", "447"])
    assert [row.phone for row in found if not row.fault] == ["85261234567", "447700900123"]
    with pytest.raises(InvalidArguments, match="countries must be country codes"):
        recipients(["phone"], countries="86")


def test_blank_rows_are_counted():
    """A row in which there is nothing is no row of the report, and counted."""
    found = recipients(["phone", "name"], [PHONE, "a"], [], ["13800138001", "b"], [])
    assert [row.line for row in found] == [2, 4]
    assert found.blank == 2


def test_cells_that_cannot_be_read():
    """A cell that cannot be read leaves its row out where it is needed, and nobody minds it elsewhere."""
    cells = [[None, "a", "b"], [PHONE, None, "b"], ["13800138001", "a", None]]
    found = recipients(["phone", "name", "note"], *cells, needed=["name"])
    assert [(row.phone, row.reason) for row in found] == [
        ("", "unreadable"),
        (PHONE, "unreadable"),
        ("13800138001", ""),
    ]


def test_columns_are_parameters():
    """Every column besides the numbers' is a parameter, and one that is given for all gives way to its column."""
    found = recipients(["name", "手机号", ""], ["张三", PHONE, ""], params={"name": "all", "event": "维护"})
    assert (found.names, found.shared) == (("name",), {"event": "维护"})
    assert [row.values for row in found] == [("张三",)]


def test_named_columns():
    """Where a value names a column, only named columns are parameters."""
    found = recipients(
        ["phone", "姓名", "internal"], [PHONE, "张三", "secret"], params={"name": "{姓名}", "event": "x"}
    )
    assert (found.names, found.shared) == (("name",), {"event": "x"})
    assert [row.values for row in found] == [("张三",)]


def test_template_decides():
    """Where the template's text is known, columns that are none of its parameters are left alone."""
    found = recipients(["phone", "name", "note"], [PHONE, "张三", "x" * 99], needed=["name"])
    assert found.names == ("name",)
    assert [row.fault for row in found] == [""]


@pytest.mark.parametrize(
    ("columns", "more", "text"),
    [
        (["number", "name"], {}, "no column has a name for phone numbers; the columns are number, name"),
        (["phone"], {"params": {"name": "{姓名}"}}, "there is no column 姓名; the columns are phone"),
        (["phone"], {"needed": ["name"]}, "no value for the parameter name"),
        (["phone", "a", "a"], {}, "two columns are called a"),
        (["phone", "手机号"], {}, "two columns may have the phone numbers, phone and 手机号"),
        (["name", "Phone", "phone"], {}, "two columns may have the phone numbers, Phone and phone"),
    ],
)
def test_missing_columns(columns, more, text):
    """A column that is missing is an error before the first row is read."""
    with pytest.raises(InvalidArguments, match=text):
        recipients(columns, **more)


def test_heading_is_not_shown():
    """A file without a heading is refused without showing its first row, which has a number in it."""
    with pytest.raises(InvalidArguments) as raised:
        recipients([PHONE, "张三"])
    assert PHONE not in str(raised.value)


def test_ignored_columns():
    """A column that is ignored is no parameter, also where two are called so, and its cells are not looked at."""
    found = recipients(
        ("phone", "name", "note", "note"), [PHONE, "a", "字" * 99, None], ignore_columns=["note"]
    )
    assert found.names == ("name",)
    assert [(row.values, row.reason) for row in found] == [(("a",), "")]
    assert recipients(("phone", "note"), [PHONE, ""], ignore_columns=(" note ",)).names == ()


@pytest.mark.parametrize(
    ("ignored", "words"),
    [
        (["notes"], "names notes; the columns are phone, note"),
        ([""], "names ; the columns are phone, note"),
        (["phone"], "the column of the numbers is needed"),
        ("note", "must be a list of columns' names"),
        ([1], "must be a list of columns' names"),
        (7, "must be a list of columns' names"),
        (["x" * 201], "has 201 characters; at most 200"),
        (["\ud800"], "must be a list of columns' names"),
    ],
)
def test_ignored_columns_that_are_wrong(ignored, words):
    """What cannot be ignored is an error of that argument."""
    with pytest.raises(InvalidArguments, match=words) as raised:
        recipients(("phone", "note"), [PHONE, "x"], ignore_columns=ignored)
    assert raised.value.argument == "ignore_columns"


def test_an_ignored_column_that_a_parameter_needs():
    """A parameter is not taken from a column that is ignored."""
    with pytest.raises(InvalidArguments, match="there is no column note"):
        recipients(("phone", "note"), [PHONE, "x"], params={"n": "{note}"}, ignore_columns=["note"])

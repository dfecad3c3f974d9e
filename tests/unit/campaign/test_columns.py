"""Headers that people have: which column has the numbers, and what is told where none has."""

import json
from pathlib import Path

import openpyxl
import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign import Order
from smsjobs.campaign.tables import open_table
from smsjobs.campaign.tables.columns import clean_names, phone_columns

PHONE = "13800138000"


@pytest.mark.parametrize(
    "name",
    [
        "phone", "Phone", "PHONE", "phone number", "Phone-Number", "phone_no.", "phoneNumber", "mobile", "Mobile Phone",
        "mobile number", "cell", "cellphone", "tel", "Tel.", "telephone", "手机", "手机号", "手机号码", "手机号码(必填)",
        "*手机号", "手机号：", " 手机号\u200b", "电话", "电话号码", "联系电话", "联系方式", "联系手机", "客户手机号", "收货人电话",
        "ｐｈｏｎｅ", "手機號碼", "電話",
    ],
)  # fmt: skip
def test_names_of_the_numbers_column(tmp_path: Path, name: str) -> None:
    """A column of phone numbers is found by whatever people call it."""
    path = tmp_path / "people.csv"
    path.write_text(f"姓名,{name},城市\n张三,{PHONE},北京\n", "utf-8")
    order = Order.read(path, "SMS_1")
    assert [(row.phone, row.values) for row in order.recipients] == [(PHONE, ("张三", "北京"))]
    assert order.recipients.names == ("姓名", "城市")


@pytest.mark.parametrize(
    "name", ["number", "编号", "name", "手", "phones of friends", "tel ext", "", "身份证号"]
)
def test_other_names(name: str) -> None:
    """A column that may be something else is not taken for the numbers'."""
    assert phone_columns([name]) == []


@pytest.mark.parametrize(
    ("columns", "wanted", "found"),
    [
        (["tel", "phone"], None, [1]),  # a parameter may be somebody's telephone
        (["联系电话", "手机号"], None, [1]),
        (["tel", "电话"], None, [0, 1]),
        (["mobile", "phone"], None, [0, 1]),
        (["mobile", "phone"], "phone", [1]),
        (["mobile", "phone"], " Mobile ", [0]),
        (["Nr", "nr"], "nr", [1]),
        (["a", "b"], "c", []),
    ],
)
def test_which_of_several(columns: list[str], wanted: str | None, found: list[int]) -> None:
    """A column of mobile numbers goes before one of telephones; the one that is named before all."""
    assert phone_columns(columns, wanted) == found


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
def test_no_column(tmp_path: Path, kind: str) -> None:
    """Where no column is the numbers', the error names the file, the columns, and what to do."""
    path = written(tmp_path / f"名单.{kind}", [["姓名", "号"], ["张三", PHONE]])
    with pytest.raises(InvalidArguments) as raised:
        open_table(path)
    assert raised.value.message == (
        f"recipients: 名单.{kind}: no column has a name for phone numbers; the columns are 姓名, 号. Call one phone or 手机号, or "
        "name it by phone_column (--phone-column)"
    )
    with pytest.raises(InvalidArguments, match="there is no column 电; the columns are 姓名, 号"):
        open_table(path, phone_column="电")
    assert [row.phone for row in Order.read(path, "SMS_1", phone_column="号").recipients] == [PHONE]


def written(path: Path, rows: list[list[str]]) -> Path:
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    elif path.suffix == ".jsonl":
        names = rows[0]
        path.write_text("\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows[1:]))
    else:
        path.write_text("".join(f"{','.join(row)}\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("first", [[PHONE, "张三"], ["张三", f"+86 {PHONE}"]])
def test_no_header(tmp_path: Path, kind: str, first: list[str]) -> None:
    """A file without a header is told to be one, and nobody's data is shown."""
    path = written(tmp_path / f"a.{kind}", [first, ["13800138001", "李四"]])
    with pytest.raises(InvalidArguments, match=rf"a\.{kind}: the first row has a phone number") as raised:
        open_table(path)
    assert PHONE not in str(raised.value)
    assert "张三" not in str(raised.value)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_title_above_the_header(tmp_path: Path, kind: str) -> None:
    """A title above the columns' names is told with the row that has them."""
    path = written(
        tmp_path / f"a.{kind}",
        [["2026 会员名单", ""], ["制表人", "王五"], ["手机号码", "姓名"], [PHONE, "张三"]],
    )
    with pytest.raises(InvalidArguments, match=r"the first row does not name the columns, row 3 seems to"):
        open_table(path)


def test_a_title_above_another_delimiter(tmp_path: Path) -> None:
    """A title is found also where it hides what parts the columns."""
    path = tmp_path / "a.csv"
    path.write_text(f"名单\n手机号;姓名\n{PHONE};张三\n", "utf-8")
    with pytest.raises(InvalidArguments, match="row 2 seems to"):
        open_table(path)


def test_numbers_in_a_header_are_not_shown(tmp_path: Path) -> None:
    """What may be somebody's data is masked in an error."""
    path = tmp_path / "a.csv"
    path.write_text(f"张三,card 6222021234567890,{'x' * 99}\n" + ",".join("abc"), "utf-8")
    with pytest.raises(InvalidArguments) as raised:
        open_table(path)
    assert "6222" not in str(raised.value)
    assert "x" * 41 not in str(raised.value)


def test_names_on_one_line() -> None:
    """A name in two lines, or with marks that nobody sees or that drive a terminal, is what people read."""
    assert clean_names(["手机号\n(必填)", "\ufeffname", "a\x1b]0;x\x07b", "  a   b "]) == (
        "手机号 (必填)",
        "name",
        "a]0;xb",
        "a b",
    )


def test_many_columns(tmp_path: Path) -> None:
    """A record with very many names is read in no time, and an error names the first ones."""
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"phone": PHONE, **{f"c{n}": "1" for n in range(10_000)}}))
    (row,) = Order.read(path, "SMS_1").recipients
    assert len(row.values) == 10_000
    with pytest.raises(InvalidArguments, match="c18 and 9981 more"):
        open_table(path, phone_column="nr")


@pytest.mark.parametrize("option", ["sheet", "phone_column"])
@pytest.mark.parametrize("value", [5, "", " ", b"x", "\ud800"])
def test_no_name(option: str, value: object) -> None:
    """What can be no name of a sheet or a column is refused by the argument's name."""
    with pytest.raises(InvalidArguments, match=f"{option} must be a name"):
        open_table([PHONE], **{option: value})


def test_pairs_and_telephones() -> None:
    """A pair has its number; what is called a telephone beside it is a parameter."""
    order = Order.read([(PHONE, {"tel": "400-123", "name": "a"})], "SMS_1")
    assert [(row.phone, row.values) for row in order.recipients] == [(PHONE, ("400-123", "a"))]

"""Files as people have them, each of which was wrong once: tests/cases/README.md tells what is in them."""

from pathlib import Path
from typing import Any

import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign import Order, ReportRow, check

CASES = Path(__file__).parents[2] / "cases"


def sent(name: str, **options: Any) -> dict[str, tuple[str, ...]]:
    """Who would get a message, with which values."""
    order = Order.read(CASES / name, "SMS_1", **options)
    return {row.phone: row.values for row in order.recipients if not row.fault}


def left_out(name: str) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in Order.read(CASES / name, "SMS_1").recipients if row.fault]


@pytest.mark.parametrize("name", ["dim_narrow.xlsx", "dim_short.xlsx", "dim_a1.xlsx", "xlsx_as_csv.csv"])
def test_the_whole_sheet(name: str) -> None:
    """Every row and column of a sheet is read, whatever the file says of its size, and whatever it is called."""
    names = {"13800138000": "张三", "13800138001": "李四", "13800138002": "王五", "13800138003": "赵六"}
    assert sent(name) == {phone: (value,) for phone, value in names.items()}


def test_the_visible_sheet() -> None:
    """A hidden sheet is not sent to unless it is named."""
    assert list(sent("hidden_first.xlsx")) == ["13800138000"]
    assert list(sent("hidden_first.xlsx", sheet="旧名单")) == ["13900139000", "13900139001"]


def test_the_noise_of_floats() -> None:
    """A number has 15 significant digits, as Excel shows it."""
    assert list(sent("float.xlsx").values()) == [("3.3",), ("234.56",), ("0.58",)]


def test_texts_kept_from_excel() -> None:
    """A text written as a formula keeps its zeros, and a number written so is that number."""
    assert sent("eq.csv") == {
        "13800138000": ("张三", "007123"),
        "13800138001": ("李四", "007124"),
        "13800138002": ("王五", "007125"),
    }


def test_trunk_zeros() -> None:
    """The same person gets one message, however the number is written."""
    wanted = ["447700900123", "886912345678", "85261234567", "4915123456789", "819012345678"]
    assert list(sent("trunk.csv")) == wanted
    assert left_out("trunk.csv") == [(3, "duplicate"), (5, "duplicate")]


def test_numbers_that_are_strangers_in_china() -> None:
    """What Aliyun would read as somebody else's number is left out, and the reason says so."""
    assert list(sent("us.csv")) == ["12025550101"]
    assert left_out("us.csv") == [(line, "ambiguous_number") for line in (2, 3, 4)]


def test_formulas_where_numbers_belong() -> None:
    """No cell of the report is one that Excel would run."""
    rows = [row for row in Order.read(CASES / "inject.csv", "SMS_1").recipients if row.fault]
    assert [row.line for row in rows] == [3, 4, 5, 6]
    for row in rows:
        told = ReportRow(line=row.line, phone=row.phone, outcome="invalid", reason=row.reason).cells()
        assert told[1] == f"'{row.phone}"


def test_one_emoji() -> None:
    """One row with an emoji is left out with its reason, and the 99 others are sent."""
    assert left_out("emoji100.csv") == [(52, "parameter_not_allowed: name")]
    assert len(sent("emoji100.csv")) == 99


def test_a_column_of_remarks() -> None:
    """A column that most rows leave empty is named as such, and nobody is left out once it is ignored."""
    found = check(Order.read(CASES / "remark.csv", "SMS_1"))
    assert (found.recipients, found.leaves_many_out) == (1, True)
    assert [(each.name, each.filled) for each in found.table if each.is_mostly_empty] == [("备注", 1)]
    assert len(sent("remark.csv", ignore_columns=["备注"])) == 8


def test_an_array() -> None:
    """A JSON array is refused with the fix, and no part of it is taken for a recipient."""
    with pytest.raises(InvalidArguments, match=r"array1\.jsonl is one JSON array: write one object a line"):
        Order.read(CASES / "array1.jsonl", "SMS_1")


@pytest.mark.parametrize(
    "path",
    sorted(path for path in CASES.iterdir() if path.suffix in (".csv", ".xlsx")),
    ids=lambda path: path.name,
)
def test_check_counts_all(path: Path) -> None:
    """A dry run counts each row of a file once."""
    found = check(Order.read(path, "SMS_1"))
    rows = {
        "trunk.csv": 7,
        "us.csv": 4,
        "inject.csv": 5,
        "emoji100.csv": 100,
        "hidden_first.xlsx": 1,
        "remark.csv": 8,
    }.get(path.name)
    wanted = rows or (3 if path.stem in ("eq", "float") else 4)
    assert found.recipients + found.invalid + found.duplicates + found.blank == wanted
    assert sum(found.countries.values()) == found.recipients

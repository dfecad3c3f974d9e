"""What programs write so that Excel takes a text for a text: understood on the way in, and written on the way out."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsjobs.campaign import COLUMNS, Order, ReportRow
from smsjobs.campaign.tables import open_table
from smsjobs_shell.campaign.report import _write

PHONE = "13800138000"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('="007123"', "007123"),
        ('"=""007123"""', "007123"),
        ('"=""say """"hi"""" """', 'say "hi" '),
        ('=""', ""),
        ("'007123", "007123"),
        ("`007123", "007123"),
        ("'=1+1", "=1+1"),
        ("'+8613800138000", "+8613800138000"),
        ("'-5", "-5"),
        ("'@home", "@home"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ("'90s", "'90s"),
        ("'", "'"),
        ("=1+1", "=1+1"),
        ('="a"&"b"', '="a"&"b"'),
        ("-5", "-5"),
        ("\t007123", "\t007123"),
    ],
)
def test_read(tmp_path: Path, written: str, read: str) -> None:
    """A text that was protected is the text; one that only looks like it stays as it is."""
    path = tmp_path / "a.csv"
    path.write_text(f"phone,name\n{PHONE},{written}\n", "utf-8")
    assert [record.cells for record in open_table(path).records] == [[PHONE, read]]


def row(phone: str, reason: str = "not_a_phone_number") -> ReportRow:
    return ReportRow(line=2, phone=phone, outcome="invalid", code=46001, reason=reason)


@pytest.mark.parametrize(
    "phone",
    [
        "=1+1",
        "+1 310 555 1234",
        "-2+3",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u3000=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
    ],
)
def test_written(phone: str) -> None:
    """No cell of a report begins as a formula does."""
    assert row(phone).cells()[COLUMNS.index("phone")] == f"'{phone}"


@pytest.mark.parametrize("phone", [PHONE, "", "abc", "'x", "1-2"])
def test_written_as_it_is(phone: str) -> None:
    """What is no formula is written as it is."""
    assert row(phone).cells()[COLUMNS.index("phone")] == phone


@given(st.text(max_size=64))
def test_no_report_runs(phone: str) -> None:
    """Whatever stands in a file, no cell of its report is one that Excel runs."""
    file = io.StringIO(newline="")
    _write(file, [row(phone, f"parameter_missing: {phone}")])
    file.seek(0)
    for cells in csv.reader(file):
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in cells)


def test_a_report_is_read_again(tmp_path: Path) -> None:
    """A report's own rows are recipients again, with the numbers that they had."""
    path = tmp_path / "report.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        _write(file, [row("+86 138 0013 8000 "), row("=1")])
    order = Order.read(path, "SMS_1", params={"x": "{line}"})
    assert [(each.phone, each.reason) for each in order.recipients] == [
        (PHONE, ""),
        ("=1", "not_a_phone_number"),
    ]

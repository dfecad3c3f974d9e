"""What `smsjobs campaign check` tells of a file."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from smsjobs_shell.campaign.progress import by_country
from smsjobs_shell.program import program

PHONE = "13800138000"


def run(*words: str) -> Result:
    return CliRunner().invoke(program, ["campaign", "check", *words, "--template", "SMS_1"])


@pytest.fixture
def people(tmp_path: Path) -> str:
    """A file with a row of each kind."""
    path = tmp_path / "people.csv"
    path.write_text(f"手机号码,name\n{PHONE},a\n\n+852 6123 4567,b\nx,c\n86{PHONE},d\n,,\n", "utf-8")
    return str(path)


def test_told(people: str) -> None:
    """It tells the numbers' column, recipients by country, and what is left out by reason, blank rows included."""
    lines = [line.split(maxsplit=1) for line in run(people).stdout.splitlines() if line]
    told = {words[0]: words[-1] for words in lines}
    assert told["numbers"] == "column 手机号码"
    assert told["recipients"] == "2: mainland 1, foreign 1 (852: 1)"
    assert ["left", "out    1 invalid, 1 duplicate, 2 blank rows"] in lines
    assert told["1"] == "not_a_phone_number"


def test_countries(people: str) -> None:
    """`--countries` leaves the others out, with a plus or without, one by one or with commas."""
    document = json.loads(run(people, "--countries", "+86", "--json").stdout)
    assert document["countries"] == {"86": 1}
    assert document["reasons"] == {"country_not_allowed": 1, "not_a_phone_number": 1}
    for options in (["--countries", "86,852"], ["--countries", "86", "--countries", "852"]):
        assert json.loads(run(people, *options, "--json").stdout)["countries"] == {"86": 1, "852": 1}


@pytest.mark.parametrize("codes", ["x", "", "86,", "086", "８６"])
def test_no_countries(people: str, codes: str) -> None:
    """What is no country code is bad usage."""
    result = run(people, "--countries", codes)
    assert (result.exit_code, "must be country codes" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--phone-column", "nr"],
            "there is no column nr; the columns are 手机号码, name. Call one phone or 手机号, or name it by phone_column (--phone-column)",
        ),
        (["--sheet", "a"], "FILE: people.csv has no sheets; leave sheet (--sheet) out"),
    ],
)
def test_in_the_shells_words(people: str, options: list[str], words: str) -> None:
    """Errors name options as they are typed."""
    result = run(people, *options)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_workbook(tmp_path: Path) -> None:
    """It tells the sheet that is read, and counts hidden rows."""
    book: Any = openpyxl.Workbook()
    for row in (["phone"], [PHONE], ["13800138001"]):
        book.active.append(row)
    book.active.title = "名单"
    book.active.row_dimensions[3].hidden = True
    book.save(tmp_path / "people.xlsx")
    told = run(str(tmp_path / "people.xlsx")).stdout
    assert "sheet       名单" in told
    assert "1 hidden_row" in told


def test_most_countries_first() -> None:
    """Of many countries the largest are named."""
    counts = {str(100 + n): n for n in range(1, 13)} | {"86": 1000}
    assert by_country(counts) == (
        "mainland 1,000, foreign 78 (112: 12, 111: 11, 110: 10, 109: 9, 108: 8, 107: 7, 106: 6, 105: 5, 104: 4, 103: 3, "
        "and 2 more)"
    )
    assert by_country({}) == "mainland 0, foreign 0"

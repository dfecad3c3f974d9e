"""What `smsjobs campaign check` tells of a file."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from smsjobs.campaign.reasons import MEANINGS
from smsjobs_shell.campaign.progress import by_country
from smsjobs_shell.program import program

PHONE = "13800138000"


def facts(told: str) -> dict[str, str]:
    """The lines by their first words."""
    lines = [line.split(maxsplit=1) for line in told.splitlines() if line.strip()]
    return {words[0]: words[-1] for words in lines}


def run(*words: str) -> Result:
    return CliRunner().invoke(program, ["campaign", "check", *words, "--template", "SMS_1"])


@pytest.fixture
def people(tmp_path: Path) -> str:
    """A file with a row of each kind."""
    path = tmp_path / "people.csv"
    path.write_text(f"手机号码,name\n{PHONE},a\n\n+852 6123 4567,b\nx,c\n86{PHONE},d\n,,\n", "utf-8")
    return str(path)


def test_told(people: str) -> None:
    """It tells the columns and their use, recipients by country, and what is left out by reason, blank rows included."""
    told = facts(run(people, "--param", "event=维护").stdout)
    assert told["手机号码"] == "the phone number  4 of 4 rows"
    assert told["name"] == "${name}           4 of 4 rows"
    assert told["--param"].startswith("${event} = 维护")
    assert told["rows"] == "6: 2 get a message, 2 are left out (50.0 %), 2 are blank"
    assert told["recipients"] == "2: mainland 1, foreign 1 (852: 1)"
    assert "1     not_a_phone_number  there is no phone number" in run(people).stdout
    assert "1     duplicate           an earlier row has the number" in run(people).stdout


def test_the_first_messages(people: str) -> None:
    """The first three messages are shown as they are read, each with its signature and a number without its middle."""
    text = ("--template-text", "${name}您好", "--sign", "示例公司")
    told = facts(run(people, *text).stdout)
    assert told["138****8000"] == "【示例公司】a您好"
    assert told["852****4567"] == "[示例公司]b您好"
    first = json.loads(run(people, *text, "--json").stdout)["first"]
    assert first[0] == {
        "line": 2,
        "phone": "138****8000",
        "params": {"name": "a"},
        "text": "【示例公司】a您好",
    }
    assert PHONE not in run(people, *text).stdout


def test_without_the_text(people: str) -> None:
    """Where the template's text is not known, the first parameters are shown, and the least that is billed."""
    told = facts(run(people, "--param", "event=维护", "--price", "0.045").stdout)
    assert told["138****8000"] == "event=维护, name=a"
    assert told["billed"] == "at least 2 messages: 0.09 at 0.045 each; abroad the price is another one"
    document = json.loads(run(people, "--price", "0.045", "--json").stdout)
    assert (document["billed"], document["cost"], document["first"][0]["text"]) == (None, None, None)


def test_what_it_bills(people: str) -> None:
    """Parts are counted at home and abroad, and billed at the price of one, exact to the cent."""
    text = ("--template-text", "${name}" + "字" * 80, "--sign", "公司")
    told = facts(run(people, *text, "--price", "0.045").stdout)
    assert told["parts"] == "4: mainland 2, foreign 2 (2 a message)"
    assert told["billed"].startswith("4 messages: 0.18 at 0.045 each")
    document = json.loads(run(people, *text, "--price", "0.1", "--json").stdout)
    assert (document["parts"], document["billed"], document["cost"]) == (
        {"mainland": 2, "foreign": 2},
        4,
        0.4,
    )


@pytest.mark.parametrize("price", ["x", "-1", "nan", "inf", "1e9", ""])
def test_no_price(people: str, price: str) -> None:
    """What is no price is bad usage."""
    result = run(people, "--price", price)
    assert (result.exit_code, "must be the price of one part" in result.stderr) == (2, True)


@pytest.mark.parametrize("name", ["备注", "it's a remark"])
def test_a_column_that_is_mostly_empty(tmp_path: Path, name: str) -> None:
    """A parameter that most rows lack is named, with the option that leaves it out, which can be copied."""
    path = tmp_path / "people.csv"
    path.write_text(f"phone,{name}\n" + "".join(f"1380013800{n},{'x' if n > 5 else ''}\n" for n in range(10)))
    told = run(str(path)).stdout
    assert f"The column {name} is mostly empty" in told
    (option,) = re.findall(r"^  (--ignore-column .+)$", told, re.MULTILINE)
    told = run(str(path), *shlex.split(option)).stdout
    assert "mostly empty" not in told
    assert facts(told)["rows"] == "10: 10 get a message"
    assert re.search(rf"^{name} +not used +4 of 10 rows$", told, re.MULTILINE)


def test_many_left_out(people: str, tmp_path: Path) -> None:
    """A file of which more than 5 % are left out is told to need consent, and one of which 5 % are is not."""
    assert "--accept-left-out" in run(people).stdout
    assert json.loads(run(people, "--json").stdout)["leaves_many_out"] is True
    path = tmp_path / "most.csv"
    path.write_text("phone\n" + "".join(f"{13800138000 + n}\n" for n in range(19)) + "x\n")
    assert json.loads(run(str(path), "--json").stdout)["leaves_many_out"] is False
    assert "--accept-left-out" not in run(str(path)).stdout


def test_rejects(people: str, tmp_path: Path) -> None:
    """Every row that is left out is in the file, with its line, its reason and its cells as they stand there."""
    path = tmp_path / "rows.csv"
    assert f"Each of these rows: {path}" in run(people, "--rejects", str(path)).stdout
    assert path.read_text("utf-8-sig").splitlines() == [
        "line,reason,手机号码,name",
        "5,not_a_phone_number,x,c",
        f"6,duplicate,86{PHONE},d",
    ]


def test_rejects_that_excel_would_run(tmp_path: Path) -> None:
    """No cell of the rows that are left out is one that Excel runs, and a cell that cannot be read is empty."""
    path, rejects = tmp_path / "people.jsonl", tmp_path / "rows.csv"
    path.write_text('{"phone": "=1+1", "@x": "-2"}\n{"phone": true, "@x": "y"}\n')
    assert run(str(path), "--rejects", str(rejects)).exit_code == 2
    assert rejects.read_text("utf-8-sig").splitlines() == [
        "line,reason,phone,'@x",
        "1,not_a_phone_number,'=1+1,'-2",
        "2,unreadable,,y",
    ]


def test_rejects_where_they_do_no_harm(people: str, tmp_path: Path) -> None:
    """The rows that are left out never take the place of the recipients' file, nor of an older one before they are whole."""
    before = Path(people).read_bytes()
    assert run(people, "--rejects", people).exit_code == 2
    (tmp_path / "link.csv").symlink_to(people)
    assert run("--rejects", str(tmp_path / "link.csv"), people).exit_code == 2
    assert Path(people).read_bytes() == before
    old = tmp_path / "rows.csv"
    old.write_text("old")
    broken = tmp_path / "broken.csv"
    broken.write_text('phone\nx\n"138')
    assert run(str(broken), "--rejects", str(old)).exit_code == 2
    assert old.read_text() == "old"
    told = run(people, "--rejects", str(tmp_path / "gone" / "rows.csv"))
    assert (told.exit_code, "could not be written" in told.stderr) == (1, True)


def test_nothing_controls_the_terminal(tmp_path: Path) -> None:
    """No cell and no column's name can write to the terminal what it likes."""
    path = tmp_path / "people.csv"
    path.write_text(f"phone,na\x1bme\n{PHONE},\x1b[2J\u202e\n")
    told = run(str(path)).stdout
    assert not re.search("[\x1b\u202e]", told)
    assert "\ufffd[2J\ufffd" in told


def test_a_column_that_is_not_there(people: str) -> None:
    """A column that is to be ignored and is not there, or has the numbers, is an error in the shell's words."""
    told = run(people, "--ignore-column", "remark")
    assert (
        told.exit_code,
        "--ignore-column names remark; the columns are 手机号码, name" in told.stderr,
    ) == (2, True)
    told = run(people, "--ignore-column", "手机号码")
    assert (told.exit_code, "the column of the numbers is needed" in told.stderr) == (2, True)


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
    assert "1     hidden_row        the row is hidden or filtered out" in told


def test_most_countries_first() -> None:
    """Of many countries the largest are named."""
    counts = {str(100 + n): n for n in range(1, 13)} | {"86": 1000}
    assert by_country(counts) == (
        "mainland 1,000, foreign 78 (112: 12, 111: 11, 110: 10, 109: 9, 108: 8, 107: 7, 106: 6, 105: 5, 104: 4, 103: 3, "
        "and 2 more)"
    )
    assert by_country({}) == "mainland 0, foreign 0"


def test_every_reason_is_explained() -> None:
    """Each reason that the documentation names has a meaning in plain words, and no other has."""
    page = Path(__file__).parents[3] / "docs" / "campaigns.md"
    table = page.read_text("utf-8").partition("| reason | the row |\n")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == set(MEANINGS)

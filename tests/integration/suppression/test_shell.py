"""`smsjobs suppress`, and what `smsjobs campaign` tells of suppressed recipients."""

import csv
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from smsjobs import Sms
from smsjobs_shell.program import program
from support.ledgers import PHONE

OTHER = "85261234567"


@pytest.fixture(autouse=True)
def _settings(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMS_BROKER_URL", redis_url)


def run(*words: str) -> Result:
    """A command as it is typed."""
    return CliRunner().invoke(program, list(words))


def document(*words: str) -> dict[str, Any]:
    """What it writes with --json."""
    found: dict[str, Any] = json.loads(run(*words, "--json").stdout)
    return found


def test_add_list_remove(sms: Sms) -> None:
    """Numbers are put on the list, shown without their middle, found by themselves, and taken off."""
    assert "2 numbers are new" in run("suppress", "add", PHONE, f"+{OTHER}", "--note", "by phone").stdout
    assert document("suppress", "add", PHONE, "--scope", "all") == {"added": 1}
    shown = run("suppress", "list").stdout
    assert ("138****8000" in shown, PHONE in shown, "3 entries in all" in shown) == (True, False, True)
    told = document("suppress", "list")
    assert told["total"] == 3
    assert {(each["phone"], each["scope"], each["source"], each["note"]) for each in told["entries"]} == {
        ("138****8000", "promotional", "manual", "by phone"),
        ("138****8000", "all", "manual", ""),
        ("852****4567", "promotional", "manual", "by phone"),
    }
    found = run("suppress", "list", PHONE, OTHER)
    assert (found.exit_code, "all" in found.stdout, "promotional" in found.stdout) == (0, True, True)
    assert run("suppress", "list", "13900139000").exit_code == 1
    assert run("suppress", "remove", PHONE, "--scope", "all").exit_code == 0
    assert not sms.suppression.has(PHONE, scope="all")
    assert sms.suppression.has(PHONE)
    assert document("suppress", "remove", PHONE, "13900139000") == {"removed": 1}
    assert run("suppress", "remove", PHONE).exit_code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("add", "1380013"),
        ("add", PHONE, "--scope", "bulk"),
        ("add", PHONE, "--source", "A B"),
        ("remove", "x"),
        ("list", "x"),
        ("import", "no-such-file.csv"),
        ("export",),
        ("add",),
    ],
    ids=" ".join,
)
def test_bad_usage(words: tuple[str, ...]) -> None:
    """What is wrong with what was typed is told with the exit status 2, and shows no number."""
    result = run("suppress", *words)
    assert result.exit_code == 2
    assert PHONE not in result.output


def test_a_list_that_moves(sms: Sms, tmp_path: Path) -> None:
    """What is exported is imported elsewhere as it was, from a file and from standard output."""
    sms.suppression.add(PHONE, scope="all", source="reply", note="=1+1")
    sms.suppression.add(OTHER)
    entries = {(each.phone, each.scope, each.source, each.at) for each in sms.suppression.export()}
    path = tmp_path / "list.csv"
    assert run("suppress", "export", "-o", str(path)).exit_code == 0
    rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    assert {row["phone"] for row in rows} == {PHONE, OTHER}
    assert "'=1+1" in {row["note"] for row in rows}
    assert run("suppress", "export", "-o", "-").stdout.count("promotional") == 1
    for phone in (PHONE, OTHER):
        sms.suppression.remove(phone)
    assert document("suppress", "import", str(path)) == {"read": 2, "added": 2, "invalid": 0, "bad_rows": []}
    assert {(each.phone, each.scope, each.source, each.at) for each in sms.suppression.export()} == entries


def test_any_file(sms: Sms, tmp_path: Path) -> None:
    """Other programs' files are read as those of campaigns are, and what cannot be used is named by line and reason."""
    text = tmp_path / "optouts.csv"
    text.write_bytes(
        "手机号;scope\n+86 138-0013-8000;\n123;\n85261234567;all\n13900139000;sometimes\n".encode("gb18030")
    )
    result = run("suppress", "import", str(text))
    assert (result.exit_code, "line 3 (phone), line 5 (scope)" in result.stdout) == (1, True)
    assert sms.suppression.has(PHONE)
    assert not sms.suppression.has(PHONE, scope="all")
    assert sms.suppression.has(OTHER, scope="all")
    assert not sms.suppression.has("13900139000")
    book = openpyxl.Workbook()
    book.active.append(["phone", "at"])
    book.active.append(["13900139000", "2026-11-01T08:00:00+08:00"])
    book.save(tmp_path / "optouts.xlsx")
    assert document("suppress", "import", str(tmp_path / "optouts.xlsx"), "--scope", "all")["added"] == 1
    found = next(each for each in sms.suppression.export() if each.phone == "13900139000")
    assert (found.scope, found.source, found.at.isoformat()) == ("all", "import", "2026-11-01T00:00:00+00:00")


def test_counted_before_a_campaign(sms: Sms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` tells how many would get no message; where no Redis answers it tells everything else."""
    people = tmp_path / "people.csv"
    people.write_text(f"phone\n{PHONE}\n{OTHER}\n13900139000\n", "utf-8")
    words = ("campaign", "check", str(people), "--template", "SMS_1")
    assert document(*words)["suppressed"] == 0
    sms.suppression.add(PHONE)
    sms.suppression.add(OTHER, scope="all")
    assert document(*words)["suppressed"] == 2
    assert document(*words, "--no-promotional")["suppressed"] == 1
    assert "2 of them get no message" in run(*words).stdout
    monkeypatch.setenv("SMS_BROKER_URL", "redis://127.0.0.1:1/0")
    told = document(*words)
    assert (told["recipients"], told["suppressed"]) == (3, None)
    monkeypatch.setenv("SMS_BROKER_URL", "nonsense")
    assert run(*words).exit_code == 0

"""What a command writes."""

import io
import json
import re
import sys

import pytest

from smsjobs_shell.terminal.screen import Screen, width_of


def test_chinese_text_is_two_columns_wide() -> None:
    """Every Chinese character takes two columns, and a combining mark none."""
    assert width_of("张三") == 4
    assert width_of("ab，") == 4
    assert width_of("e\u0301") == 1


def test_plain_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns line up on the terminal when cells hold Chinese text or several lines."""
    Screen(as_json=False).table(("Name", "State"), [("演示短信", "ok"), ("x\nyy", "bad")])
    assert capsys.readouterr().out == "Name      State\n演示短信  ok\nx         bad\nyy\n\n"


def test_piped_text_has_no_escape_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no terminal gets neither colours nor spinners."""
    screen = Screen(as_json=False)
    with screen.working("Waiting"):
        screen.line("accepted", style="green")
    screen.table(("A",), [("rejected",)])
    screen.pairs([("status", "accepted")])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "Waiting ...\naccepted\n" in out


def test_json_is_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the document is all that stands on standard output."""
    screen = Screen(as_json=True)
    with screen.working("Waiting"):
        screen.line("text")
    screen.table(("A",), [("b",)])
    screen.pairs([("a", "b")])
    screen.document({"name": "张三"})
    assert json.loads(capsys.readouterr().out) == {"name": "张三"}


def test_document_is_for_json_only(capsys: pytest.CaptureFixture[str]) -> None:
    """People do not get the JSON document."""
    Screen(as_json=False).document({"a": 1})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("installed", [True, False])
def test_terminal_without_rich(
    installed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal, colours come with rich, and without it everything is there in plain text."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not installed:
        monkeypatch.setitem(sys.modules, "rich", None)
    screen = Screen(as_json=False)
    with screen.working("Waiting"):
        screen.table(("State",), [("accepted",)])
    out = capsys.readouterr().out
    assert "accepted" in out
    assert ("\x1b[32m" in out) == installed


def test_dumb_terminal_is_plain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal that knows no escape codes gets none."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    Screen(as_json=False).pairs([("status", "accepted")])
    assert capsys.readouterr().out == "status  accepted\n"


@pytest.mark.parametrize("width", [80, 50, 30])
@pytest.mark.parametrize("installed", [True, False])
def test_records_fit(
    width: int, installed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list is a table, without its last columns where it is too wide, else a block each; no id is broken."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    if not installed:
        monkeypatch.setitem(sys.modules, "rich", None)
    rows = [(f"big-478ce0c8560{n}", "cancelled", "16,000 of 16,000", "2026-11-24 14:00") for n in range(2)]
    Screen(as_json=False).records(("Campaign", "State", "Done", "Begun"), rows)
    out = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    lines = [line.rstrip() for line in out.strip().split("\n")]
    assert "" not in lines[2:]
    if width == 80:
        assert lines[0].split() == ["Campaign", "State", "Done", "Begun"]
        assert re.match(r" *big-478ce0c85600  cancelled  16,000 of 16,000  2026-11-24 14:00", lines[-2])
    elif width == 50:
        assert lines[0].split() == ["Campaign", "State", "Done"]
        assert re.match(r" *big-478ce0c85600  cancelled  16,000 of 16,000$", lines[-2])
    else:
        block = ["Campaign  big-478ce0c85600", "State     cancelled", "Done      16,000 of 16,000"]
        assert lines[:4] == [*block, "Begun     2026-11-24 14:00"]
        assert lines[4] == "Campaign  big-478ce0c85601"


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "█"), ("ascii", "#"), ("latin-1", "#")])
def test_mark_of_a_bar(encoding: str, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the output cannot show a block, a bar is made of another sign, not of question marks."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace"))
    assert Screen(as_json=False).mark == mark


def test_narrow_bar_cuts_no_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a narrow terminal the bar shrinks, how many are done stands whole, and so do the deliveries, in a line below."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "50")
    below = "delivered 300,000, undelivered 10,000, awaiting 5"
    with Screen(as_json=False).bar("Sending", "messages") as bar:
        bar.update(3200, 16000, rate=820, below=below)
    out = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().out)
    *_, shown, under, _ = re.split(r"[\r\n]+", out)
    assert "3200/16000" in shown
    assert under.strip() == below


@pytest.mark.parametrize("wrong", [True, False])
def test_bar_is_red_only_when_something_is_wrong(
    wrong: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bar is green while all goes well, and red when something is wrong."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Screen(as_json=False).bar("Sending", "messages") as bar:
        bar.update(3200, 16000, wrong=wrong)
    out = capsys.readouterr().out
    assert ("\x1b[31m━" in out) == wrong
    assert "38;2;249;38;114" not in out


@pytest.mark.parametrize("installed", [True, False])
def test_long_cell_of_a_list_is_folded(
    installed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On 80 columns a code that is too long is folded: the id stays whole, and no line is blank."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    if not installed:
        monkeypatch.setitem(sys.modules, "rich", None)
    its_id = "k3qv7a-58434b89-089c-4f1c-afb1-7a08c2f4c468"
    rows = [(its_id, "45s", "isv.TEMPLATE_MISSING_PARAMETERS", "138****8000"), (its_id, "3m", "expired", "-")]
    Screen(as_json=False).records(("Id", "Age", "Why", "To"), rows)
    out = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    lines = [line.rstrip() for line in out.strip("\n ").split("\n")]
    assert max(map(len, lines)) <= 80
    assert sum(its_id in line for line in lines) == 2
    assert "".join(line.split()[-1] for line in lines[-3:-1]) == "isv.TEMPLATE_MISSING_PARAMETERS"
    assert "" not in lines[2:]

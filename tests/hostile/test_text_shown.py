"""Text from elsewhere is shown, not executed: on the terminal, in logs, in reports."""

import io
import json
import logging
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliyun_sms_simulator import cli
from smsjobs.campaign.report import ReportRow
from smsjobs.contract import InvalidArguments, escaped, visible
from smsjobs.log_formats import FactsFormatter
from smsjobs_shell.program import _end
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.screen import Screen

TITLE = "\x1b]0;PWNED\x07"
HOSTILE = [TITLE, "\x9b31m", "a\rb", "\x08\x08", "\u202egpj.exe", "\x7f", "\u2028", "\ud800"]


def is_harmless(text: str) -> bool:
    """Whether nothing in it does anything but end a line."""
    return all(each.isprintable() or each in "\n\t" for each in text)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_terminal_shows(capsys: pytest.CaptureFixture[str], hostile: str) -> None:
    """No line, table, pair or document of a command carries a control character to the terminal."""
    screen, document = Screen(as_json=False), Screen(as_json=True)
    screen.line(f"a {hostile} b")
    screen.table(("name", hostile), [("a", f"x{hostile}")])
    screen.records((hostile,), [(hostile,)])
    screen.pairs([(hostile, hostile)])
    with screen.working(hostile), screen.bar(hostile, hostile) as bar:
        bar.update(1, 1, note=hostile)
    document.document({"name": hostile})
    Screen.wrote_document = False
    shown = capsys.readouterr().out
    shown.encode()
    assert is_harmless(shown)
    assert "a " in shown


@given(st.text())
def test_document_is_the_same(text: str) -> None:
    """A JSON document that was made safe says what it said."""
    safe = escaped(json.dumps({text: [text]}, ensure_ascii=False, indent=2))
    assert json.loads(safe) == {text: [text]}
    assert is_harmless(safe) or not is_harmless(visible(text))


def test_error_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The error of a command, and the log of a child with it, are shown without being executed."""
    _end(CommandFailed(f"x {TITLE}", log=TITLE), as_json=False)
    _end(InvalidArguments(f"x {TITLE}"), as_json=False)
    shown = capsys.readouterr().err
    assert is_harmless(shown)
    assert "PWNED" in shown


def test_log_line_is_one() -> None:
    """Neither a message nor a field of a log line carries an escape code, and no field another line."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FactsFormatter(logging.Formatter("%(levelname)s %(message)s")))
    logger = logging.getLogger("smsjobs.test.text")
    logger.propagate, logger.handlers = False, [handler]
    logger.warning("said %s", TITLE, extra={"aliyun_code": f"x\nERROR forged{TITLE}"})
    (line,) = stream.getvalue().splitlines()
    assert is_harmless(line)
    assert "PWNED" in line


def test_report_is_shown() -> None:
    """A report's cells, which stand as the file has them, carry no escape code into a terminal or a spreadsheet."""
    row = ReportRow(
        line=1, phone=f"x{TITLE}", outcome="invalid", reason=f"parameter_missing: {TITLE}", code=46001
    )
    assert all(is_harmless(str(cell)) for cell in row.cells())


def test_simulator_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator's --show-messages prints a message without executing it."""
    monkeypatch.setattr(sys, "stdout", stream := io.StringIO())

    world = SimpleNamespace(catalogue=SimpleNamespace(text=lambda *_: f"【x】{TITLE}"))
    accepted = SimpleNamespace(
        phones=("13800138000",), template_code="SMS_1", sign_name=lambda _: "", params_of=lambda _: ""
    )
    cli._show(world, accepted)
    assert is_harmless(stream.getvalue())

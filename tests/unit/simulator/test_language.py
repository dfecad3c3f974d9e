"""In which language the simulator's command talks."""

import contextlib
import gettext
import os
import re
import unicodedata

import pytest

from aliyun_sms_simulator import Catalogue, CatalogueError, Settings
from aliyun_sms_simulator.cli import main

#: Some English words in a row. What is typed and addresses are none.
SENTENCE = re.compile(r"\b[A-Za-z]+(?:,? [a-z]{2,}){3,}")

HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("SMS_LANG", "LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with contextlib.suppress(SystemExit):
        main(arguments)
    out, err = capsys.readouterr()
    return out + err


@pytest.mark.parametrize("name", ["SMS_LANG", "LC_ALL", "LANG"])
def test_help_is_chinese(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By SMS_LANG or the locale the help has no English sentence left, and fits 80 columns, of which a Chinese character takes two."""
    monkeypatch.setenv(name, "zh" if name == "SMS_LANG" else "zh_CN.UTF-8")
    told = shown(capsys, "--help")
    assert told.startswith("用法: ")
    assert not SENTENCE.search(told)
    for line in told.splitlines():
        assert sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line) <= 80, line


def test_help_is_english_otherwise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a Chinese locale, or where SMS_LANG says so, the help is English."""
    told = shown(capsys, "--help")
    assert not HAN.search(told)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("SMS_LANG", "en")
    assert shown(capsys, "--help") == told


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "x"),
        ("--nope",),
        ("--port",),
        ("--account", "x"),
        ("--set", "x"),
        ("--set", "x=1"),
        ("--set", "flow_control=2"),
        ("--catalogue", "/nonexistent"),
        ("--catalogue", __file__),
    ],
    ids=" ".join,
)
def test_errors_are_chinese(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a user does wrong is told in Chinese; what the system says of a file stays as it is."""
    monkeypatch.setenv("SMS_LANG", "zh")
    told = shown(capsys, *arguments).splitlines()[-1]
    assert HAN.search(told)
    assert not SENTENCE.search(told.replace("No such file or directory", ""))


def test_an_entry_that_is_wrong(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong in a catalogue's file is told in Chinese too, with the place."""
    monkeypatch.setenv("SMS_LANG", "zh")
    file = tmp_path / "catalogue.json"
    file.write_text('{"templates": [{"code": "x", "content": "y"}]}')
    told = shown(capsys, "--catalogue", str(file))
    assert told == f"aliyun-sms-simulator: {file}：templates[0]：code 必须是 SMS_ 加数字，或只有数字\n"


def test_programs_read_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python and the control API are told is English everywhere."""
    monkeypatch.setenv("SMS_LANG", "zh")
    with pytest.raises(CatalogueError, match=r"^accounts must be a list of objects$"):
        Catalogue.from_json({"accounts": 1})
    with pytest.raises(ValueError, match=r"^setting 'seed' needs a whole number, not below 0, or null$"):
        Settings().changed({"seed": "x"})


def test_the_language_ends_with_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever calls the command from Python finds his environment as it was, and English."""
    monkeypatch.setenv("SMS_LANG", "zh")
    before = dict(os.environ), gettext.textdomain()
    shown(capsys, "--help")
    assert (dict(os.environ), gettext.textdomain()) == before
    assert gettext.gettext("options") == "options"

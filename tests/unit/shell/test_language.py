"""In which language the shell talks."""

import json
import os
import re
from collections.abc import Iterator, Mapping

import click
import pytest
from click.testing import CliRunner, Result

from smsjobs.settings import SettingsError
from smsjobs_shell.program import program
from smsjobs_shell.terminal.language import chosen_language, tr, tr_count
from smsjobs_shell.terminal.screen import width_of, wrapped

HAN = re.compile("[\u4e00-\u9fff]")

#: Some English words in a row. What is typed, names and addresses are none.
SENTENCE = re.compile(r"\b[A-Za-z]+(?:,? [a-z]{2,}){3,}")


@pytest.fixture(autouse=True)
def _no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may reach a Redis: the port is nobody's."""
    monkeypatch.setenv("SMS_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("SMS_TIMEOUT", "0.1")
    for name in ("SMS_REDIS_URL", "SMS_RESULT_BACKEND", "SMS_APP", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def run(*args: str, **env: str) -> Result:
    result = CliRunner().invoke(program, list(args), env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        pytest.param({}, "en", id="nothing is said"),
        pytest.param({"LANG": "C"}, "en", id="no locale"),
        pytest.param({"LANG": "zh_CN.UTF-8"}, "zh", id="the locale"),
        pytest.param({"LANG": "zh"}, "zh", id="the locale in short"),
        pytest.param({"LANG": "de_DE.UTF-8"}, "en", id="a locale without a catalogue"),
        pytest.param({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh", id="of messages only"),
        pytest.param({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en", id="LC_ALL goes first"),
        pytest.param({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh", id="empty is not set"),
        pytest.param({"SMS_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en", id="ours goes before the locale"),
        pytest.param({"SMS_LANG": "zh", "LANG": "C"}, "zh", id="ours without a locale"),
        pytest.param({"SMS_LANG": "", "LANG": "zh_CN.UTF-8"}, "zh", id="ours is empty"),
    ],
)
def test_who_gets_chinese(environ: Mapping[str, str], language: str) -> None:
    """SMS_LANG decides, and without it the locale of messages; whoever names neither gets English."""
    assert chosen_language(environ) == language


def test_another_language_is_a_wrong_setting() -> None:
    """A SMS_LANG that is neither ends every command, and names the choices."""
    with pytest.raises(SettingsError, match="SMS_LANG must be en or zh"):
        chosen_language({"SMS_LANG": "de"})
    result = run("--help", SMS_LANG="de")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "SMS_LANG must be en or zh" in result.stderr


def test_json_is_english() -> None:
    """What programs read is the same in every language, errors included."""
    send = ["send", "--element", "SMS.A", "--template", "SMS_1", "138001380OO", "--json"]
    assert run(*send, SMS_LANG="zh").stdout == run(*send, SMS_LANG="en").stdout
    assert json.loads(run(*send, SMS_LANG="zh").stdout)["error"]["reason"] == "invalid_argument"


def test_the_language_ends_with_the_command() -> None:
    """Whoever calls the program from Python finds his environment as it was, and English."""
    before = dict(os.environ)
    run("--help", SMS_LANG="zh")
    assert dict(os.environ) == before
    assert tr("Interrupted.") == "Interrupted."


def test_numbers_of_things() -> None:
    """A count is told in the singular or plural where the language has them, and its thousands are separated."""
    told = [tr_count("{count} thing", "{count} things", count) for count in (1, 2000)]
    assert told == ["1 thing", "2,000 things"]


def commands(group: click.Group = program) -> Iterator[list[str]]:
    yield []
    for name, command in group.commands.items():
        yield from (
            ([name, *rest] for rest in commands(command)) if isinstance(command, click.Group) else [[name]]
        )


#: The simulator's own program has its own help.
EVERY_COMMAND = [each for each in commands() if each != ["simulator"]]


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_help_is_chinese(command: list[str]) -> None:
    """The help of every command has no English sentence left, and fits 80 columns, of which a Chinese character takes two."""
    result = run(*command, "--help", SMS_LANG="zh", COLUMNS="80")
    assert result.exit_code == 0
    assert result.stdout.startswith("用法: ")
    for line in result.stdout.splitlines():
        assert width_of(line) <= 80, line
        is_example = line.startswith("    ")
        assert is_example or not SENTENCE.search(line), line


def test_help_is_english_otherwise() -> None:
    """Without a Chinese locale, no command's help has a Chinese sentence."""
    for command in EVERY_COMMAND:
        chinese = re.findall("[\u4e00-\u9fff]{5,}", run(*command, "--help").stdout)
        assert chinese == [], command


def test_lines_are_broken_between_chinese_characters() -> None:
    """A line is filled as far as it goes; a sign that ends something does not begin a line, and words stay whole."""
    assert wrapped("短信账号的全名，例如 SMS.Name。", 12) == ["短信账号的全", "名，例如", "SMS.Name。"]
    assert wrapped("一二三（四五）", 8) == ["一二三", "（四五）"]
    assert wrapped("一二三四，五", 8) == ["一二三", "四，五"]
    assert wrapped("plain text of words", 10) == ["plain text", "of words"]
    assert wrapped("", 10) == [""]


SEND = ["send", "--element", "SMS.A", "--template", "SMS_1"]


@pytest.mark.parametrize(
    "args",
    [
        pytest.param([*SEND, "13800138000"], id="Redis is unreachable"),
        pytest.param([*SEND, "138001380OO"], id="no phone number"),
        pytest.param([*SEND, "--expires", "x", "13800138000"], id="no number of seconds"),
        pytest.param(
            [*SEND, "--wait", "1", "--no-wait", "13800138000"], id="options that exclude each other"
        ),
        pytest.param([*SEND, "--lane", "express", "13800138000"], id="no such lane"),
        pytest.param(["send", "--element", "../A", "--template", "SMS_1", "13800138000"], id="no full name"),
        pytest.param([*SEND, "--key", "x" * 300, "13800138000"], id="a key that is too long"),
        pytest.param(["send"], id="options missing"),
        pytest.param(["nonsense"], id="no such command"),
        pytest.param(["status", "a/job"], id="an impossible id"),
        pytest.param(["jobs", "--since", "yesterday"], id="no time"),
        pytest.param(["suppress", "add", "12"], id="no number for the list"),
        pytest.param(["suppress", "list"], id="the list is unreachable"),
        pytest.param(["campaign", "check", __file__, "--template", "SMS_1"], id="no file of recipients"),
        pytest.param(["campaign", "status", "people"], id="the campaign is unreachable"),
        pytest.param(["elements", "--app", "/nonexistent"], id="no such directory"),
    ],
)
def test_errors_are_chinese(args: list[str]) -> None:
    """What a user does wrong, and an unreachable Redis, are told without an English sentence."""
    result = run(*args, SMS_LANG="zh")
    assert result.exit_code in (1, 2)
    assert "错误：" in result.stderr
    assert not SENTENCE.search(result.stderr), result.stderr

"""How the program takes its arguments, and how it ends."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from smsjobs.campaign import COLUMNS
from smsjobs.contract import IdempotencyConflict, InvalidArguments, QueueUnavailable, SmsError, campaign_id
from smsjobs_shell.program import program
from smsjobs_shell.terminal import extras
from smsjobs_shell.terminal.screen import width_of
from smsjobs_shell.terminal.wording import in_shell_words
from support.nursery import smsjobs

SEND = ["send", "--element", "SMS.A", "--template", "SMS_1"]
CAMPAIGN = campaign_id("SMS.A", "people")


@pytest.fixture(autouse=True)
def _no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may reach a Redis: the port is nobody's."""
    monkeypatch.setenv("SMS_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("SMS_TIMEOUT", "0.1")
    for name in ("SMS_REDIS_URL", "SMS_RESULT_BACKEND", "SMS_APP"):
        monkeypatch.delenv(name, raising=False)


def run(*args: str) -> Result:
    result = CliRunner().invoke(program, list(args))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


BAD_USAGE = [
    pytest.param(["nonsense"], id="no such command"),
    pytest.param(["send"], id="options missing"),
    pytest.param(SEND, id="no number"),
    pytest.param([*SEND, "--lane", "express", "13800138000"], id="no such lane"),
    pytest.param([*SEND, "--wait", "-1", "13800138000"], id="negative wait"),
    pytest.param([*SEND, "--param", "654321", "13800138000"], id="parameter without a name"),
    pytest.param([*SEND, "--param", "code=1", "--param", "code=2", "13800138000"], id="parameter twice"),
    pytest.param([*SEND, "--wait", "3", "--no-wait", "13800138000"], id="wait and do not"),
    pytest.param(["status", "--timeout", "1", "a-job"], id="time-out of no wait"),
    pytest.param([*SEND, "--expires", "0", "13800138000"], id="expires at once"),
    pytest.param([*SEND, "138001380OO"], id="no phone number"),
    pytest.param(["send", "--element", "../SMS", "--template", "SMS_1", "13800138000"], id="no full name"),
    pytest.param(["status"], id="no job"),
    pytest.param(["status", ""], id="no id of a job"),
    pytest.param(["status", "a/job"], id="an impossible id of a job"),
    pytest.param(["campaign", "status", ""], id="no name of a campaign"),
    pytest.param(["campaign", "report", " "], id="a blank name of a campaign"),
    pytest.param(["elements", "--app", "/nonexistent"], id="no such directory"),
    pytest.param(["demo", "--compare", "arq"], id="nothing to compare with"),
]


@pytest.mark.parametrize("args", BAD_USAGE)
def test_bad_usage_is_status_2(args: list[str]) -> None:
    """Bad usage ends with status 2, says why on standard error, and writes nothing else."""
    result = run(*args)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.output


@pytest.mark.parametrize("args", BAD_USAGE)
def test_bad_usage_as_json(args: list[str]) -> None:
    """With --json, bad usage is one JSON document on standard output too."""
    result = run(*args, "--json")
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert error["reason"] in ("bad_usage", "invalid_argument", "element_not_found")
    assert error["message"]
    assert result.stderr == ""


@pytest.mark.parametrize(
    "args",
    [
        [*SEND, "--param", "654321", "13800138000"],
        ["status", "some-job", "13800138000", "654321"],
        ["13800138000"],
        [*SEND, "--lane", "654321", "13800138000"],
        [*SEND, "--expires", "13800138000x", "13800138000"],
        [*SEND, "--13800138000", "654321"],
        [*SEND, "--param", "code=654321", "13800138000"],
    ],
)
def test_what_was_typed_is_never_repeated(args: list[str]) -> None:
    """No error repeats a phone number or a code that was typed, Redis being unreachable included."""
    for output in (run(*args).output, run(*args, "--json").output):
        assert "13800138000" not in output
        assert "654321" not in output


def test_redis_unreachable_is_status_1() -> None:
    """A message that could not be recorded is a failed outcome with our code."""
    result = run(*SEND, "13800138000", "--json")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert (error["code"], error["reason"], error["outcome"]) == (46003, "queue_unavailable", "not_sent")
    text = run(*SEND, "13800138000")
    assert text.stderr.startswith("Error: 46003 queue_unavailable")


@pytest.mark.parametrize(("name", "value"), [("SMS_LEASE", "x"), ("SMS_BROKER_URL", "embeded")])
def test_doctor_with_a_bad_setting(name: str, value: str) -> None:
    """The doctor ends as every other command does when a setting is wrong, though the worker's side found it."""
    result = smsjobs("doctor", "--json", env=os.environ | {name: value})
    error = json.loads(result.stdout)["error"]
    assert (result.returncode, error["reason"]) == (2, "bad_setting")
    assert name in error["message"]


def test_bad_setting_is_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is wrong is named, and ends with status 2."""
    monkeypatch.setenv("SMS_TIMEOUT", "soon")
    result = run("status", "some-job")
    assert result.exit_code == 2
    assert "SMS_TIMEOUT" in result.stderr


@pytest.mark.parametrize("command", ["elements", "dev"])
def test_an_app_that_is_not_there(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong SMS_APP is named with its directory, and --app only where --app was typed."""
    monkeypatch.setenv("SMS_APP", "/nonexistent")
    told = run(command)
    assert (told.exit_code, told.stderr) == (2, "Error: SMS_APP: there is no directory /nonexistent\n")
    typed = run(command, "--app", "/nowhere")
    assert typed.exit_code == 2
    assert "--app" in typed.stderr
    assert "SMS_APP" not in typed.stderr


@pytest.mark.parametrize("value", ["", None])
def test_an_app_without_elements(value: str | None, tmp_path: Path) -> None:
    """An empty SMS_APP is none, and a directory without elements is named."""
    env = dict(os.environ) if value is None else os.environ | {"SMS_APP": value}
    told = smsjobs("elements", env=env, cwd=tmp_path)
    assert told.returncode == 1
    assert f"there is no element under {tmp_path}/SMS" in told.stdout


@pytest.mark.parametrize("args", [["demo"], ["dev"], ["elements"], ["simulator"]])
def test_missing_extra_names_the_command(args: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is not installed is a sentence that names pip install, not a traceback."""
    monkeypatch.setattr(extras, "_is_installed", lambda _: False)
    result = run(*args, "--json")
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert error["reason"] == "extra_missing"
    wanted = {
        "demo": "worker,simulator",
        "dev": "worker,simulator,server",
        "elements": "worker",
        "simulator": "simulator",
    }[args[0]]
    assert f"pip install 'smsjobs[{wanted}]'" in error["message"]


def test_extras_are_found() -> None:
    """An extra counts as installed exactly when everything it asks for is."""
    assert extras._is_installed("worker")
    assert extras._is_installed("simulator")


def test_extra_with_a_missing_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """One missing distribution is enough for the extra to be missing."""

    class Ours:
        requires = ("click>=8", "surely-not-a-distribution>=1; extra == 'worker'", "rich; extra == 'cli'")

    real = extras.distribution
    monkeypatch.setattr(extras, "distribution", lambda name: Ours if name == "smsjobs" else real(name))
    assert not extras._is_installed("worker")
    assert extras._is_installed("cli")


@pytest.mark.parametrize("name", ["demo", "dev", "elements", "send", "status"])
def test_help_has_examples(name: str) -> None:
    """The help of every command shows it in use, and that it has --json."""
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert f"  smsjobs {name}" in result.output.partition("Examples:")[2]
    assert "--json" in result.output


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with status 130 and without a traceback."""
    monkeypatch.setattr("smsjobs_shell.status.connect", interrupt)
    result = run("status", "some-job")
    assert (result.exit_code, result.stderr.strip()) == (130, "Interrupted.")
    result = run("status", "some-job", "--json")
    assert (result.exit_code, json.loads(result.stdout)["error"]["reason"]) == (130, "interrupted")


def test_what_does_nothing_is_not_offered() -> None:
    """--check is taken, as it always was, and not shown."""
    assert "--check" not in run("elements", "--help").stdout
    assert run("elements", "--check", "--app", "/nonexistent").exit_code == 2


@pytest.mark.parametrize("reason", ["job_not_found", "campaign_not_found"])
def test_not_found_claims_no_outcome(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a job that is not kept any more nobody knows the outcome, and the JSON claims none."""

    def not_found() -> None:
        raise InvalidArguments("there is none", reason=reason)

    monkeypatch.setattr("smsjobs_shell.status.connect", not_found)
    result = run("status", "some-job", "--json")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert (error["reason"], error["outcome"], error["attempts"]) == (reason, None, None)


def test_a_campaigns_id_is_no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for a campaign as for a job is told the command for campaigns."""

    def not_found() -> None:
        raise InvalidArguments("there is none", reason="job_not_found")

    job = SimpleNamespace(info=not_found)
    found = SimpleNamespace(progress=lambda: None)
    sms = SimpleNamespace(job=lambda _: job, campaign=lambda _: found)
    monkeypatch.setattr("smsjobs_shell.status.connect", lambda: sms)
    result = run("status", "people-1f0c2a9d4b7e")
    assert result.exit_code == 1
    assert "smsjobs campaign status people-1f0c2a9d4b7e" in result.stderr
    found.progress = not_found
    assert "campaign status" not in run("status", "people-1f0c2a9d4b7e").stderr


def fail(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError("13800138000")


def test_an_unforeseen_error_names_its_class_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw ends with status 1, its class and how to see more, never with its text."""
    monkeypatch.setattr("smsjobs_shell.status.connect", fail)
    text = run("status", "some-job")
    assert text.exit_code == 1
    assert text.stderr.startswith("Error: smsjobs failed (ZeroDivisionError)")
    assert "SMS_DEBUG=1" in text.stderr
    document = run("status", "some-job", "--json")
    assert document.exit_code == 1
    assert json.loads(document.stdout)["error"]["reason"] == "unforeseen"
    assert "13800138000" not in text.output + document.output
    assert "Traceback" not in text.output + document.output


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """SMS_DEBUG adds the traceback of an error that nobody foresaw, and leaves the JSON document alone."""
    monkeypatch.setattr("smsjobs_shell.status.connect", fail)
    monkeypatch.setenv("SMS_DEBUG", "1")
    result = run("status", "some-job", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["reason"] == "unforeseen"
    assert "Traceback" in result.stderr
    assert "in fail" in result.stderr


@pytest.mark.parametrize("group", [[], ["campaign"]])
def test_no_command_shows_the_help(group: list[str]) -> None:
    """Without a command there is the help as --help shows it, examples and all, and status 2."""
    result = run(*group)
    assert result.exit_code == 2
    assert result.stderr.strip() == run(*group, "--help").stdout.strip()
    assert result.stdout == ""


def commands() -> Iterator[list[str]]:
    yield []
    for name, command in program.commands.items():
        if name != "simulator":  # its help is its own
            yield [name]
        if isinstance(command, click.Group):
            yield from ([name, each] for each in command.commands)


def test_help_of_the_report_names_its_columns() -> None:
    """The help of a report names every column that the report has."""
    told = run("campaign", "report", "--help").stdout
    assert [name for name in COLUMNS if not re.search(rf"\b{name}\b", told)] == []


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_help_fits_80_columns(command: list[str]) -> None:
    """No line of any help is wider than a terminal of 80 columns."""
    text = CliRunner().invoke(program, [*command, "--help"], terminal_width=80).stdout
    assert [line for line in text.splitlines() if width_of(line) > 80] == []


@pytest.mark.parametrize(
    "args", [[*SEND, "13800138000"], ["status", "a-job"], ["campaign", "status", CAMPAIGN]]
)
def test_unreachable_redis_names_the_address(args: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreachable Redis is named with the settings that say where it is, never with its user or password."""
    monkeypatch.setenv("SMS_BROKER_URL", "redis://some-user:s3cret-word@127.0.0.1:1/0")
    told = run(*args).stderr
    assert "127.0.0.1:1 " in told
    assert "SMS_BROKER_URL" in told
    assert "SMS_REDIS_URL" in told
    assert "s3cret-word" not in told
    assert "some-user" not in told


@pytest.mark.parametrize(
    ("args", "words"),
    [
        pytest.param(
            [*SEND, "1380013800O"], "PHONE number 1 is not a valid phone number", id="no phone number"
        ),
        pytest.param(
            [*SEND, *["13800138000"] * 11, "x"], "PHONE number 12 is not a valid phone number", id="twelfth"
        ),
        pytest.param(
            [*SEND, *["13800138000"] * 21, "x"], "PHONE number 22 is not a valid phone number", id="22nd"
        ),
        pytest.param(
            [*SEND, "--expires", "0", "13800138000"], "--expires must be later than now: ", id="late"
        ),
        pytest.param([*SEND, "--expires", "x", "13800138000"], "0 or more", id="expires is no number"),
        pytest.param([*SEND, "--wait", "nan", "13800138000"], "0 or more", id="wait is no number"),
        pytest.param([*SEND, "--key", "", "13800138000"], "--key must be text", id="empty key"),
        pytest.param(
            [*SEND, "+1 310 555 1234"],
            "PHONE number 1 may be somebody else's number: write +86",
            id="ambiguous",
        ),
        pytest.param([*SEND[:-1], "", "13800138000"], "--template is empty", id="empty template"),
        pytest.param(
            ["send", "--element", "x/", *SEND[3:], "13800138000"], "--element must be", id="element"
        ),
        pytest.param(["dev", "--simulator-port", "65535"], "a port from 0 to 65534", id="port"),
    ],
)
def test_errors_are_in_the_words_of_the_shell(args: list[str], words: str) -> None:
    """An error names the option or argument that was typed, and says what it must be, numbers included."""
    result = run(*args)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not re.search("phoneList|verifyTemplateCode|idempotency_key|\\*{4}", result.stderr)


@pytest.mark.parametrize(
    "args",
    [
        [*SEND, "--param", "name=\udce5\udcbc\udca0", "13800138000"],
        [*SEND, "--param", "\udce5=x", "13800138000"],
        [*SEND, "--key", "\udce5", "13800138000"],
        [*SEND[:-1], "\udce5", "13800138000"],
        ["campaign", "start", __file__, "--name", "\udce5", *SEND[1:]],
    ],
)
def test_text_of_another_encoding(args: list[str]) -> None:
    """What cannot be read as UTF-8 is said to be the locale's or the terminal's fault, for it is no text otherwise."""
    result = run(*args)
    assert result.exit_code == 2
    assert "not UTF-8" in result.stderr
    assert "locale" in result.stderr
    assert "must be text" not in result.stderr


@pytest.mark.parametrize(
    ("command", "connect"),
    [
        (["status", "--wait", "job-1"], "smsjobs_shell.status.connect"),
        ([*SEND, "13800138000"], "smsjobs_shell.send.connect"),
    ],
)
def test_interrupted_while_waiting(command: list[str], connect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a job is waited for tells its id and that it continues, as text and as JSON, with status 130."""
    job = SimpleNamespace(id="job-1", get=interrupt)
    element = SimpleNamespace(sendMessage=lambda **_: job)
    monkeypatch.setattr(
        connect, lambda: SimpleNamespace(getElement=lambda _: element, job=lambda _: job, settings=None)
    )
    text = run(*command)
    assert text.exit_code == 130
    assert "job  job-1\n\nThe job continues; see it with:\n  smsjobs status --wait job-1\n" in text.stdout
    document = run(*command, "--json")
    assert document.exit_code == 130
    assert json.loads(document.stdout)["error"] == {
        "reason": "interrupted",
        "message": "interrupted; the job continues",
        "id": "job-1",
    }


@pytest.mark.parametrize("more", [[], ["--no-wait"]])
def test_redis_is_unreachable_after_the_message_was_enqueued(
    more: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who cannot be told the outcome is told the job's id, that it continues and how to see it, with status 1."""

    def unreachable(**_: Any) -> None:
        raise QueueUnavailable("Redis is unreachable, so the job could not be read", out_id="job-1")

    job = SimpleNamespace(id="job-1", get=unreachable, info=unreachable)
    element = SimpleNamespace(sendMessage=lambda **_: job)
    monkeypatch.setattr(
        "smsjobs_shell.send.connect", lambda: SimpleNamespace(getElement=lambda _: element, settings=None)
    )
    text = run(*SEND, *more, "13800138000")
    assert text.exit_code == 1
    assert "job  job-1\n\nThe job continues; see it with:\n  smsjobs status --wait job-1\n" in text.stdout
    assert "Redis is unreachable, so the job could not be read" in text.stderr
    document = run(*SEND, *more, "13800138000", "--json")
    assert document.exit_code == 1
    error = json.loads(document.stdout)["error"]
    assert (error["id"], error["code"], error["reason"]) == ("job-1", 46003, "queue_unavailable")
    assert error["outcome"] is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(
            InvalidArguments.about("verifyTemplateCode", "is empty"), "--template is empty", id="first word"
        ),
        pytest.param(
            InvalidArguments("recipients: there is no file a.csv", argument="recipients"),
            "FILE: there is no file a.csv",
            id="colon",
        ),
        pytest.param(
            IdempotencyConflict("there is a campaign of this name", argument="name"),
            "there is a campaign of this name",
            id="a message that does not begin with it",
        ),
        pytest.param(
            InvalidArguments("phoneList is a word like any other"),
            "phoneList is a word like any other",
            id="no argument",
        ),
        pytest.param(
            InvalidArguments.about("digits", "must be 4, 5 or 6"),
            "digits must be 4, 5 or 6",
            id="not the shell's",
        ),
    ],
)
def test_messages_by_their_fields(error: SmsError, told: str) -> None:
    """What was typed is told by the error's field, whatever words its message has."""
    assert in_shell_words(error) == told


def test_json_before_the_command() -> None:
    """The hint is a JSON document too, since that is what was asked for."""
    result = run("--json", "status", "a-job")
    assert result.exit_code == 2
    assert "smsjobs COMMAND --json" in json.loads(result.stdout)["error"]["message"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("buffering", [{"PYTHONUNBUFFERED": ""}, {"PYTHONUNBUFFERED": "1"}])
@pytest.mark.parametrize("args", [["--help"], ["elements", "--json"]])
def test_output_that_cannot_be_written(args: list[str], buffering: dict[str, str], tmp_path: Path) -> None:
    """A full disk is the error and its cause is named, not something unforeseen."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "smsjobs_shell", *args],
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | buffering,
            cwd=tmp_path,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "Error: the output could not be written: No space left on device\n"


def test_every_command_has_json() -> None:
    """No command lacks --json, be it a group's."""
    found = {**program.commands}
    for group in [each for each in program.commands.values() if isinstance(each, click.Group)]:
        found |= {f"{group.name} {name}": each for name, each in group.commands.items()}
        del found[str(group.name)]
    for name, command in found.items():
        assert any(isinstance(each, click.Option) and "--json" in each.opts for each in command.params), name

"""Nothing that cannot be undone happens on a terminal without a yes; and in a pipe nothing ever asks."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aliyun_sms_simulator import Simulator
from support.nursery import smsjobs
from support.redis_server import RedisServer
from support.stage import TEMPLATE, Stage
from support.terminal import Terminal

NAME = "会员日-2026-12"
FIRST = 13800138000


@pytest.fixture(scope="module")
def stage(redis_server: RedisServer, simulator: Simulator) -> Iterator[Stage]:
    """The module's Redis, emptied. One worker is enough for all of its tests."""
    with Stage(redis_server, simulator) as stage:
        stage.write()
        yield stage


@pytest.fixture(autouse=True)
def fresh(stage: Stage) -> None:
    """No campaign of another test, and no request."""
    for key in stage.client().scan_iter("sms:{*}:campaign*"):
        stage.client().delete(key)
    stage.simulator.reset()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file of 20 recipients."""
    return write(tmp_path, 20, 0)


def write(folder: Path, good: int, bad: int) -> Path:
    path = folder / "people.csv"
    path.write_text("phone,name\n" + "".join(f"{FIRST + n},n{n}\n" for n in range(good)) + "x,y\n" * bad)
    return path


def start(people: Path, *more: str) -> list[str]:
    return [
        *(
            "campaign",
            "start",
            str(people),
            "--name",
            NAME,
            "--element",
            "SMS.Example",
            "--template",
            TEMPLATE,
        ),
        *more,
    ]


def on_terminal(stage: Stage, folder: Path, *words: str, **more: str) -> Terminal:
    return Terminal(*words, env={**os.environ, "SMS_BROKER_URL": stage.server.url, **more}, cwd=folder)


def in_pipe(stage: Stage, *words: str) -> tuple[int, dict[str, Any]]:
    run = smsjobs(*words, "--json", env={**os.environ, "SMS_BROKER_URL": stage.server.url})
    document: dict[str, Any] = json.loads(run.stdout)
    return run.returncode, document


def states(stage: Stage) -> list[tuple[str, str]]:
    found = (each.progress() for each in stage.sms.campaigns())
    return [(each.name, each.state) for each in found]


def test_yes(stage: Stage, people: Path) -> None:
    """On a terminal it is shown what will be sent, and nothing is before a yes."""
    text = ("--template-text", "${name}您好", "--sign", "示例公司", "--price", "0.045")
    with on_terminal(stage, people.parent, *start(people, *text)) as terminal:
        terminal.until("Send to 20 recipients now? [y/N]:")
        assert states(stage) == [(NAME, "planning")]
        for words in ("138****8000  【示例公司】n0您好", "20 messages: 0.90 at 0.045 each", "20 of 20 rows"):
            assert words in terminal.text
        terminal.type("y\n")
        terminal.until("How far it is:")
        assert terminal.end() == 0
    assert states(stage) == [(NAME, "running")]
    # The same command again finds it, and there is nothing to ask about.
    with on_terminal(stage, people.parent, *start(people)) as terminal:
        assert terminal.end() == 0
        assert "[y/N]" not in terminal.text


@pytest.mark.parametrize(
    ("answer", "colour"),
    [("n\n", {}), ("\n", {"NO_COLOR": "1"}), ("\x04", {"TERM": "dumb"})],
)
def test_no(stage: Stage, people: Path, answer: str, colour: dict[str, str]) -> None:
    """No, Enter alone and Ctrl-D leave no campaign, and the exit status tells so; with colours and without."""
    with on_terminal(stage, people.parent, *start(people), **colour) as terminal:
        terminal.until("Send to 20 recipients now? [y/N]:")
        terminal.type(answer)
        assert terminal.end() == 1
        assert "Error: nothing is sent" in terminal.text
    assert states(stage) == []


def test_without_a_question(stage: Stage, people: Path) -> None:
    """With `--yes` it is shown and not asked."""
    with on_terminal(stage, people.parent, *start(people, "--yes")) as terminal:
        assert terminal.end() == 0
        assert "20 get a message" in terminal.text
        assert "[y/N]" not in terminal.text
    assert states(stage) == [(NAME, "running")]


def test_json_on_a_terminal(stage: Stage, people: Path) -> None:
    """With `--json` nothing is asked on a terminal either, and only the document is written."""
    with on_terminal(stage, people.parent, *start(people, "--json")) as terminal:
        assert terminal.end() == 0
        assert json.loads(terminal.text)["total"] == 20
    with on_terminal(stage, people.parent, "campaign", "cancel", NAME, "--json") as terminal:
        assert terminal.end() == 0
        assert json.loads(terminal.text)["state"] == "cancelled"


def test_many_left_out_on_a_terminal(stage: Stage, tmp_path: Path) -> None:
    """Where more than 5 % are left out, the question says so, and a yes is enough; `--yes` is not."""
    people = write(tmp_path, 20, 2)
    with on_terminal(stage, tmp_path, *start(people, "--yes")) as terminal:
        assert terminal.end() == 2
        assert "--accept-left-out" in terminal.text
    assert states(stage) == []
    with on_terminal(stage, tmp_path, *start(people)) as terminal:
        terminal.until("2 of 22 rows are left out: 2 not_a_phone_number.")
        terminal.until("[y/N]:")
        terminal.type("y\n")
        assert terminal.end() == 0
    assert states(stage) == [(NAME, "running")]


def test_in_a_pipe(stage: Stage, people: Path, tmp_path: Path) -> None:
    """A pipe never asks: it sends, unless more than 5 % are left out and nobody accepted that."""
    assert in_pipe(stage, *start(people))[0] == 0
    assert states(stage) == [(NAME, "running")]
    many = write(tmp_path, 19, 2)
    other = ("--name", "other", "--rejects", str(tmp_path / "rows.csv"))
    for consent in ((), ("--yes",)):
        status, told = in_pipe(stage, *start(many, *other, *consent))
        assert (status, told["error"]["reason"], told["error"]["left_out"]) == (2, "left_out", 2)
        assert told["error"]["reasons"] == {"not_a_phone_number": 2}
    assert states(stage) == [(NAME, "running")]
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 3
    status, told = in_pipe(stage, *start(many, *other, "--accept-left-out"))
    assert (status, told["total"], told["invalid"], told["countries"]) == (0, 19, 2, {"86": 19})
    # What was begun is found again without another consent.
    assert in_pipe(stage, *start(many, *other))[0] == 0


def test_nobody_can_be_reached(stage: Stage, tmp_path: Path) -> None:
    """A file that reaches nobody is shown with the reasons, and refused without a question."""
    with on_terminal(stage, tmp_path, *start(write(tmp_path, 0, 3), "--rejects", "rows.csv")) as terminal:
        assert terminal.end() == 2
        assert "3     not_a_phone_number" in terminal.text
        assert "[y/N]" not in terminal.text
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 4
    assert states(stage) == []


def test_cancel(stage: Stage, people: Path) -> None:
    """`cancel` asks on a terminal, by the campaign's name, and tells how many get no message; `--yes` does not ask."""
    in_pipe(stage, *start(people))
    with on_terminal(stage, people.parent, "campaign", "cancel", NAME) as terminal:
        terminal.until("End the campaign for good? [y/N]:")
        assert "20 recipients have no message yet" in terminal.text.replace("\n", " ")
        terminal.type("\n")
        assert terminal.end() == 1
        assert "the campaign was not cancelled" in terminal.text
    assert states(stage) == [(NAME, "running")]
    with on_terminal(stage, people.parent, "campaign", "cancel", NAME, "--yes") as terminal:
        assert terminal.end() == 0
    assert states(stage) == [(NAME, "cancelled")]
    with on_terminal(stage, people.parent, "campaign", "cancel", NAME) as terminal:
        assert terminal.end() == 0


def test_a_trial(stage: Stage, people: Path) -> None:
    """`--test` sends the first row's message to that number, to nobody else, and begins no campaign."""
    with stage.worker(lanes=("bulk",)):
        status, told = in_pipe(stage, *start(people, "--param", "event=维护", "--test", "139 0013 9000"))
    assert (status, told["outcome"]["outcome"]) == (0, "accepted")
    (request,) = stage.simulator.accepted()
    assert request["phones"] == ["13900139000"]
    assert "n0" in json.dumps(request, ensure_ascii=False)
    assert states(stage) == []


def test_a_trial_that_cannot_be(stage: Stage, people: Path, tmp_path: Path) -> None:
    """A number that is not valid, or a file without a row that can be used, is bad usage, and nothing is sent."""
    for typed in ("12345", "x", "+1 310 555 1234"):
        status, told = in_pipe(stage, *start(people, "--test", typed))
        assert (status, typed in told["error"]["message"]) == (2, False)
    status, told = in_pipe(stage, *start(write(tmp_path, 0, 2), "--test", str(FIRST)))
    assert (status, told["error"]["argument"]) == (2, "recipients")
    assert stage.sms.connection.redis().llen("sms.bulk") == 0

"""Campaigns that are found by their names, whatever these are."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smsjobs import Sms, connect
from smsjobs.campaign import Campaign
from smsjobs_shell.program import program
from support.campaigns import numbers

CHINESE = "会员日-2026-12"


@pytest.fixture
def sms(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sms]:
    """A producer on the Redis that the commands have."""
    monkeypatch.setenv("SMS_BROKER_URL", redis_url)
    sms = connect()
    yield sms
    sms.close()


def start(sms: Sms, name: str, *, element: str = "SMS.Example") -> Campaign:
    """A campaign to two."""
    return sms.getElement(element).campaign(name, recipients=numbers(2), verifyTemplateCode="SMS_200000001")


def run(*words: str) -> Result:
    return CliRunner().invoke(program, ["campaign", *words])


def document(*words: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(words[0], "--json", *words[1:]).stdout)
    return found


@pytest.mark.parametrize("name", [CHINESE, " 2026 ", "a" * 200, "-x:y", "people-abcdefghijkl"])
def test_in_every_command(sms: Sms, name: str, tmp_path: Path) -> None:
    """Every command takes the name, with signs, Chinese characters, and where it looks like an id."""
    campaign = start(sms, name)
    start(sms, "another")
    for command, state in (
        ("status", "running"),
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
    ):
        told = document(command, "--", name)
        assert (told["id"], told["name"], told["state"]) == (campaign.id, name.strip(), state)
    assert run("report", "-o", str(tmp_path / "report.csv"), "--", name).exit_code == 0
    assert (tmp_path / "report.csv").read_text("utf-8-sig").count("cancelled") == 2


def test_a_name_of_macos(sms: Sms) -> None:
    """A name that came from a file's, decomposed as macOS has it, is found as it is typed."""
    campaign = start(sms, unicodedata.normalize("NFD", "été"))
    assert document("status", "été")["id"] == campaign.id


def test_an_id_before_a_name(sms: Sms) -> None:
    """Where one campaign's id is another one's name, the id wins."""
    campaign = start(sms, "first")
    start(sms, campaign.id)
    assert document("status", campaign.id)["name"] == "first"


def test_one_name_on_two_elements(sms: Sms) -> None:
    """Where two elements have a campaign of the name, nothing is done, and the ids are told."""
    ids = {start(sms, CHINESE, element=each).id for each in ("SMS.A", "SMS.B")}
    told = run("cancel", CHINESE, "--json")
    error = json.loads(told.stdout)["error"]
    assert (told.exit_code, error["reason"], set(error["campaigns"])) == (2, "ambiguous_name", ids)
    assert all(sms.campaign(each).progress().state == "running" for each in ids)
    assert all(each in error["message"] for each in ids)


def test_no_such_name(sms: Sms) -> None:
    """A name that no campaign has is told so, without being repeated."""
    start(sms, "first")
    told = run("status", "13800138000")
    assert (told.exit_code, "13800138000" in told.output) == (1, False)
    assert "no campaign of that name or id" in told.stderr
    assert document("status", "x")["error"]["reason"] == "campaign_not_found"  # type: ignore[index]


def test_the_list(sms: Sms) -> None:
    """The list shows name, element, template, begin and state, and no character of a name controls the terminal."""
    start(sms, CHINESE)
    campaign = start(sms, "a\x1b[2Jb")
    campaign.pause()
    told = run("list").stdout
    header, first, second = told.splitlines()[:3]
    assert " ".join(header.split()) == "Name State Done Not accepted Begins Id Element Template"
    assert first.split()[:2] == ["a\ufffd[2Jb", "paused"]
    assert first.split()[-3:] == [campaign.id, "SMS.Example", "SMS_200000001"]
    assert second.startswith(f"{CHINESE}  ")
    assert "\x1b" not in told + run("status", campaign.id).stdout
    listed = document("list")["campaigns"]
    assert isinstance(listed, list)
    assert [(each["name"], each["template"]) for each in listed][1] == (CHINESE, "SMS_200000001")

"""``smsjobs campaign resend``."""

import json
import os
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from smsjobs import connect
from smsjobs.templates import Template
from smsjobs_shell.program import program
from support.campaigns import numbers
from support.receipts import DeliveryBench, a_report
from support.terminal import Terminal

PEOPLE = numbers(3)
CODES = ("DELIVERED", "MOBILE_NOT_ON_SERVICE", "INVALID_NUMBER")


@pytest.fixture
def campaign(bench: DeliveryBench, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A campaign of which one recipient may get it again, on the Redis that the commands have."""
    monkeypatch.setenv("SMS_BROKER_URL", redis_url)
    bench.clock.now = time.time()  # the commands have Redis's clock
    people = [{"phone": each, "name": f"n{place}"} for place, each in enumerate(PEOPLE)]
    campaign = bench.start(name="会员日", people=people)
    for job_id in bench.sweep():
        bench.send(job_id)
    rows = zip(campaign.report(), CODES, strict=True)
    bench.deliveries.take([a_report(row.out_id, row.phone, code) for row, code in rows])
    return campaign.id


@pytest.fixture
def people(tmp_path: Path) -> str:
    """The file of that campaign."""
    path = tmp_path / "people.csv"
    path.write_text("phone,姓名,note\n" + "".join(f"{each},n{n},x\n" for n, each in enumerate(PEOPLE)))
    return str(path)


def run(*words: str) -> Result:
    return CliRunner().invoke(program, ["campaign", "resend", *words])


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_status_tells_why(campaign: str) -> None:
    """A campaign's status names the carriers' codes of what did not arrive, what they mean and what to do."""
    shown = CliRunner().invoke(program, ["campaign", "status", campaign]).stdout
    told = " ".join(shown[shown.index("Why it did not arrive") :].split())
    assert "INVALID_NUMBER the number does not exist, or is not in use: ask the recipient" in told
    assert "MOBILE_NOT_ON_SERVICE the phone is switched off" in told
    assert "DELIVERED" not in told


def test_in_a_script(bench: DeliveryBench, campaign: str, people: str) -> None:
    """It tells the counts by code and the new campaign; the second time it tells that nobody is left."""
    words = ("会员日", "--undelivered", "--file", people, "--param", "name={姓名}", "--json")
    first = document(run(*words))
    assert first == {
        "of": campaign,
        "resend": first["resend"],
        "name": "会员日 (resend 1)",
        "recipients": 1,
        "again": {"MOBILE_NOT_ON_SERVICE": 1},
        "not_again": {"INVALID_NUMBER": 1},
        "already_resent": 0,
    }
    assert [row.phone for row in bench.handle(first["resend"]).report()] == [PEOPLE[1]]
    again = run(*words)
    assert again.exit_code == 0
    assert (document(again)["resend"], document(again)["already_resent"]) == (None, 1)
    assert len(bench.store.ids()) == 2


def test_what_is_missing_is_told(bench: DeliveryBench, campaign: str, people: str) -> None:
    """Without the file of a campaign whose recipients have own parameters, or with another, it is bad usage and nothing is sent."""
    for more, told in (
        ((), "give the file"),
        (("--file", people), "column"),
        (("--param", "name={姓名}"), "--param needs --file"),
    ):
        result = run("会员日", "--undelivered", *more)
        assert (result.exit_code, told in result.output) == (2, True), result.output
    assert run("会员日").exit_code == 2
    assert bench.store.ids() == [campaign]


def test_template_is_refused_by_now(
    bench: DeliveryBench, campaign: str, people: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A template that lost its approval since stops a resend before anything is written; a promotional one does not ask anew."""
    monkeypatch.delenv("SMS_PREFLIGHT")
    words = ("会员日", "--undelivered", "--file", people, "--param", "name={姓名}")
    with closing(connect(broker_url=redis_url)) as sms:

        def learn(state: str) -> None:
            known = Template(code="SMS_1", state=state, kind="promotional", learned_at=datetime.now(UTC))
            sms.connection.templates.learn("SMS.Test", known)

        learn("cancelled")
        refused = run(*words)
        assert (refused.exit_code, "SMS_1 as cancelled" in refused.output) == (2, True), refused.output
        assert bench.store.ids() == [campaign]
        learn("approved")
        assert run(*words).exit_code == 0
    assert len(bench.store.ids()) == 2


@pytest.mark.parametrize(("answer", "status"), [("n\n", 1), ("y\n", 0)])
def test_on_a_terminal(
    bench: DeliveryBench, campaign: str, people: str, redis_url: str, answer: str, status: int
) -> None:
    """It is shown by code who gets it again and who does not; without a yes nothing is sent."""
    env = {**os.environ, "SMS_BROKER_URL": redis_url}
    words = ("campaign", "resend", "会员日", "--undelivered", "--file", people, "--param", "name={姓名}")
    with Terminal(*words, env=env, cwd=Path(people).parent) as terminal:
        terminal.until("Send to 1 recipient now? [y/N]:")
        for text in ("会员日 (resend 1)", "MOBILE_NOT_ON_SERVICE", "INVALID_NUMBER"):
            assert text in terminal.text
        assert PEOPLE[1] not in terminal.text
        terminal.type(answer)
        assert terminal.end() == status
    assert len(bench.store.ids()) == (2 if status == 0 else 1)

"""A worker's facts become figures."""

from dataclasses import fields
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from smsjobs.addresses import is_loopback
from smsjobs.metrics import METRICS, Meters
from smsjobs.settings import SettingsError
from smsjobs_worker.logs.facts import (
    CampaignPaused,
    Fact,
    JobExpired,
    JobFenced,
    JobRefused,
    JobSettled,
    JobWaits,
    LookupMade,
    RequestMade,
)
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.counts import WorkerCounts
from support.facts import kinds
from support.ledgers import PHONE
from support.scraped import Scraped

ABOUT: dict[str, Any] = {"job_id": "j", "element": "SMS.Main", "lane": "bulk"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def told(registry: CollectorRegistry, *facts: Fact) -> Scraped:
    counts = WorkerCounts(Meters(registry))
    for fact in facts:
        counts.take(fact)
    return Scraped(generate_latest(registry).decode())


def request(**more: Any) -> RequestMade:
    usual = {"result": "accepted", "reason": "response", "aliyun_code": "OK", "attempts": 1, "seconds": 0.1}
    return RequestMade(**ABOUT, **{**usual, "waited_s": None, **more})


def test_requests(registry: CollectorRegistry) -> None:
    """Each request counts with Aliyun's code, and a job's first one tells how long it was due."""
    found = told(
        registry,
        request(waited_s=2.0),
        request(attempts=2, result="lost", aliyun_code=None),
        request(result="rejected", aliyun_code="isv.AMOUNT_NOT_ENOUGH"),
        request(result="rejected", aliyun_code="isv.NOBODY_KNOWS"),
        request(result="rejected", aliyun_code=PHONE),
    )
    name = "smsjobs_attempts_total"
    assert found(name, result="accepted", aliyun_code="OK", element="SMS.Main", lane="bulk") == 1
    assert found(name, result="lost", aliyun_code="") == 1
    assert found(name, aliyun_code="isv.AMOUNT_NOT_ENOUGH") == 1
    assert found(name) == 5
    assert "NOBODY_KNOWS" not in found.text
    assert (found("smsjobs_request_seconds_count"), found("smsjobs_queue_seconds_count")) == (5, 1)
    assert found("smsjobs_queue_seconds_sum", lane="bulk") == 2
    assert PHONE not in found.text


def test_jobs(registry: CollectorRegistry) -> None:
    """Each outcome counts once, an expiry found by the sweep too; what an operator has to fix is counted apart."""
    end: dict[str, Any] = {**ABOUT, "attempts": 1, "seconds": 1.5}
    balance = {"reason": "balance", "aliyun_code": "isv.AMOUNT_NOT_ENOUGH"}
    absent = {**end, "element": f"SMS.A{PHONE[:6]}", "reason": "element_not_found"}
    found = told(
        registry,
        JobSettled(**end, outcome="accepted", reason="response"),
        JobRefused(**end, outcome="rejected", **balance),
        CampaignPaused(**ABOUT, **balance),
        JobRefused(**absent, outcome="rejected"),
        JobExpired(**ABOUT, outcome="not_sent", reason="expired", attempts=0),
    )
    assert found("smsjobs_jobs_total") == 4
    assert found("smsjobs_jobs_total", outcome="not_sent", reason="expired", element="SMS.Main") == 1
    assert found("smsjobs_jobs_total", element="other", reason="element_not_found") == 1
    assert (
        found("smsjobs_operator_refusals_total", reason="balance", aliyun_code="isv.AMOUNT_NOT_ENOUGH") == 2
    )
    assert found("smsjobs_balance_refusals_total", element="SMS.Main") == 2
    assert found("smsjobs_job_seconds_count", lane="bulk") == 3
    assert found("smsjobs_troubles_total", action="campaign_paused", level="error") == 1


def test_waits_look_ups_and_troubles(registry: CollectorRegistry) -> None:
    """A wait, a look-up and a warning each have their figure."""
    found = told(
        registry,
        JobWaits(**ABOUT, state="looking_up", reason="no_answer", delay_s=2, attempts=1),
        LookupMade(**ABOUT, result="absent", seconds=0.1),
        JobFenced(**ABOUT),
    )
    assert found("smsjobs_waits_total", state="looking_up", reason="no_answer") == 1
    assert found("smsjobs_lookups_total", lane="bulk", result="absent") == 1
    assert found("smsjobs_troubles_total", action="fenced", level="warning") == 1


def test_no_personal_label() -> None:
    """No figure has a label for a number, an id or a text, and none is named like one of another's."""
    labels = {label for each in METRICS for label in each.labels}
    assert not labels & {"job_id", "phone", "id", "error", "item", "problem", "campaign", "name"}
    assert len({each.name for each in METRICS}) == len(METRICS)
    assert all(each.name.startswith("smsjobs_") for each in METRICS)


def test_every_trouble_counts(registry: CollectorRegistry) -> None:
    """Each kind of fact that is a warning or an error can be counted, whatever its fields hold."""
    troubles = [each for each in kinds() if each.level >= 30]
    facts = [
        each(**{one.name: 1.0 if one.name == "seconds" else "any" for one in fields(each)})
        for each in troubles
    ]
    found = told(registry, *facts)
    assert found("smsjobs_troubles_total") == len(facts)


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [("9500", "127.0.0.1", 9500), ("0.0.0.0:9500", "0.0.0.0", 9500), ("[::1]:0", "::1", 0)],
)
def test_port(given: str, host: str, port: int) -> None:
    """The port is this machine's, unless an address stands before it; an open one needs a token."""
    env = {"SMS_METRICS_PORT": given}
    if not is_loopback(host):
        with pytest.raises(SettingsError, match="SMS_METRICS_TOKEN is missing"):
            WorkerSettings.read(env)
        env["SMS_METRICS_TOKEN"] = "a-token-of-the-tests"
    settings = WorkerSettings.read(env)
    assert settings.metrics is not None
    assert (settings.metrics[0].host, settings.metrics[1]) == (host, port)


@pytest.mark.parametrize("given", ["x", "65536", ":9500", "1.2.3.4:", "-1", "9500 ", "٩٥"])
def test_wrong_ports(given: str) -> None:
    """What is not a port is refused by name."""
    with pytest.raises(SettingsError, match="SMS_METRICS_PORT"):
        WorkerSettings.read({"SMS_METRICS_PORT": given})


def test_none() -> None:
    """Without the setting nothing is counted."""
    assert WorkerSettings.read({}).metrics is None

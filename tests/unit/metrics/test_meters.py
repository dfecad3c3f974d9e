"""Labels are bounded, whatever is told."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from smsjobs.facts import OTHER, CodeChecked, CodeSent, DeliveryReported, ReplyTaken, bounded, tell
from smsjobs.metrics import Meters, catalogue, count_facts
from support.ledgers import PHONE
from support.scraped import Scraped


def scraped(registry: CollectorRegistry) -> Scraped:
    return Scraped(generate_latest(registry).decode())


@pytest.mark.parametrize(
    ("value", "label"),
    [
        pytest.param("SMS.Main", "SMS.Main", id="an element"),
        pytest.param("isv.AMOUNT_NOT_ENOUGH", "isv.AMOUNT_NOT_ENOUGH", id="Aliyun's code"),
        pytest.param("MK:0001", "MK:0001", id="a carrier's code"),
        pytest.param(None, "", id="nothing"),
        pytest.param(PHONE, OTHER, id="a number"),
        pytest.param(f"SMS.A{PHONE}", OTHER, id="a number in a name"),
        pytest.param("+86 138", OTHER, id="a blank"),
        pytest.param("张三", OTHER, id="a name of somebody"),
        pytest.param('a"b\n', OTHER, id="what would need quoting"),
        pytest.param("a" * 65, OTHER, id="too long"),
    ],
)
def test_values_of_labels(value: object, label: str) -> None:
    """A label's value is a word or a dotted name, and never holds what can be a number."""
    assert bounded(value) == label


def test_few_values() -> None:
    """Whoever chooses a label's values, it has at most a hundred, and the meters keep nothing of the rest."""
    registry = CollectorRegistry()
    meters = Meters(registry)
    for letter in "abcdefghij":
        for other in "abcdefghijklmnopqrst":
            meters.count(catalogue.CODES_SENT, f"{letter}{other}")
            meters.count(catalogue.CODES_SENT, f"{letter} {other}")
    found = scraped(registry)
    values = {has["purpose"] for name, has, _ in found.samples if name == "smsjobs_codes_sent_total"}
    assert len(values) == 100
    assert found("smsjobs_codes_sent_total", purpose=OTHER) == 301
    assert len(meters._counters) <= 100


def test_codes_receipts_and_replies() -> None:
    """A web application's registry counts codes, deliveries and replies, until it is told to end."""
    registry = CollectorRegistry()
    end = count_facts(registry)
    about = {"purpose": "login", "element": "SMS.Main"}
    arrived = {"job_id": "j", "element": "SMS.Main", "lane": "verification", "carrier": "mobile"}
    try:
        tell(CodeSent(**about, job_id="j", send=1))
        for status in ("wrong", "ok"):
            tell(CodeChecked(**about, status=status))
        tell(DeliveryReported(**arrived, state="delivered", err_code="DELIVERED", seconds=3))
        tell(DeliveryReported(**arrived, state="failed", err_code="ZZ:13800", seconds=9))
        tell(ReplyTaken(opted_out=True, job_id=None, element=None))
    finally:
        end()
    tell(CodeSent(**about, job_id="j", send=1))
    found = scraped(registry)
    assert found("smsjobs_codes_sent_total", purpose="login") == 1
    assert found("smsjobs_codes_right_total", purpose="login") == 1
    assert found("smsjobs_codes_checked_total", status="wrong") == 1
    assert found("smsjobs_deliveries_total", carrier="mobile", state="delivered", err_code="DELIVERED") == 1
    assert found("smsjobs_deliveries_total", state="failed", err_code=OTHER) == 1
    assert found("smsjobs_delivery_seconds_count", carrier="mobile") == 1
    assert found("smsjobs_replies_total", opted_out="yes") == 1


def test_no_negative_durations() -> None:
    """A clock that was set back takes nothing from a sum."""
    registry = CollectorRegistry()
    Meters(registry).observe(catalogue.DELIVERY_SECONDS, -5, "mobile", "bulk")
    assert scraped(registry)("smsjobs_delivery_seconds_sum") == 0

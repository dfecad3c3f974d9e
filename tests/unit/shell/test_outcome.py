"""A job's record, for people and for the exit status."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smsjobs import JobInfo
from smsjobs.contract import STATUSES, AliyunRejected, Outcome, RequestFailed, SendResult, SmsError
from smsjobs_shell.terminal.outcome import exit_status, facts


def record(status: str, outcome: Outcome | None = None) -> dict[str, Any]:
    now = datetime.now(UTC)
    error, result = (outcome, None) if isinstance(outcome, SmsError) else (None, outcome)
    return JobInfo(
        id="job-1",
        element="SMS.A",
        lane="bulk",
        status=status,
        created=now - timedelta(hours=3),
        due=now,
        expires=now + timedelta(hours=5, minutes=30),
        attempts=7,
        last_error="connect_failed",
        next_try=None if outcome else now + timedelta(minutes=90),
        error=error,
        result=result,
    ).to_json()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("waited", [True, False])
def test_exit_status(status: str, waited: bool) -> None:
    """Accepted is 0, every other outcome 1, and going on is 1 only for who waited for the outcome."""
    may_be_sent = status in ("queued", "sending", "looking_up")
    expected = 0 if status == "accepted" or (may_be_sent and not waited) else 1
    assert exit_status(record(status), settled_wanted=waited) == expected


def test_rejected_facts() -> None:
    """A refusal shows our code, Aliyun's code, and what to do about it."""
    error = AliyunRejected(
        "per-number limit", aliyun_code="isv.BUSINESS_LIMIT_CONTROL", retry_after=42.4, advice="later"
    )
    shown = dict(facts(record("rejected", error)))
    assert shown["code"] == "46002"
    assert shown["reason"] == "refused"
    assert shown["Aliyun's code"] == "isv.BUSINESS_LIMIT_CONTROL"
    assert shown["advice"] == "it may work in 42 s"
    assert shown["attempts"] == "1"


def test_failed_facts() -> None:
    """A failed request shows our reason, and no advice that nobody gave."""
    shown = dict(
        facts(
            record(
                "not_sent",
                RequestFailed("late", reason="expired", outcome="not_sent", out_id="job-1", attempts=3),
            )
        )
    )
    assert (shown["code"], shown["reason"], shown["attempts"]) == ("46003", "expired", "3")
    assert "advice" not in shown
    assert "Aliyun's code" not in shown


def test_accepted_facts() -> None:
    """An accepted job shows Aliyun's id, or a dash where a look-up decided it."""
    found = SendResult(response={"Code": "OK"}, out_id="job-1", attempts=1, resolved_by="lookup")
    shown = dict(facts(record("accepted", found)))
    assert (shown["resolved by"], shown["BizId"]) == ("lookup", "-")
    assert "reason" not in shown


def test_unsettled_facts() -> None:
    """A job that continues shows its age, what was tried, why that failed, and when it goes on, and nothing made up."""
    shown = dict(facts(record("queued")))
    assert [*shown] == [
        "job",
        "element",
        "lane",
        "status",
        "recorded",
        "attempts",
        "last error",
        "next try",
        "expires",
    ]
    assert (shown["attempts"], shown["last error"]) == ("7", "connect_failed")
    assert shown["recorded"].endswith("(3h ago)")
    assert shown["next try"].endswith("(in 1h)")
    assert shown["expires"].endswith("(in 5h)")


def test_what_became_of_one_recipient() -> None:
    """A message that did not arrive shows the carrier's code, what it means and what to do about it."""
    accepted = record("accepted", SendResult(out_id="job-1", attempts=1))
    failed = {"state": "failed", "err_code": "MOBILE_IN_BLACK", "reported_at": "2026-11-28T04:00:09+00:00"}
    shown = dict(facts({**accepted, "deliveries": {}, "delivery": failed}))
    assert (shown["delivery"], shown["carrier's code"]) == ("failed", "MOBILE_IN_BLACK")
    assert shown["meaning"] == "the number is on the carrier's black list"
    assert "do not send" in shown["what to do"]
    waiting = {"state": "waiting", "err_code": None, "reported_at": None}
    shown = dict(facts({**accepted, "deliveries": {}, "delivery": waiting}))
    assert shown["delivery"] == "waiting"
    assert not shown.keys() & {"carrier's code", "reported"}


def test_what_became_of_several_recipients() -> None:
    """Several recipients are counted by state and by code, and an unknown code is shown with what is known of it."""
    counted = {"total": 6, "waiting": 1, "delivered": 3, "failed": 2, "unreported": 0}
    counted["by_code"] = {"DELIVERED": 3, "MK:0001": 2}  # type: ignore[assignment]
    accepted = record("accepted", SendResult(out_id="job-1", attempts=1))
    shown = dict(facts({**accepted, "deliveries": counted}))
    assert shown["delivery"] == "3 delivered, 2 failed, 1 waiting"
    assert shown["MK:0001"].startswith("2: a carrier's own code")
    assert "DELIVERED" not in shown

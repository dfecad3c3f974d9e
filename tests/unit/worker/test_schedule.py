"""When to try again: decisions as tables, the clock handed in."""

import pytest

from smsjobs.contract import LANES
from smsjobs.ledger import Due
from smsjobs_worker.sending.schedule import (
    failed_lookup_delay,
    gives_up_looking,
    next_lookup,
    retry_delay,
)
from smsjobs_worker.sending.sweep import expired_outcome, is_lost

VERIFICATION, NOTIFICATION = LANES["verification"].lookups_s, LANES["notification"].lookups_s


@pytest.mark.parametrize(
    ("lane", "attempts", "left_s", "retry_after_s", "jitter", "delay", "remark"),
    [
        ("notification", 0, 86400, None, 1.0, 2.0, "no request was made"),
        ("notification", 3, 86400, None, 1.0, 2.0, "after the first run of tries"),
        ("notification", 3, 86400, None, 0.0, 1.0, "halved at random"),
        ("notification", 4, 86400, None, 1.0, 4.0, "a run that had begun counts"),
        ("notification", 6, 86400, None, 1.0, 4.0, "doubled"),
        ("notification", 24, 86400, None, 1.0, 256.0, "doubled on"),
        ("notification", 27, 86400, None, 1.0, 300.0, "up to the lane's longest"),
        ("bulk", 30_000, 86400, None, 1.0, 300.0, "after days of an outage still a number"),
        ("bulk", 10**9, 86400, None, 0.0, 150.0, "and after any number of attempts"),
        ("verification", 27, 300, None, 1.0, 15.0, "a code waits shorter"),
        ("verification", 27, 20, None, 1.0, 10.0, "half of what is left"),
        ("verification", 27, 2, None, 1.0, 1.0, "the last try"),
        ("verification", 27, 1.9, None, 1.0, None, "no time for another try"),
        ("verification", 27, 0, None, 1.0, None, "expired"),
        ("verification", 27, -5, None, 1.0, None, "long expired"),
        ("notification", 3, 86400, 60, 0.0, 60.0, "what Aliyun asks for is not undercut"),
        ("notification", 3, 86400, 60, 1.0, 66.0, "and spread a little"),
        ("notification", 27, 86400, 1, 1.0, 300.0, "nor does it shorten the wait"),
        ("notification", 3, 61, 60, 0.0, None, "it would expire before Aliyun takes it"),
        ("notification", 3, 61.1, 60, 0.0, 60.0, "just in time"),
        ("verification", 3, 300, 0, 1.0, 2.0, "an empty wish is none"),
    ],
)
def test_retry_delay(
    lane: str,
    attempts: int,
    left_s: float,
    retry_after_s: float | None,
    jitter: float,
    delay: float | None,
    remark: str,
) -> None:
    """What surely was not sent waits longer with every run of tries, never past its expiry, never less than asked."""
    found = retry_delay(
        LANES[lane], attempts=attempts, left_s=left_s, retry_after_s=retry_after_s, jitter=jitter
    )
    assert found == delay, remark


@pytest.mark.parametrize(
    ("offsets_s", "elapsed_s", "delay", "remark"),
    [
        (VERIFICATION, 0, 2, "just lost"),
        (VERIFICATION, 1.9, 0.1, "a little early"),
        (VERIFICATION, 1.96, 3.04, "early by a clock's error counts as on time"),
        (VERIFICATION, 2.1, 2.9, "the first look is over"),
        (VERIFICATION, 20.5, 19.5, "the last one is left"),
        (VERIFICATION, 39.9, 0.1, "before the settling time nothing is believed"),
        (VERIFICATION, 40, None, "absence is believed"),
        (VERIFICATION, 1000, None, "long after"),
        (VERIFICATION, -3, 5, "a clock that went back"),
        (NOTIFICATION, 120.2, 479.8, "others wait longer"),
        (NOTIFICATION, 601, None, "absence is believed"),
    ],
)
def test_next_lookup(
    offsets_s: tuple[float, ...], elapsed_s: float, delay: float | None, remark: str
) -> None:
    """Look-ups follow the lane's schedule from the moment of the loss, and end with the settling time."""
    assert next_lookup(offsets_s, elapsed_s) == (None if delay is None else pytest.approx(delay)), remark


@pytest.mark.parametrize(
    ("elapsed_s", "retry_after_s", "jitter", "delay", "remark"),
    [
        (0, None, 0, 1, "at least a second"),
        (10, None, 0, 5, "half the time that passed"),
        (10, None, 1, 6.25, "spread by a quarter"),
        (100_000, None, 0, 600, "at most ten minutes"),
        (10, 30, 0, 30, "what Aliyun asks for is not undercut"),
        (100, 30, 0, 50, "nor does it shorten the wait"),
        (-5, None, 0, 1, "a clock that went back"),
    ],
)
def test_failed_lookup_delay(
    elapsed_s: float, retry_after_s: float | None, jitter: float, delay: float, remark: str
) -> None:
    """A look-up that proved nothing is made again after a growing wait."""
    found = failed_lookup_delay(elapsed_s=elapsed_s, retry_after_s=retry_after_s, jitter=jitter)
    assert found == delay, remark


@pytest.mark.parametrize(
    ("elapsed_s", "left_s", "gives_up", "remark"),
    [
        (1000, 1, False, "the job lives"),
        (79.9, 0, False, "expired, but not looked at for long enough"),
        (80, 0, True, "expired, and twice the settling time"),
        (80, -1000, True, "long expired"),
        (0, -1000, False, "lost just before it expired"),
    ],
)
def test_gives_up_looking(elapsed_s: float, left_s: float, gives_up: bool, remark: str) -> None:
    """Look-ups that prove nothing go on to the job's expiry, and at least for twice the settling time."""
    assert gives_up_looking(VERIFICATION, elapsed_s=elapsed_s, left_s=left_s) is gives_up, remark


@pytest.mark.parametrize(
    ("backlog", "looks", "lost", "remark"),
    [
        (0, 1, True, "nothing waits, so neither does its message"),
        (1, 1, False, "it may be waiting its turn"),
        (10_000, 3, False, "a long queue is believed for some looks"),
        (10_000, 4, True, "but not for ever: 15 waits"),
        (1, 12, True, "nor later"),
    ],
)
def test_is_lost(backlog: int, looks: int, lost: bool, remark: str) -> None:
    """A job that nobody claimed is published again when its queue is empty, or after four looks."""
    due = Due(
        verb="requeue", job_id="job", lane="bulk", element="SMS.Test", attempts=0, looks=looks, lost=False
    )
    assert is_lost(due, backlog) is lost, remark


@pytest.mark.parametrize(
    ("lost", "outcome", "reason"), [(False, "not_sent", "expired"), (True, "unknown", "no_answer")]
)
def test_expired_outcome(lost: bool, outcome: str, reason: str) -> None:
    """A job that expired was not sent, unless the answer of a request was lost: then nobody knows."""
    error = expired_outcome("job", attempts=3, lost=lost)
    assert (error.code, error.outcome, error.reason, error.out_id, error.attempts) == (
        46003,
        outcome,
        reason,
        "job",
        3,
    )

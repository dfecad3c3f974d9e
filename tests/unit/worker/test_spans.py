"""A worker's facts become spans."""

import threading
from typing import Any

from opentelemetry.trace import StatusCode

from smsjobs.facts import DeliveryReported, SettledByReceipt
from smsjobs.traces import Spans
from smsjobs_worker.logs.facts import (
    Fact,
    JobClaimed,
    JobExpired,
    JobFenced,
    JobSettled,
    RequestMade,
    RunBrokenOff,
)
from smsjobs_worker.watching.spans import JobSpans
from support.ledgers import PHONE
from support.recorded import Recorded, recording

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OF: dict[str, Any] = {"element": "SMS.Main", "lane": "bulk"}
TRACED: dict[str, Any] = {"job_id": "j", **OF, "traceparent": f"00-{TRACE}-{SPAN}-01"}
CLAIMED = JobClaimed(**TRACED, waited_s=2.0)


def request(job_id: str = "j", **more: Any) -> RequestMade:
    usual = {"result": "accepted", "reason": "response", "aliyun_code": "OK", "attempts": 1, "seconds": 0.1}
    return RequestMade(job_id=job_id, **OF, **{**usual, "waited_s": None, **more})


def settled(job_id: str = "j") -> JobSettled:
    return JobSettled(job_id=job_id, **OF, outcome="accepted", reason="response", attempts=1, seconds=1)


def spans_of(*facts: Fact) -> Recorded:
    with recording() as recorded:
        spans = JobSpans(Spans())
        for each in facts:
            spans.take(each)
        return recorded


def test_a_run() -> None:
    """A run is a child of the span that the job came with, its attempt one of the run, and its queue time ends with the attempt's begin."""
    found = spans_of(CLAIMED, request(waited_s=2.5), settled())
    run, attempt, queue = (found.one(f"smsjobs {each}") for each in ("run", "attempt", "queue"))
    assert {f"{each.context.trace_id:032x}" for each in found.all()} == {TRACE}
    assert f"{run.parent.span_id:016x}" == f"{queue.parent.span_id:016x}" == SPAN
    assert attempt.parent.span_id == run.context.span_id
    assert queue.end_time == attempt.start_time
    assert abs((attempt.start_time - queue.start_time) / 1e9 - 1.9) < 0.1, "due 2 s before the claim"
    assert run.status.status_code is StatusCode.UNSET


def test_runs_that_have_no_outcome() -> None:
    """A run that broke off, or that its worker lost, ends as an error; so does one that nobody ended, when the next begins."""
    for fact, word in (
        (RunBrokenOff(error="x"), "run_broken_off"),
        (JobFenced(job_id="j"), "fenced"),
        (CLAIMED, "interrupted"),
    ):
        run = spans_of(CLAIMED, fact).one("smsjobs run")
        assert (run.status.status_code, run.status.description) == (StatusCode.ERROR, word)


def test_others_jobs_are_left_alone() -> None:
    """What is told of a job that is not traced, before or within a run of the same thread, has no span; another thread has its own run."""
    assert not spans_of(request("other"), settled("other"), RunBrokenOff(error="x")).all()
    with recording() as recorded:
        spans = JobSpans(Spans())
        spans.take(CLAIMED)
        for fact in (request("other"), settled("other")):
            spans.take(fact)
        elsewhere = threading.Thread(target=spans.take, args=(settled(),))
        elsewhere.start()
        elsewhere.join()
        assert not recorded.all()


def test_ends_without_a_run() -> None:
    """A job that expires, and what a receipt tells, have spans of their own in the job's trace, if it is traced."""
    expired: dict[str, Any] = {"outcome": "not_sent", "reason": "expired", "attempts": 0}
    reported: dict[str, Any] = {
        "carrier": "mobile",
        "state": "failed",
        "err_code": "MK:0001",
        "seconds": None,
    }
    found = spans_of(
        JobExpired(**TRACED, **expired),
        SettledByReceipt(**TRACED, before="unknown"),
        DeliveryReported(**TRACED, **reported),
    )
    names = ["smsjobs expired", "smsjobs settled by receipt", "smsjobs receipt"]
    assert [each.name for each in found.all()] == names
    assert {(f"{each.context.trace_id:032x}", f"{each.parent.span_id:016x}") for each in found.all()} == {
        (TRACE, SPAN)
    }
    untraced = TRACED | {"traceparent": None}
    assert not spans_of(
        JobExpired(**untraced, **expired),
        SettledByReceipt(**untraced, before="unknown"),
        DeliveryReported(**untraced, **reported),
    ).all()


def test_attributes_are_bounded() -> None:
    """A number in a name, a reason or a code is no attribute's value."""
    numbers = {**TRACED, "element": f"SMS.A{PHONE}"}
    found = spans_of(
        JobClaimed(**numbers, waited_s=0),
        request(reason=PHONE, aliyun_code=PHONE, result="rejected"),
        DeliveryReported(**numbers, carrier="mobile", state="failed", err_code=PHONE, seconds=1.0),
        RunBrokenOff(error="x"),
    )
    assert len(found.all()) == 3
    assert PHONE not in "".join(each.to_json() for each in found.all())

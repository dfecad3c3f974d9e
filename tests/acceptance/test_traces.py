"""A web application, a worker and `smsjobs serve` whose traces are recorded, each a process under `opentelemetry-instrument`."""

import json
import re
import urllib.request
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from support.served import SECRET
from support.stage import FAST, Stage, new_phone, outcome, word
from support.traced import Span, Traced

SHOP = Path(__file__).parents[1] / "support" / "traced_shop.py"

#: How exactly times are compared: jobs are recorded by Redis's clock, in whole milliseconds.
MS = timedelta(milliseconds=2)

OURS = ("smsjobs ", "POST", "apply_async/smsjobs.submit")

KINDS = ("lost", "refused", "by the sdk", "untraced", "plain")


@dataclass(kw_only=True)
class Story:
    """What a few jobs left behind in traces."""

    phones: dict[str, str]
    jobs: dict[str, str] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)

    def trace(self, kind: str) -> list[Span]:
        """The spans of one job's trace, by their begin, without those of other people's instrumentation."""
        (trace,) = {
            each.trace for each in self.spans if each.attributes.get("smsjobs.job_id") == self.jobs[kind]
        }
        ours = [each for each in self.spans if each.trace == trace and each.name.startswith(OURS)]
        return sorted(ours, key=lambda each: each.begun)

    def tree(self, kind: str) -> list[str]:
        """The names of the same, each behind its parent's."""
        spans = self.trace(kind)
        names = {each.id: each.name for each in spans}
        return [f"{names.get(each.parent or '', '')} > {each.name}" for each in spans]


@pytest.fixture(scope="module")
def story(stage: Stage) -> Story:
    """A job that is throttled, whose next answer is lost, that is found, and whose receipt comes; and others."""
    story = Story(phones={kind: new_phone() for kind in KINDS})
    phones, faults = story.phones, stage.simulator.fault
    stage.write("Sdk", transport="sdk")
    faults("throttling", phone=phones["lost"])
    faults("reset_after", phone=phones["lost"])
    faults("code", phone=phones["refused"], code="isv.AMOUNT_NOT_ENOUGH")
    wanted = [f"SMS.{'Sdk' if kind == 'by the sdk' else 'Example'}/{phone}" for kind, phone in phones.items()]
    settings = {"SMS_BROKER_URL": stage.server.url, "SMS_APP": str(stage.app_dir), **FAST}
    with (
        Traced("python", str(SHOP), *wanted, **settings) as shop,
        Traced("celery", "-A", "smsjobs_worker", "worker", "-Q", "sms.notification", **settings) as worker,
        Traced("smsjobs", "serve", "--port", "0", **settings, SMS_RECEIPT_SECRET=SECRET) as served,
    ):
        shop.wait()
        found = re.findall(r"^job (\S+)$", shop.written(), re.MULTILINE)
        story.jobs = dict(zip(KINDS, found, strict=True))
        ends = {kind: word(outcome(stage.sms.job(job))) for kind, job in story.jobs.items()}
        assert ends == {**dict.fromkeys(KINDS, "accepted"), "refused": "rejected balance"}
        served.wait_for("/receipts/")
        (address,) = set(re.findall(r"http://127\.0\.0\.1:\d+", served.written()))
        receipt = {
            "out_id": story.jobs["lost"],
            "phone_number": phones["lost"],
            "success": True,
            "err_code": "DELIVERED",
            "send_time": "2026-11-28 12:00:00",
            "report_time": "2026-11-28 12:00:07",
        }
        url = f"{address}/receipts/{SECRET}"
        urllib.request.urlopen(url, json.dumps([receipt]).encode(), timeout=10)
        for each in (shop, worker, served):
            each.end()
            story.spans += each.spans()
    return story


def test_a_job_is_one_trace(story: Story) -> None:
    """Request, queue, attempts, look-up and receipt of a job are one trace over three processes, each under its parent."""
    assert story.tree("lost") == [
        " > POST /order",
        "POST /order > smsjobs enqueue",
        "smsjobs enqueue > smsjobs queue",
        "smsjobs enqueue > smsjobs run",
        "smsjobs run > smsjobs attempt",
        "smsjobs run > smsjobs attempt",
        "smsjobs enqueue > smsjobs run",
        "smsjobs run > smsjobs look-up",
        "smsjobs enqueue > smsjobs receipt",
    ]
    told = [each.attributes for each in story.trace("lost")]
    assert told[1]["smsjobs.numbers"] == 1
    assert (told[3]["smsjobs.waits"], told[3]["smsjobs.reason"]) == ("looking_up", "no_answer")
    assert [each["smsjobs.result"] for each in (told[4], told[5], told[7])] == ["not_sent", "lost", "found"]
    assert (told[6]["smsjobs.outcome"], told[6]["smsjobs.reason"]) == ("accepted", "lookup")
    assert (told[8]["smsjobs.delivery"], told[8]["smsjobs.delivery_s"]) == ("delivered", 7)


def test_times_fit(story: Story) -> None:
    """No span begins before its parent; a job queues up to its first attempt; attempts lie within their run."""
    spans = story.trace("lost")
    by_id = {each.id: each for each in spans}
    for each in spans:
        parent = by_id.get(each.parent or "")
        assert parent is None or parent.begun <= each.begun + MS
        if parent is not None and parent.name == "smsjobs run":
            assert each.ended <= parent.ended + MS
    queue, _, attempt = spans[2:5]
    assert abs(queue.ended - attempt.begun) < MS
    assert spans[1].begun <= queue.begun + MS


def test_a_refusal_is_an_error(story: Story) -> None:
    """A refused job's run and attempt have the status of an error, with its reason and Aliyun's code."""
    run, attempt = story.trace("refused")[-2:]
    for each in (run, attempt):
        assert each.status == "ERROR"
        assert (each.attributes["smsjobs.reason"], each.attributes["smsjobs.aliyun_code"]) == (
            "balance",
            "isv.AMOUNT_NOT_ENOUGH",
        )


def test_a_plain_client_is_continued(story: Story) -> None:
    """The job of a plain Celery client that is instrumented belongs to the trace in which it was sent."""
    assert story.tree("plain") == [
        " > POST /plain",
        "POST /plain > apply_async/smsjobs.submit",
        "apply_async/smsjobs.submit > smsjobs queue",
        "apply_async/smsjobs.submit > smsjobs run",
        "smsjobs run > smsjobs attempt",
    ]


def test_what_is_not_traced_has_no_span(story: Story) -> None:
    """A job that was enqueued while no span was recorded has none."""
    job_id = story.jobs["untraced"]
    assert not [each for each in story.spans if each.attributes.get("smsjobs.job_id") == job_id]


def test_traces_are_private(story: Story) -> None:
    """No span has a number, a parameter, a key or a signed URL in it, although `requests` and Celery are instrumented too."""
    assert [each for each in story.spans if each.name.startswith("run/smsjobs.")], "they are"
    for text in (*story.phones.values(), "'123456'", "your_access", "your_signature", "Signature", SECRET):
        assert not [each.name for each in story.spans if text in str(each)]

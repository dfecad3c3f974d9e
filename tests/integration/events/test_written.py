"""Which events are written, and when none is."""

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest
from cryptography.fernet import Fernet
from redis.exceptions import RedisError

from smsjobs.contract import AliyunRejected, Reply, TemplateReview, encode_outcome
from smsjobs.ledger import Ledger
from smsjobs.redis_store import NO_ELEMENT, Seal, connect_redis, key, script_loader
from smsjobs.steering import Steering
from support.campaigns import unknown
from support.events import TAG, EventBench
from support.ledgers import PHONE, a_job, accepted, failed, granted
from support.receipts import a_report
from support.redis_server import RedisServer

REVIEW = TemplateReview(template="SMS_1", status="approved", reason="hello there", order_id="1")


def test_nothing_for_nobody(bench: EventBench) -> None:
    """Without a subscriber no event is written, whatever happens; a subscription begins with what comes next."""
    job = bench.settled()
    bench.deliveries.take([a_report(job.id)])
    bench.start(3).cancel()
    bench.streams.tell(REVIEW, "1")
    assert not list(bench.redis.scan_iter("*:events"))
    bench.subscribe()
    assert bench.told() == []
    job = bench.settled()
    assert [each["data"]["job_id"] for each in bench.told()] == [job.id]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (
            lambda job: encode_outcome(
                AliyunRejected("no", reason="flow_control", out_id=job.id, attempts=1)
            ),
            46002,
        ),
        (failed, 46003),
        (accepted, None),
    ],
)
def test_a_settled_job(bench: EventBench, outcome: object, expected: int | None) -> None:
    """A settlement is one event, with the code of the outcome; repeating the step writes no second one."""
    bench.subscribe()
    job = bench.settled(outcome)
    bench.ledger.settle(job.id, "token", outcome(job))  # type: ignore[operator]
    (event,) = bench.told()
    assert (event["type"], event["data"]["code"], event["data"]["lane"]) == (
        "job.settled",
        expected,
        "verification",
    )


def test_a_receipt_that_settles(bench: EventBench) -> None:
    """A receipt that makes an unknown job an accepted one is told as such, with an id of its own, and its delivery too."""
    bench.subscribe()
    job = bench.settled(lambda job: failed(job, "unknown", "no_answer"))
    bench.deliveries.take([a_report(job.id)])
    bench.deliveries.take([a_report(job.id)])
    unknown, settled, delivery = bench.told()
    assert (unknown["data"]["outcome"], unknown["data"]["before"]) == ("unknown", None)
    assert (settled["data"]["outcome"], settled["data"]["before"]) == ("accepted", "unknown")
    assert (settled["data"]["resolved_by"], settled["data"]["biz_id"]) == ("receipt", "biz-1")
    assert (delivery["data"]["state"], delivery["data"]["recipient"]) == ("delivered", 0)
    assert len({each["id"] for each in (unknown, settled, delivery)}) == 3


def test_deliveries_of_several(bench: EventBench) -> None:
    """Each recipient of a job is told by its place in the list, with what the carrier's code means."""
    bench.subscribe()
    job = bench.settled(phoneList=[PHONE, "13800138001", "13800138002"])
    bench.deliveries.take(
        [a_report(job.id, "13800138002", "MOBILE_IN_BLACK"), a_report(job.id, "13800138001")]
    )
    _, *found = [each["data"] for each in bench.told()]
    assert {(each["recipient"], each["state"], each["fault"]) for each in found} == {
        (1, "delivered", "nobody"),
        (2, "failed", "recipient"),
    }


def test_a_campaigns_life(bench: EventBench) -> None:
    """A campaign tells when it begins, pauses, goes on, and ends with its final counts."""
    bench.subscribe()
    campaign = bench.start(1500)
    campaign.pause()
    campaign.pause()
    campaign.resume()
    campaign.resume()
    for each in bench.sweep():
        bench.settle(bench.granted(each))
    events = bench.told()
    changes = [each["data"] for each in events if each["type"] == "campaign.changed"]
    assert [each["state"] for each in changes] == ["running", "paused", "running", "finished"]
    assert (changes[-1]["ended"], changes[-1]["accepted"], changes[-1]["pending"]) == (True, 1500, 0)
    assert [each["data"]["campaign_id"] for each in events] == [campaign.id] * len(events)


def test_a_campaign_that_a_receipt_counts_anew(bench: EventBench) -> None:
    """A receipt that settles an unknown chunk of an ended campaign tells its new counts, once; the other receipts do not."""
    bench.subscribe()
    campaign = bench.start(1500)
    first, second = bench.sweep()
    bench.send(first, unknown())
    bench.deliveries.take([a_report(second, bench.recipients(second)[0])])
    assert [each["data"]["state"] for each in bench.told() if each["type"] == "campaign.changed"][
        -1
    ] == "finished"
    for phone in bench.recipients(first)[:3]:
        bench.deliveries.take([a_report(first, phone), a_report(first, phone, "EXPIRED")])
    told = [each["data"] for each in bench.told() if each["type"] == "campaign.changed"]
    assert [(each["ended"], each["accepted"], each["unknown"]) for each in told] == [(True, 1500, 0)]
    assert campaign.progress().accepted == 1500


def test_a_halved_chunk(bench: EventBench) -> None:
    """A refused chunk whose halves are sent in its place says so, so that nobody counts it."""
    bench.subscribe()
    bench.start(2)
    (chunk,) = bench.sweep()
    refusal = AliyunRejected("no", reason="bad_number", out_id=chunk, attempts=1)
    bench.settle(bench.granted(chunk), refusal, halve=True)
    settled = [each["data"] for each in bench.told() if each["type"] == "job.settled"]
    assert [(each["outcome"], each["halved"]) for each in settled] == [("rejected", True)]


def test_a_cancelled_campaign(bench: EventBench) -> None:
    """A cancelled campaign tells it at once, then its chunks' ends, then its own."""
    bench.subscribe()
    campaign = bench.start(3)
    bench.sweep()
    campaign.cancel()
    assert bench.short()[1:] == [
        ("campaign.changed", "cancelled"),
        ("job.settled", "not_sent"),
        ("campaign.changed", "cancelled"),
    ]


def test_whole_facts(bench: EventBench) -> None:
    """What is a fact by itself is told under one id, however often it is written, and is sealed in Redis."""
    sealed = EventBench(bench.redis, seal=Seal(Fernet.generate_key().decode()))
    sealed.subscribe()
    for _ in range(2):
        sealed.streams.tell(REVIEW, "review 1")
    assert "hello" not in str(bench.redis.xrange(key(NO_ELEMENT, "events")))
    found = sealed.told()
    assert [each["data"]["reason"] for each in found] == ["hello there"] * 2
    assert len({each["id"] for each in found}) == 1


def test_a_reply(bench: EventBench) -> None:
    """A reply's event has its sender's number with the middle hidden; pushed again, it has the same id."""
    moment = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
    reply = Reply(phone=PHONE, content="hello there", sent_at=moment, element="SMS.Test")
    sealed = EventBench(bench.redis, seal=Seal(Fernet.generate_key().decode()))
    sealed.subscribe()
    for each in (reply, reply, replace(reply, content="bye"), replace(reply, sequence_id="1")):
        sealed.streams.tell_reply(each)
    kept = str(bench.redis.xrange(key(TAG, "events")))
    assert not any(each in kept for each in ("hello", "138*", PHONE))
    first, again, *others = sealed.told()
    assert (first["data"]["phone"], first["data"]["content"]) == ("138****8000", "hello there")
    assert first["data"]["sent_at"] == "2026-11-28T04:00:00.000Z"
    assert first["id"] == again["id"]
    assert len({first["id"], *(each["id"] for each in others)}) == 3


def test_no_number_and_no_code_in_the_stream(bench: EventBench) -> None:
    """The stream holds no number and no parameter of a job."""
    bench.subscribe()
    job = bench.settled(lambda job: failed(job, "unknown", "no_answer"))
    bench.deliveries.take([a_report(job.id)])
    kept = str(bench.redis.xrange(key(TAG, "events")))
    assert PHONE not in kept
    assert "739201" not in kept


def test_the_stream_is_bounded(bench: EventBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscriber that never reads costs a bounded number of entries; the oldest are dropped."""
    monkeypatch.setattr(script_loader, "MOST_EVENTS", 200)
    # Read anew, with that bound in it.
    monkeypatch.setattr(script_loader, "_script", cache(script_loader._script.__wrapped__))
    bench.ledger = Ledger(bench.redis, clock=bench.clock)
    bench.subscribe()
    last = [bench.settled() for _ in range(600)][-1]
    assert 200 <= bench.redis.xlen(key(TAG, "events")) <= 300
    assert bench.told()[-1]["data"]["job_id"] == last.id


def test_a_damaged_stream_stops_nothing(bench: EventBench) -> None:
    """Where something else is in the stream's place, jobs are settled all the same, and a subscriber puts it aside."""
    bench.redis.set(key(TAG, "events"), "rubbish")
    job = bench.settled()
    assert bench.ledger.read(job.id).status == "accepted"  # type: ignore[union-attr]
    bench.subscribe()
    job = bench.settled()
    assert [each["data"]["job_id"] for each in bench.told()] == [job.id]
    assert bench.redis.get(key(TAG, "aside", "key", "events")) == "rubbish"


def test_a_fact_and_its_event_are_one_step() -> None:
    """Whenever Redis is killed, each settled job has exactly one event, and no other job has one."""
    with RedisServer() as server, connect_redis(server.url) as client:
        bench = EventBench(client)
        bench.subscribe()
        jobs = []
        for each in (a_job() for _ in range(800)):
            bench.ledger.record(each)
            granted(bench.ledger, each)
            jobs.append(each)
        killer = threading.Timer(0.05, server.kill)
        killer.start()
        with suppress(RedisError):
            for each in jobs:
                bench.ledger.settle(each.id, "token", accepted(each))
        killer.join()
        server.start()
        states = {each.id: bench.ledger.read(each.id).status for each in jobs}  # type: ignore[union-attr]
        told = [each["data"]["job_id"] for each in bench.told() + bench.told()]
        assert sorted(told) == sorted(job_id for job_id, state in states.items() if state == "accepted")
        assert 0 < len(told) < len(jobs)


def test_a_cancelled_job(bench: EventBench) -> None:
    """A job that somebody cancels is settled by that, and so tells one event."""
    bench.subscribe()
    job = a_job()
    bench.ledger.record(job)
    steering = Steering(bench.ledger)
    assert steering.cancel(job.id)
    assert steering.cancel(job.id)
    (event,) = bench.told()
    assert (event["type"], event["data"]["job_id"]) == ("job.settled", job.id)
    assert (event["data"]["outcome"], event["data"]["reason"]) == ("not_sent", "cancelled")

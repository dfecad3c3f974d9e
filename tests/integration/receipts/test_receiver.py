"""The receiver on a real Redis: what it answers, and what is written then."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import smsjobs
from smsjobs import Sms, connect
from smsjobs.contract import JobRecord, RequestFailed, encode_outcome
from smsjobs.events import EventStreams, Hook
from smsjobs.receipts import Answer, Receiver
from smsjobs.redis_store import connect_redis
from smsjobs_server.forward import Forwarder
from support.hook_server import SECRET
from support.keys import job_key
from support.ledgers import PHONE, a_job, accepted, everything, granted
from support.polling import in_time
from support.redis_server import RedisServer

#: Aliyun's own bound.
ANSWER_S = 0.7


@pytest.fixture
def sms(redis_url: str) -> Iterator[Sms]:
    """A producer on an empty Redis."""
    made = connect(broker_url=redis_url)
    yield made
    made.close()


def _accepted(sms: Sms, **more: Any) -> JobRecord:
    job = a_job(**more)
    ledger = sms.connection.ledger
    ledger.record(job)
    granted(ledger, job)
    ledger.settle(job.id, "token", accepted(job))
    return job


def _item(job_id: str, phone: str = PHONE, err_code: str = "DELIVERED", **more: Any) -> dict[str, Any]:
    return {
        "phone_number": phone,
        "send_time": "2026-11-28 12:00:00",
        "report_time": "2026-11-28 12:00:09",
        "success": err_code == "DELIVERED",
        "err_code": err_code,
        "err_msg": "",
        "sms_size": "1",
        "biz_id": "biz-1",
        "out_id": job_id,
        **more,
    }


def _push(*items: Any) -> bytes:
    return json.dumps(items).encode()


def _answer_in_time(receiver: Receiver, body: bytes) -> Answer:
    with in_time(ANSWER_S):
        return receiver.handle(body)


def test_a_push_is_taken(sms: Sms) -> None:
    """A receipt is answered as Aliyun wants it, and the job has its delivery; also in an event loop, and by its public name."""
    job, other = _accepted(sms), _accepted(sms)
    receiver = smsjobs.receipts.Receiver(sms)
    answer = receiver.handle(_push(_item(job.id, err_code="MOBILE_IN_BLACK")))
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert json.loads(answer.body) == {"code": 0, "msg": "接收成功"}
    delivery = sms.job(job.id).delivery()
    assert (delivery.state, delivery.err_code, delivery.parts, delivery.source) == (
        "failed",
        "MOBILE_IN_BLACK",
        1,
        "push",
    )
    assert delivery.reported_at is not None
    assert delivery.reported_at.isoformat() == "2026-11-28T04:00:09+00:00"
    assert asyncio.run(receiver.handle_async(_push(_item(other.id)))) == answer
    assert asyncio.run(sms.job(other.id).delivery_async()).state == "delivered"
    assert asyncio.run(sms.job(other.id).deliveries_async()).delivered == 1
    assert receiver.counts() == {"written": 2}


def test_an_unknown_job_ends_as_accepted(sms: Sms) -> None:
    """`get` of a job that ended as unknown gives the receipt's result once the receipt came."""
    job = a_job()
    ledger = sms.connection.ledger
    ledger.record(job)
    granted(ledger, job)
    lost = RequestFailed("lost", reason="no_answer", outcome="unknown", out_id=job.id, attempts=1)
    ledger.settle(job.id, "token", encode_outcome(lost))
    with pytest.raises(RequestFailed):
        sms.job(job.id).get(timeout=1)
    Receiver(sms).handle(_push(_item(job.id)))
    result = sms.job(job.id).get(timeout=1)
    assert (result.resolved_by, result.biz_id, result.attempts) == ("receipt", "biz-1", 1)
    assert sms.job(job.id).status() == "accepted"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"not json", "not_json"),
        (b"[" + b" " * 2**20 + b"]", "oversized"),
        (b"7", "wrong_type"),
        (_push({"v": 9, "type": "SmsReport2"}), "unknown_kind"),
        (_push(_item("x") | {"success": []}), "malformed"),
        (_push(_item("somebody-elses")), "unknown_job"),
    ],
    ids=["not json", "oversized", "wrong type", "of the future", "malformed", "unknown"],
)
def test_what_cannot_be_taken_is_answered_and_counted(sms: Sms, body: bytes, word: str, caplog: Any) -> None:
    """What nobody will ever take is answered with 200, so that Aliyun does not come again; it is told without its content."""
    before = everything(sms.connection.redis())
    receiver = Receiver(sms)
    with caplog.at_level(logging.DEBUG):
        assert [receiver.handle(body).status for _ in range(3)] == [200] * 3
    assert receiver.counts() == {word: 3}
    assert everything(sms.connection.redis()) == before
    assert PHONE not in caplog.text
    lines = [
        each for each in caplog.records if each.name == "smsjobs.receipts" and each.levelno > logging.DEBUG
    ]
    assert len(lines) <= 1


def test_a_damaged_job_stops_no_other(sms: Sms) -> None:
    """Of a push with reports of damaged jobs the others are written, and Aliyun does not come again for them."""
    jobs = [_accepted(sms) for _ in range(4)]
    client = sms.connection.redis()
    client.hset(job_key(jobs[0].id), "delivery", "what is this")
    client.delete(job_key(jobs[1].id))
    client.set(job_key(jobs[1].id), "no hash")
    client.hset(job_key(jobs[2].id), mapping={"campaign": "c", "chunk": "odd"})
    receiver = Receiver(sms)
    assert _final_status(receiver, _push(*(_item(each.id) for each in jobs))) == 200
    assert receiver.counts() == {"damaged": 2, "unknown_job": 1, "written": 1}
    assert sms.job(jobs[3].id).delivery().state == "delivered"


def test_redis_is_slow(sms: Sms) -> None:
    """While Redis does not answer, a push is refused in time; what is refused is not lost when it comes again."""
    job = _accepted(sms)
    receiver = Receiver(sms)
    body = _push(_item(job.id))
    sms.connection.redis().execute_command("CLIENT", "PAUSE", "1500")
    for _ in range(2):
        assert _answer_in_time(receiver, body).status == 503
    assert receiver.counts() == {"report_not_taken": 2}
    time.sleep(1.5)
    assert _final_status(receiver, body) == 200
    assert sms.job(job.id).delivery().state == "delivered"


def test_many_while_redis_is_slow(sms: Sms) -> None:
    """While Redis does not answer, far more pushes than there are threads for are all refused in time."""
    receiver, body = Receiver(sms), _push(_item(_accepted(sms).id))

    async def push_many() -> list[Answer]:
        return await asyncio.gather(*(receiver.handle_async(body) for _ in range(60)))

    sms.connection.redis().execute_command("CLIENT", "PAUSE", "1500")
    with in_time(ANSWER_S):
        answers = asyncio.run(push_many())
    assert {each.status for each in answers} == {503}
    time.sleep(1.5)
    assert _final_status(receiver, body) == 200


def test_redis_is_gone_and_comes_back() -> None:
    """Without Redis a push is refused at once, as often as it comes; with Redis again it is taken."""
    with RedisServer() as server, closing(connect(broker_url=server.url)) as sms:
        job = _accepted(sms)
        receiver = Receiver(sms)
        server.kill()
        for _ in range(20):
            assert _answer_in_time(receiver, _push(_item(job.id))).status == 503
        server.start()
        again = _accepted(sms)
        assert receiver.handle(_push(_item(again.id))).status == 200


def test_a_full_redis_is_not_acknowledged(sms: Sms) -> None:
    """Where Redis refuses to write, Aliyun is told to come again."""
    job = _accepted(sms)
    client = sms.connection.redis()
    client.config_set("maxmemory", "1")
    try:
        assert Receiver(sms).handle(_push(_item(job.id))).status == 503
    finally:
        client.config_set("maxmemory", "0")
    assert _final_status(Receiver(sms), _push(_item(job.id))) == 200


def test_many_in_time(sms: Sms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pushes of 100 receipts are each answered in time, at far more than 500 receipts a second, and a whole MiB too."""
    # A machine that is busy with other tests is slow: that is allowed for where the time is compared.
    monkeypatch.setattr("smsjobs.receipts.receiver._WITHIN_S", 20)
    jobs = [_accepted(sms) for _ in range(500)]
    receiver = Receiver(sms)
    with in_time(1):
        for at in range(0, 500, 100):
            body = _push(*(_item(each.id) for each in jobs[at : at + 100]))
            assert _answer_in_time(receiver, body).status == 200
    assert receiver.counts() == {"written": 500}


_items = {
    "report": _item("somebody-elses"),
    "reply": {
        "phone_number": PHONE,
        "content": "R",
        "dest_code": "1",
        "sequence_id": "2",
        "sign_name": "示例",
    },
    "signature": {
        "sign_name": "示例",
        "sign_status": "approved",
        "reason": "",
        "orderId": "1",
        "create_date": "",
    },
    "template": {"template_code": "SMS_1", "template_status": "rejected", "reason": "", "order_id": 1},
}
_odd = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(
    ["\ud800", "R\udfff", "\x00", "9" * 4000, [], {}, ["\ud800"], {"\ud800": 1}, 10**4000, 1e308]
)  # fmt: skip


@pytest.fixture
def followed(sms: Sms) -> Receiver:
    """A receiver whose events somebody reads, and that passes on what it does not know."""
    sms.connection.ledger.announce(["SMS.Test"])
    EventStreams(sms.connection.redis()).subscribe("hook")
    hook = Hook(url="https://example.com/", secret=SECRET)
    return Receiver(sms, pass_on=Forwarder(sms, {"test": hook}).pass_on)


def _final_status(receiver: Receiver, body: bytes) -> int:
    """The answer to a push that comes again while it is 503, as from a machine that is too busy for the receiver's 0.6 s."""
    statuses = (receiver.handle(body).status for _ in range(5))
    return next((status for status in statuses if status != 503), 503)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_fuzz_of_every_kind(followed: Receiver, data: st.DataObject) -> None:
    """Whatever stands in any field of a push of any kind, it is answered with 200 where events are told and pushes passed on."""
    kind = data.draw(st.sampled_from(sorted(_items)))
    item = dict(_items[kind])
    for name in data.draw(st.lists(st.sampled_from(sorted(item)), min_size=1, max_size=3)):
        item[name] = data.draw(_odd)
    assert _final_status(followed, _push(item, _items["reply"])) == 200


@pytest.mark.parametrize("kind", sorted(_items))
@pytest.mark.parametrize("depth", [300, 900, 960, 985, 992, 996])
def test_deep_inside(followed: Receiver, kind: str, depth: int) -> None:
    """A field that goes as deep as JSON can be read, or deeper, stops nothing."""
    nested = "[" * depth + "]" * depth
    item = json.dumps(_items[kind] | {"more": "HERE", "orderId": "HERE"}).replace('"HERE"', nested)
    assert _final_status(followed, f"[{item}]".encode()) == 200


_ids = st.sampled_from(["known", "refused", "unknown", "", "x" * 65, "\ud800", "{}", "a:b"])
_words = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_fuzz(sms: Sms, data: st.DataObject) -> None:
    """Whatever is pushed, it is answered with 200, and no job that was refused looks accepted."""
    ids = getattr(sms, "_fuzzed", None)
    if ids is None:
        refused = a_job()
        sms.connection.ledger.record(refused)
        granted(sms.connection.ledger, refused)
        ended = RequestFailed("no", reason="expired", outcome="not_sent", out_id=refused.id)
        sms.connection.ledger.settle(refused.id, "token", encode_outcome(ended))
        ids = sms._fuzzed = {"known": _accepted(sms).id, "refused": refused.id, "unknown": a_job().id}
    item = st.fixed_dictionaries(
        {"out_id": _ids | _words, "phone_number": st.just(PHONE) | _words, "success": st.booleans() | _words},
        optional=dict.fromkeys(
            ("err_code", "biz_id", "sms_size", "send_time", "report_time", "content"), _words
        ),
    )
    items = data.draw(st.lists(item | _words, max_size=5))
    for each in items:
        if isinstance(each, dict) and isinstance(each["out_id"], str):
            each["out_id"] = ids.get(each["out_id"], each["out_id"])
    body = data.draw(st.binary() | st.just(json.dumps(items).encode()))
    assert _final_status(Receiver(sms), body) == 200
    assert sms.job(ids["refused"]).status() == "not_sent"
    assert sms.job(ids["known"]).status() == "accepted"


def test_never_raises(sms: Sms, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody expected is answered with 503, and its text is told to nobody."""

    def broken(*_: Any) -> None:
        raise RuntimeError(PHONE)

    monkeypatch.setattr(type(sms.connection.deliveries), "take", broken)
    assert Receiver(sms).handle(_push(_item("x"))).status == 503


def test_prepared(redis_url: str) -> None:
    """The first push after `prepare` finds its connection; without Redis it only ends in time."""
    with closing(connect(broker_url=redis_url)) as sms:
        job = _accepted(sms)
    with closing(connect(broker_url=redis_url)) as sms, connect_redis(redis_url) as client:
        receiver = Receiver(sms)
        receiver.prepare()
        before = client.info("stats")["total_connections_received"]
        assert receiver.handle(_push(_item(job.id))).status == 200
        assert client.info("stats")["total_connections_received"] == before
    with closing(connect(broker_url="redis://127.0.0.1:1/0", timeout=0.2)) as sms, in_time(ANSWER_S):
        Receiver(sms).prepare()


def test_the_check_of_the_address_needs_no_redis() -> None:
    """An empty push is answered while Redis is unreachable."""
    assert Receiver(connect(broker_url="redis://127.0.0.1:1/0")).handle(b"").status == 200

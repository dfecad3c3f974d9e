"""`sendMessage`: what is recorded, and what is published."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import redis

from smsjobs import Element, IdempotencyConflict, InvalidArguments, Sms, connect
from smsjobs.ledger import Granted, Ledger, NotDue
from smsjobs.redis_store import connect_redis
from support.redis_server import RedisServer

PHONE, CODE = "13800138000", "739201"
GOOD: dict[str, Any] = {
    "phoneList": [PHONE],
    "params": {"code": CODE},
    "verifyTemplateCode": "SMS_123456789",
    "lane": "verification",
}


def queued(url: str, lane: str = "verification") -> list[dict[str, Any]]:
    """The messages on a lane's queue, the oldest first."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return [json.loads(each) for each in reversed(client.lrange(f"sms.{lane}", 0, -1))]


def body(message: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(message["body"]))


def test_message_carries_the_id_and_nothing_else(element: Element, redis_url: str) -> None:
    """The message on the queue has the job's id as its only argument, and neither number nor parameter anywhere."""
    job = element.sendMessage(**GOOD)
    (message,) = queued(redis_url)
    args, kwargs, _ = body(message)
    assert (args, kwargs) == ([job.id], {})
    assert (message["headers"]["task"], message["headers"]["id"]) == ("smsjobs.send", job.id)
    everything = json.dumps(message) + json.dumps(body(message))
    for secret in (PHONE, CODE, "SMS_123456789", "SMS.Test"):
        assert secret not in everything


def test_producer_leaves_no_result(element: Element, redis_url: str) -> None:
    """Besides ledger and queue the producer leaves nothing in Redis, and subscribes to nothing."""
    element.sendMessage(**GOOD)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        keys = set(client.scan_iter())
        assert {key for key in keys if not key.startswith("sms:")} == {"sms.verification"}
        assert client.pubsub_channels() == []


@pytest.mark.parametrize("lane", ["verification", "notification", "bulk"])
def test_each_lane_has_its_queue(element: Element, redis_url: str, lane: str) -> None:
    """A job is published on its lane's queue and on no other."""
    job = element.sendMessage(**GOOD | {"lane": lane})
    counts = {each: len(queued(redis_url, each)) for each in ("verification", "notification", "bulk")}
    assert counts == {each: int(each == lane) for each in counts}
    assert body(queued(redis_url, lane)[0])[0] == [job.id]


@pytest.mark.parametrize(
    "bad",
    [
        {"phoneList": PHONE},
        {"phoneList": []},
        {"params": {"code": 739201}},
        {"verifyTemplateCode": ""},
        {"lane": "express"},
        {"expires": 0},
        {"countdown": -1},
        {"on_unknown": "drop"},
        {"idempotency_key": ""},
        {"eta": "2026-11-23"},
        {"eta": datetime(2026, 11, 23)},  # noqa: DTZ001  that is what is refused
        {"eta": datetime(2026, 11, 23, tzinfo=UTC), "countdown": 5},
        {"eta": datetime.max.replace(tzinfo=UTC)},
        {"eta": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))},
    ],
    ids=str,
)
def test_bad_argument_enqueues_nothing(element: Element, redis_url: str, bad: dict[str, Any]) -> None:
    """A bad argument raises at once, and neither ledger nor queue has a trace of it."""
    with pytest.raises(InvalidArguments) as refused:
        element.sendMessage(**GOOD | bad)
    assert PHONE not in str(refused.value)
    assert CODE not in str(refused.value)
    with redis.Redis.from_url(redis_url) as client:
        assert list(client.scan_iter()) == []


@pytest.mark.parametrize("name", ["", "SMS/Test", "../x", None, 5])
def test_bad_name_of_an_element(sms: Sms, name: Any) -> None:
    """An element's name that is none is refused at once."""
    with pytest.raises(InvalidArguments):
        sms.getElement(name)


@pytest.mark.parametrize("wait", [{"countdown": 60}, {"eta": datetime.now(UTC) + timedelta(hours=12)}])
def test_delayed_job_is_not_published(element: Element, redis_url: str, wait: dict[str, Any]) -> None:
    """A job with a countdown or eta is recorded and not published: its due time is in the ledger."""
    job = element.sendMessage(**GOOD | wait)
    assert queued(redis_url) == []
    assert job.status() == "queued"
    ledger = Ledger(connect_redis(redis_url))
    assert isinstance(ledger.claim(job.id, "token", lease_s=5), NotDue)


def test_eta_in_the_past_is_now(element: Element, redis_url: str) -> None:
    """An eta that is over is sent at once, whatever its time zone."""
    eta = datetime.now(timezone(timedelta(hours=8))) - timedelta(days=40)
    job = element.sendMessage(**GOOD | {"eta": eta})
    assert len(queued(redis_url)) == 1
    assert isinstance(Ledger(connect_redis(redis_url)).claim(job.id, "token", lease_s=5), Granted)


def test_countdown_below_a_millisecond_is_published(element: Element, redis_url: str) -> None:
    """A countdown that the ledger rounds to nothing does not leave the job to the sweep."""
    element.sendMessage(**GOOD | {"countdown": 0.0001})
    assert len(queued(redis_url)) == 1


def test_same_key_is_one_job_in_every_process(element: Element, redis_url: str) -> None:
    """The same key and payload gives the same job back, also to another producer, and is published once."""
    first = element.sendMessage(**GOOD, idempotency_key="login:42:1")
    other = connect(broker_url=redis_url)
    again = other.getElement("SMS.Test").sendMessage(**GOOD, idempotency_key="login:42:1")
    assert again == first
    assert len(queued(redis_url)) == 1
    with pytest.raises(IdempotencyConflict) as conflict:
        element.sendMessage(**GOOD | {"params": {"code": "000000"}}, idempotency_key="login:42:1")
    assert (conflict.value.out_id, conflict.value.code) == (first.id, 46001)
    other.close()


def test_jobs_without_key_are_different_jobs(element: Element, redis_url: str) -> None:
    """Without a key each call is a job of its own."""
    assert element.sendMessage(**GOOD) != element.sendMessage(**GOOD)
    assert len(queued(redis_url)) == 2


def test_broker_away_still_returns_the_job(redis_url: str, own_server: RedisServer, caplog: Any) -> None:
    """Where the ledger is there and the broker is not, the job is returned, for the next sweep will publish it."""
    broker_url = own_server.url
    own_server.kill()
    sms = connect(broker_url=broker_url, redis_url=redis_url, timeout=1)
    job = sms.getElement("SMS.Test").sendMessage(**GOOD)
    assert job.status() == "queued"
    assert [
        record.__dict__["action"] for record in caplog.records if record.name == "smsjobs.connection"
    ] == ["publish_failed"]
    assert PHONE not in caplog.text
    (due,) = sms.connection.ledger.sweep()
    assert (due.job_id, due.verb) == (job.id, "publish")
    sms.close()


def test_broker_that_refuses_still_returns_the_job(redis_url: str, own_server: RedisServer) -> None:
    """Whatever the broker answers, a job that is recorded is returned: here it is out of memory."""
    with own_server.client() as client:
        client.config_set("maxmemory", "1")
    sms = connect(broker_url=own_server.url, redis_url=redis_url, timeout=1)
    assert sms.getElement("SMS.Test").sendMessage(**GOOD).status() == "queued"
    sms.close()


def test_reprs_show_nothing(sms: Sms, element: Element) -> None:
    """The reprs of producer, settings, element and job show no number, no parameter and no address."""
    job = element.sendMessage(**GOOD)
    text = f"{sms!r} {sms.connection.settings!r} {element!r} {job!r}"
    for secret in (PHONE, CODE, "redis://"):
        assert secret not in text
    assert job.id in text

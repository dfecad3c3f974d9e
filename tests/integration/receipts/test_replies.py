"""Replies: who opts out is suppressed, and the job is found that a reply most likely answers."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from cryptography.fernet import Fernet

from smsjobs import Sms, connect
from smsjobs.contract import element_tag
from smsjobs.facts import Fact, ReplyTaken, subscribe
from smsjobs.receipts import Receiver
from smsjobs.redis_store import Seal
from smsjobs.replies import LastJob, LastJobs
from support.ledgers import PHONE, a_job, accepted, granted

OTHER = "13900139000"
HOUR_S = 3600


@pytest.fixture
def sms(redis_url: str) -> Iterator[Sms]:
    """A producer on an empty Redis."""
    made = connect(broker_url=redis_url)
    yield made
    made.close()


@pytest.fixture
def told() -> Iterator[list[Fact]]:
    """What is told of replies."""
    facts: list[Fact] = []
    stop = subscribe(lambda fact: facts.append(fact) if isinstance(fact, ReplyTaken) else None)
    yield facts
    stop()


def push(content: Any, phone: Any = PHONE, **more: Any) -> bytes:
    """A push of one reply, as Aliyun's page has it."""
    item = {
        "phone_number": phone,
        "content": content,
        "send_time": "2026-11-28 12:00:00",
        "dest_code": "1234",
        "sequence_id": "1234567890",
    }
    return json.dumps([item | more]).encode()


@pytest.mark.parametrize(
    ("content", "opts_out"),
    [
        ("R", True),
        ("r ", True),
        ("TD", True),
        ("t", True),
        ("N", True),
        ("TD。", True),
        ("退订", True),
        (" 拒收!", True),
        ("\n退订\u3000", True),
        ("“R”", False),
        ("Right", False),
        ("请问怎么退订", False),
        ("", False),
        ("R" * 5000, False),
    ],
)
def test_who_opts_out(sms: Sms, told: list[Fact], content: str, opts_out: bool) -> None:
    """A reply that is one of the words and nothing else, in any width and case, suppresses promotional messages."""
    answer = Receiver(sms).handle(push(content))
    assert answer.status == 200
    assert sms.suppression.has(PHONE) is opts_out
    assert not sms.suppression.has(PHONE, scope="all")
    assert [getattr(each, "opted_out", None) for each in told] == [opts_out]
    assert [each.source for each in sms.suppression.export()] == ["reply"] * opts_out


@pytest.mark.parametrize(
    ("setting", "content", "opts_out"),
    [
        ("STOP, 取消", "stop", True),
        ("STOP 取消", "取消", True),
        ("STOP", "R", False),
        ("off", "R", False),
        ("", "R", True),
    ],
)
def test_words_of_ones_own(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, setting: str, content: str, opts_out: bool
) -> None:
    """SMS_OPT_OUT_WORDS takes the place of the usual words, and "off" of all."""
    monkeypatch.setenv("SMS_OPT_OUT_WORDS", setting)
    sms = connect(broker_url=redis_url)
    Receiver(sms).handle(push(content))
    assert sms.suppression.has(PHONE) is opts_out
    sms.close()


@pytest.mark.parametrize(
    "body",
    [
        push("R", phone="86" + PHONE),
        push("R", phone=int(PHONE)),
        push("R", sequence_id=1234567890, sign_name="示例"),
        push("R", sequence_id=1.0),
        push("R", sequence_id=None, send_time="yesterday", dest_code=5),
    ],
)
def test_every_form_of_a_reply(sms: Sms, body: bytes) -> None:
    """Numbers with their country code, and fields as any of Aliyun's pages has them, or none, are read."""
    assert Receiver(sms).handle(body).status == 200
    assert sms.suppression.has(PHONE)


@pytest.mark.parametrize(
    "body",
    [
        push(5),
        push("R", phone="1381111****"),
        push("R", phone=None),
        push("R", phone=True),
        push(["R"]),
        push("R", phone=1e30),
    ],
)
def test_what_cannot_be_read(sms: Sms, told: list[Fact], body: bytes) -> None:
    """What is not a reply of a number is counted, dropped and answered 200."""
    receiver = Receiver(sms)
    assert receiver.handle(body).status == 200
    assert receiver.counts() == {"malformed": 1}
    assert not told


def test_without_redis(redis_url: str) -> None:
    """A reply that cannot be written down is not acknowledged, so that Aliyun comes again."""
    sms = connect(broker_url="redis://127.0.0.1:1/0", timeout=0.2)
    receiver = Receiver(sms)
    assert receiver.handle(push("R")).status == 503
    assert receiver.counts() == {"reply_not_taken": 1}
    sms.close()


def test_the_job_that_it_answers(sms: Sms, told: list[Fact]) -> None:
    """It is the last job to that number, on whichever element; without any, the reply has no job."""
    sms.connection.ledger.announce(["SMS.One", "SMS.Two"])
    now = [time.time() - 20]
    noted = LastJobs(sms.connection.redis(), seal=None, now=lambda: now[0])
    expected = {}
    for element, phones in (("SMS.One", [PHONE, OTHER]), ("SMS.Two", [PHONE, OTHER]), ("SMS.One", [PHONE])):
        job = a_job(element=element)
        noted.note(element_tag(element), job.id, phones)
        expected |= dict.fromkeys(phones, (job.id, element))
        now[0] += 5
    receiver = Receiver(sms)
    for phone in (PHONE, OTHER, "13700137000"):
        receiver.handle(push("好的", phone=phone))
    assert [(each.job_id, each.element) for each in told if isinstance(each, ReplyTaken)] == [
        expected[PHONE],
        expected[OTHER],
        (None, None),
    ]


def test_no_longer_than_72_hours(sms: Sms) -> None:
    """After 72 hours a reply is no answer any more, and what was noted leaves Redis by itself."""
    client, now = sms.connection.redis(), [1_800_000_000.0]
    noted = LastJobs(client, seal=None, now=lambda: now[0])
    sms.connection.ledger.announce(["SMS.One"])
    job = a_job(element="SMS.One")
    noted.note(element_tag("SMS.One"), job.id, [PHONE])
    for hours, found in ((0, True), (71, True), (73, False)):
        now[0] = 1_800_000_000 + hours * HOUR_S
        expected = {PHONE: LastJob(at_s=1_800_000_000, job_id=job.id, element="SMS.One")} if found else {}
        assert noted.find([PHONE, OTHER]) == expected
    (place,) = client.scan_iter("*:last:*")
    assert 72 * HOUR_S < client.ttl(place) <= 96 * HOUR_S
    assert not any(PHONE in text for pair in client.hgetall(place).items() for text in pair)


def test_noted_with_another_key(sms: Sms, told: list[Fact], redis_url: str) -> None:
    """A process without the key opts people out all the same, and only does not know the job."""
    client = sms.connection.redis()
    seal = Seal(Fernet.generate_key().decode())
    LastJobs(client, seal=seal).note(element_tag("SMS.One"), "a-job", [PHONE])
    assert Receiver(sms).handle(push("R")).status == 200
    assert sms.suppression.has(PHONE)
    assert [each.job_id for each in told if isinstance(each, ReplyTaken)] == [None]


@pytest.mark.parametrize(
    ("setting", "scopes"), [("off", set()), ("", set()), ("promotional", {"promotional"}), ("all", {"all"})]
)
@pytest.mark.parametrize("err_code", ["USER_REJECT", "MOBILE_IN_BLACK", "MOBILE_NOT_ON_SERVICE"])
def test_refused_by_a_carrier(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, setting: str, scopes: set[str], err_code: str
) -> None:
    """Receipts of a black list and of a refusal suppress the number, where a setting says so, and only of jobs of ours."""
    monkeypatch.setenv("SMS_SUPPRESS_REFUSED", setting)
    sms = connect(broker_url=redis_url)
    job = a_job()
    ledger = sms.connection.ledger
    ledger.record(job)
    granted(ledger, job)
    ledger.settle(job.id, "token", accepted(job))

    def report(**more: Any) -> dict[str, Any]:
        return {
            "phone_number": PHONE,
            "success": False,
            "err_code": err_code,
            "out_id": job.id,
            **more,
        }

    reports = [report(out_id="another"), report(phone_number=OTHER), report(phone_number=f"86{PHONE}")]
    assert Receiver(sms).handle(json.dumps(reports).encode()).status == 200
    expected = scopes if err_code != "MOBILE_NOT_ON_SERVICE" else set()
    assert {(each.phone, each.scope, each.source) for each in sms.suppression.export()} == {
        (PHONE, scope, "receipt") for scope in expected
    }
    sms.close()


def test_what_stays_in_redis(sms: Sms, redis_url: str) -> None:
    """Neither the number nor the text of a reply is in Redis."""
    Receiver(sms).handle(push("我的电话是13900139000"))
    Receiver(sms).handle(push("R"))
    with redis.Redis.from_url(redis_url) as client:
        everything = b"".join(client.dump(name) or b"" for name in client.scan_iter())
    assert PHONE.encode() not in everything
    assert OTHER.encode() not in everything

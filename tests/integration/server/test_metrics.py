"""The figures of the ledger, and the page of `smsjobs serve` that gives them."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import generate_latest
from redis.exceptions import NoPermissionError
from starlette.testclient import TestClient

from smsjobs import Sms, connect
from smsjobs.events import EventStreams, Item, Outbox
from smsjobs.metrics import METRICS, Guard, catalogue
from smsjobs.offers import Offers
from smsjobs.redis_store import ELEMENTS
from smsjobs.templates import Filing, Signature, Template
from smsjobs_server.app import make_app
from smsjobs_server.figures import Figures, Sample
from smsjobs_server.metrics import MetricsPage, _Collected
from support.campaigns import Bench
from support.cluster import Cluster
from support.keys import agenda, in_element
from support.ledgers import a_job, failed, granted
from support.redis_server import RedisServer
from support.scraped import Scraped
from support.served import Served

LOCAL = {"Host": "localhost"}


@pytest.fixture
def sms(redis_url: str) -> Iterator[Sms]:
    with closing(connect(broker_url=redis_url)) as sms:
        yield sms


def read(sms: Sms) -> Scraped:
    return Scraped(generate_latest(_Collected(Figures(sms).read())).decode())


def test_of_an_empty_redis(sms: Sms) -> None:
    """Where nothing was ever sent, every figure that needs no subscriber and no signature is there, and is 0."""
    found = read(sms)
    of_others = {"smsjobs_stream_waiting", "smsjobs_stream_oldest_seconds", "smsjobs_ledger_up"}
    of_others |= {"smsjobs_outbox_waiting", "smsjobs_outbox_parked"}
    of_others |= {"smsjobs_templates_not_approved", "smsjobs_signature_not_approved"}
    of_others |= {"smsjobs_signature_not_filed", "smsjobs_signature_idle_seconds"}
    assert found.names() == {each.name for each in METRICS if each.place == "ledger"} - of_others
    still = {name for name, _, value in found.samples if value}
    assert still == {"smsjobs_redis_used_bytes", "smsjobs_ledger_read_seconds"}


def test_jobs_that_wait(sms: Sms) -> None:
    """The oldest job that is due is found by its lane, at the head of the queue and in the ledger; one that waits for its time is not."""
    ledger = sms.connection.ledger
    redis = sms.connection.redis()
    old, held, later = a_job(), a_job(), a_job(countdown=3600, expires=7200)
    for each in (old, held, later):
        ledger.record(each)
    granted(ledger, held)
    seconds, _ = redis.time()
    redis.hset(in_element(f"job:{old.id}"), "due", (seconds - 90) * 1000)
    redis.zadd(agenda(), {old.id: (seconds - 40) * 1000})
    found = read(sms)
    assert found("smsjobs_ledger_open") == 3
    assert found("smsjobs_ledger_due") == 1
    assert 40 <= found("smsjobs_sweep_late_seconds") < 60
    assert 90 <= found("smsjobs_oldest_due_seconds", lane="verification") < 110
    assert found("smsjobs_oldest_due_seconds", lane="bulk") == 0
    # As one of a hundred thousand that the sweep looks at before.
    redis.zadd(agenda(), {f"nothing-{number}": 1 for number in range(300)})
    redis.zadd(agenda(), {f"nothing-{number}": 9e15 for number in range(300, 600)})
    assert found("smsjobs_queue_messages") == 0
    element = sms.getElement("SMS.Test")
    for number in range(3):
        element.sendMessage(
            phoneList=["13800138000"],
            params={},
            verifyTemplateCode="SMS_1",
            lane="bulk",
            expires=9000 + number,
        )
    (first, *_) = redis.lrange("sms.bulk", -1, -1)
    job_id = next(each for each in redis.zrange(agenda(), 0, -1) if each in first)
    redis.hset(in_element(f"job:{job_id}"), "due", (seconds - 700) * 1000)
    found = read(sms)
    assert found("smsjobs_queue_messages", lane="bulk") == 3
    assert 700 <= found("smsjobs_oldest_due_seconds", lane="bulk") < 720


def test_what_did_not_end_well(sms: Sms) -> None:
    """An unknown outcome is news for an hour; what was refused is only counted."""
    ledger, redis = sms.connection.ledger, sms.connection.redis()
    jobs = [a_job() for _ in range(3)]
    for job, end in zip(jobs, ("unknown", "unknown", "not_sent"), strict=True):
        ledger.record(job)
        granted(ledger, job)
        ledger.settle(job.id, "token", failed(job, end))
    assert (read(sms)("smsjobs_unknown"), read(sms)("smsjobs_not_well")) == (2, 3)
    redis.zadd(in_element("failed"), {jobs[0].id: (redis.time()[0] - 3700) * 1000})
    assert (read(sms)("smsjobs_unknown"), read(sms)("smsjobs_not_well")) == (1, 3)


def test_campaigns(sms: Sms) -> None:
    """Open campaigns are counted by state, and their recipients by outcome, without a campaign's name."""
    bench = Bench(sms.connection.redis())
    campaign = bench.start(2500, name="a_secret_name")
    found = read(sms)
    assert found("smsjobs_campaigns", state="running") == 1
    assert found("smsjobs_campaign_recipients", state="left") == 2500
    campaign.pause()
    found = read(sms)
    assert (found("smsjobs_campaigns", state="running"), found("smsjobs_campaigns", state="paused")) == (0, 1)
    assert "secret" not in found.text


def test_who_is_told(sms: Sms) -> None:
    """A subscriber that reads nothing has a backlog with an age; what was parked is counted; a lane is served for 90 seconds."""
    redis = sms.connection.redis()
    job, ledger = a_job(), sms.connection.ledger
    ledger.announce([job.element])
    EventStreams(redis).subscribe("webhook")
    ledger.record(job)
    granted(ledger, job)
    ledger.settle(job.id, "token", failed(job))
    Outbox(redis, "events:webhook").put(Item(id="a", body="{}", what="x", since_s=time.time()))
    Offers(redis).tell(["SMS.Test"], ["bulk"])
    found = read(sms)
    assert found("smsjobs_stream_waiting", subscriber="webhook") == 1
    assert 0 <= found("smsjobs_stream_oldest_seconds", subscriber="webhook") < 20
    assert found("smsjobs_outbox_waiting", to="events:webhook") == 1
    assert found("smsjobs_lane_served", lane="bulk") == found("smsjobs_lane_served") == 1


def a_template(code: str = "SMS_1", state: str = "approved", **more: Any) -> Template:
    return Template(code=code, state=state, learned_at=datetime.now(UTC), **more)


def test_templates_and_signatures(sms: Sms) -> None:
    """What is not approved, not filed and not used is told by element and carrier, and no code and no signature's name is in it."""
    store = sms.connection.templates
    sms.connection.ledger.announce(["SMS.Main", "SMS.Spare", "SMS.Unknown"])
    states = {"mobile": "filed", "unicom": "not_filed", "telecom": "under_way"}
    filing = tuple(Filing(carrier=carrier, state=state) for carrier, state in states.items())
    signature = Signature(name="示例公司", state="approved", filing=filing)
    for code, state in (
        ("SMS_1", "refused"),
        ("SMS_2", "refused"),
        ("SMS_3", "approved"),
        ("SMS_1", "approved"),
    ):
        store.ask("SMS.Main", code, lane="bulk")
        store.learn("SMS.Main", a_template(code, state, signature=signature))
    store.learn("SMS.Spare", a_template(state="unknown", signature=Signature(name="示例", state="refused")))
    store.note_signature("SMS.Spare", "示例", sends=False)
    [sends] = sms.connection.redis().scan_iter("*:templates:sends")
    sms.connection.redis().hincrby(sends, "示例", -86_400_000)
    found = read(sms)
    told = {
        (name, labels["element"], labels.get("carrier", "")): value
        for name, labels, value in found.samples
        if name.startswith(("smsjobs_templates", "smsjobs_signature"))
    }
    idle_s = told.pop(("smsjobs_signature_idle_seconds", "SMS.Spare", ""))
    assert 86_400 <= idle_s < 86_500
    assert told == {
        ("smsjobs_templates_not_approved", "SMS.Main", ""): 1,
        ("smsjobs_templates_not_approved", "SMS.Spare", ""): 0,
        ("smsjobs_signature_not_approved", "SMS.Main", ""): 0,
        ("smsjobs_signature_not_approved", "SMS.Spare", ""): 1,
        ("smsjobs_signature_not_filed", "SMS.Main", "mobile"): 0,
        ("smsjobs_signature_not_filed", "SMS.Main", "unicom"): 1,
        ("smsjobs_signature_not_filed", "SMS.Main", "telecom"): 0,
    }
    assert "SMS_" not in found.text
    assert "示例" not in found.text


def test_idle_time_of_the_signature_it_has(sms: Sms) -> None:
    """After a change back to an older signature it is that one's idle time that is told, and where nobody tells which it has, the least."""
    store, redis = sms.connection.templates, sms.connection.redis()
    sms.connection.ledger.announce(["SMS.Test"])
    sends = in_element("templates:sends")

    def idle_days() -> float:
        return read(sms)("smsjobs_signature_idle_seconds", element="SMS.Test") / 86_400

    for days, sign in ((200, "旧"), (3, "新")):
        store.note_signature("SMS.Test", sign, sends=False)
        store.note_signature("SMS.Test", sign, sends=True)
        redis.hincrby(sends, sign, -days * 86_400_000)
    assert 3 <= idle_days() < 3.1
    store.note_signature("SMS.Test", "旧", sends=False)
    assert 200 <= idle_days() < 200.1
    for damage in (b"\xff", "another"):
        redis.hset(sends, "", damage)
        assert 3 <= idle_days() < 3.1
    redis.hdel(sends, "")
    assert 3 <= idle_days() < 3.1


def test_only_what_is_used_counts(sms: Sms) -> None:
    """A template that is not approved counts for a day from its last use, and one that was only asked about never does."""
    store, redis = sms.connection.templates, sms.connection.redis()
    sms.connection.ledger.announce(["SMS.Test"])
    store.note_signature("SMS.Test", "示例", sends=True)

    def counted() -> float:
        store.learn("SMS.Test", a_template(state="in_review"))
        return read(sms)("smsjobs_templates_not_approved", element="SMS.Test")

    store.ask("SMS.Test", "SMS_1")
    assert counted() == 0
    store.ask("SMS.Test", "SMS_1", lane="bulk")
    assert counted() == 1
    # Time goes by, and it is learned again and again.
    redis.zadd(in_element("templates:lanes"), {"bulk SMS_1": time.time() * 1000 - 86_390_000})
    assert counted() == 1
    redis.zadd(in_element("templates:lanes"), {"bulk SMS_1": time.time() * 1000 - 86_410_000})
    assert counted() == 0


@pytest.mark.parametrize("states", [("refused", "approved"), ("approved", "refused")])
def test_elements_that_may_not_be_named(sms: Sms, states: tuple[str, str]) -> None:
    """Elements whose names could be somebody's are told as one, by the worst of them."""
    names = ["SMS.A13800138000", "SMS.A13800138001"]
    sms.connection.ledger.announce(names)
    for name, state in zip(names, states, strict=True):
        sms.connection.templates.ask(name, "SMS_1", lane="bulk")
        sms.connection.templates.learn(name, a_template(state=state))
        sms.connection.templates.note_signature(name, "示例", sends=True)
    found = read(sms)
    named = [(labels, value) for name, labels, value in found.samples if name.endswith("s_not_approved")]
    assert named == [({"element": "other"}, 1)]
    assert "13800138" not in found.text


def test_damaged_keys(sms: Sms) -> None:
    """Whatever is in Redis in place of our keys, figures are given, and what is damaged counts as not there."""
    redis = sms.connection.redis()
    ledger = sms.connection.ledger
    jobs = [a_job(), a_job()]
    for each in jobs:
        ledger.record(each)
    redis.hset(in_element(f"job:{jobs[0].id}"), mapping={"due": b"\xff", "lane": b"\xff", "state": "queued"})
    redis.delete(in_element(f"job:{jobs[1].id}"))
    redis.set(in_element(f"job:{jobs[1].id}"), "no hash")
    sms.connection.templates.learn("SMS.Test", a_template(signature=Signature(name="示例", state="refused")))
    sms.connection.templates.note_signature("SMS.Test", "示例", sends=True)
    assert read(sms)("smsjobs_signature_not_approved", element="SMS.Test") == 1
    for name in ("failed", "pulls:codes", "aside", "campaigns:open"):
        redis.set(in_element(name), "no such key")
    for name in ("templates:unapproved", "templates:sends"):
        redis.set(in_element(name), "no such key")
    for damage in (
        '{"state"',
        "[]",
        b"\xff",
        '{"name": "x", "state": "refused", "reason": "", "filing": [3]}',
    ):
        redis.set(in_element("templates:signature"), damage)
        assert "smsjobs_signature_not_approved" not in read(sms).names()
    redis.delete(in_element("templates:signature"))
    redis.lpush(in_element("templates:signature"), "x")
    redis.lpush("sms.bulk", "[" * 50_000, '{"headers": 7}', '{"headers": {"id": "../x"}}', b"\xff")
    redis.hset(ELEMENTS, b"\xff", "x")
    found = read(sms)
    assert found("smsjobs_ledger_open") == 2
    assert found("smsjobs_queue_messages", lane="bulk") == 4
    redis.delete("sms.bulk")
    redis.lpush("sms.bulk", "[" * 15_000)
    redis.set("sms.verification", "no list")
    assert read(sms)("smsjobs_queue_messages", lane="bulk") == 1


def test_few_reads(sms: Sms) -> None:
    """However many ask at the same time, the ledger is read once, and again only five seconds later."""
    reads: list[float] = []
    now = [100.0]

    def slow() -> list[Sample]:
        reads.append(now[0])
        time.sleep(0.2)
        return [(catalogue.LEDGER_OPEN, (), len(reads))]

    page = MetricsPage(slow, Guard(host="127.0.0.1"), clock=lambda: now[0])

    async def ask(many: int) -> list[Any]:
        return await asyncio.gather(*(page.samples() for _ in range(many)))

    async def all_() -> None:
        for answer in await ask(50):
            assert answer == [(catalogue.LEDGER_UP, (), 1), (catalogue.LEDGER_OPEN, (), 1)]
        now[0] += 4.9
        await ask(3)
        assert len(reads) == 1
        now[0] += 0.1
        assert (await ask(3))[0][1][2] == 2

    asyncio.run(all_())
    assert len(reads) == 2


def test_who_may_read(sms: Sms) -> None:
    """The page is there for this machine; through a proxy nothing is there; with a token, it is asked for."""
    for token, headers, status in (
        (None, LOCAL, 200),
        (None, {"Host": "sms.example.com"}, 404),
        (None, LOCAL | {"X-Forwarded-For": "192.0.2.1"}, 404),
        ("a-token-of-the-tests", LOCAL, 401),
        ("a-token-of-the-tests", {"Authorization": "Bearer a-token-of-the-tests"}, 200),
    ):
        page = MetricsPage(Figures(sms).read, Guard(host="127.0.0.1", token=token))
        app = TestClient(make_app(sms, secret=None, metrics=page))
        assert app.get("/metrics", headers=headers).status_code == status
        assert app.post("/metrics", headers=headers).status_code == 404
    assert TestClient(make_app(sms, secret=None)).get("/metrics", headers=LOCAL).status_code == 404


def test_without_redis() -> None:
    """While Redis is stopped, the page says so within the time that Prometheus waits, and says nothing that is old."""
    with RedisServer() as server:
        served = Served(server.url, None, SMS_METRICS_TOKEN="a-token-of-the-tests")
        headers = {"Authorization": "Bearer a-token-of-the-tests"}
        try:
            assert served.told["metrics"] == "token"
            assert served.ask("GET", "/metrics")[0] == 401
            assert Scraped(served.ask("GET", "/metrics", **headers)[1].decode())("smsjobs_ledger_up") == 1
            server.kill()
            time.sleep(5)  # what was read is given for so long
            status, body = served.ask("GET", "/metrics", **headers)
            found = Scraped(body.decode())
            assert (status, found("smsjobs_ledger_up")) == (200, 0)
            assert "smsjobs_ledger_open" not in found.names()
        finally:
            _, log = served.end()
        assert "a-token" not in log


def test_refused(sms: Sms) -> None:
    """A user of Redis that may not read the ledger gives no figures, rather than zeros."""
    redis = sms.connection.redis()
    sms.connection.ledger.record(a_job())
    redis.execute_command("ACL", "SETUSER", "default", "-zcard")
    try:
        with pytest.raises(NoPermissionError):
            Figures(sms).read()
    finally:
        redis.execute_command("ACL", "SETUSER", "default", "+@all")


def test_of_a_cluster() -> None:
    """The elements of a Cluster's three nodes are counted together, beside a broker of its own."""
    with (
        Cluster() as cluster,
        RedisServer() as broker,
        closing(connect(broker_url=broker.url, redis_url=cluster.url)) as sms,
    ):
        for element in cluster.elements():
            sms.connection.ledger.record(a_job(element=f"SMS.{element}"))
        found = read(sms)
        assert found("smsjobs_ledger_open") == 3
        assert found("smsjobs_redis_used_bytes") > 0

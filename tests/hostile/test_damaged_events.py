"""What is damaged of events, outboxes, replies, carriers' codes and the list of what failed stops nothing else."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smsjobs import Sms, connect
from smsjobs.contract import Reply, event_id
from smsjobs.events import Hook, Item, Outbox
from smsjobs.ledger import Aside
from smsjobs.receipts import Receiver
from smsjobs.redis_store import ELEMENTS, NO_ELEMENT, connect_redis, key
from smsjobs_worker.following.events import Webhook
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.doctor.operation import running
from support.damage import WRONG_TYPES, replace_by
from support.events import TAG, EventBench
from support.hook_server import SECRET, HookServer
from support.ledgers import a_job
from support.receipts import a_report

BOX = key(NO_ELEMENT, "events:webhook")


@pytest.fixture
def bench(redis_url: str) -> Iterator[EventBench]:
    """A ledger whose events nobody has read."""
    with connect_redis(redis_url) as client:
        yield EventBench(client)


@pytest.fixture
def sms(redis_url: str) -> Iterator[Sms]:
    """A producer on the same Redis."""
    sms = connect(broker_url=redis_url)
    yield sms
    sms.close()


@pytest.fixture(scope="module")
def hook() -> Iterator[HookServer]:
    """The application's HTTP server."""
    with HookServer() as server:
        yield server


def webhook(bench: EventBench, hook: HookServer) -> Webhook:
    """A worker's part. It has told of nothing yet."""
    hook.events.clear()
    bench.ledger.announce(["SMS.Test"])
    found = Webhook(bench.streams, Hook(url=hook.url, secret=SECRET, within_s=2))
    found.subscribe()
    return found


def told(hook: HookServer) -> set[str]:
    """The jobs of which the application was told."""
    return {each["data"]["job_id"] for each in hook.events if "job_id" in each["data"]}


def items(bench: EventBench) -> list[str]:
    """What is set aside."""
    return [each.id for each in Aside(bench.redis, keep_s=3600).items()]


def doubts(redis_url: str) -> list[str]:
    """What `smsjobs doctor` says of what is set aside."""
    settings = WorkerSettings.read({"SMS_BROKER_URL": redis_url})
    return [each.text for each in running(settings) if each.subject == "set aside" and each.verdict == "bad"]


def test_an_entry_that_is_no_text(bench: EventBench, redis_url: str) -> None:
    """Bytes in a stream are unreadable for whoever gets them, at first and again, and hide neither an event nor a backlog."""
    bench.subscribe()
    bench.redis.xadd(key(TAG, "events"), {b"\xff": b"\xff"})
    job = bench.settled()
    for consumer in ("one", "two"):
        found = bench.streams.take("hook", consumer, tags=bench.streams.tags(), most=10, again_after_s=0)
        assert [each.fields.get("job") for each in found] == [None, job.id]
    assert sum(each.waiting for each in bench.streams.backlogs()) == 2
    assert doubts(redis_url) == []


@pytest.mark.parametrize("kind", [each for each in WRONG_TYPES if each != "stream"])
def test_a_stream_of_a_wrong_type(bench: EventBench, hook: HookServer, kind: str) -> None:
    """A stream that is none is set aside, and the next events are told."""
    worker = webhook(bench, hook)
    replace_by(kind)(bench.redis, key(TAG, "events"))
    for _ in range(2):
        worker.run_once()
    job = bench.settled()
    worker.run_once()
    assert told(hook) == {job.id}
    assert items(bench) == [f"{TAG}:key:events"]


def test_doctor_sets_a_stream_aside(bench: EventBench, redis_url: str) -> None:
    """Where nobody follows, `doctor` finds the stream that is none, and a reply does."""
    bench.ledger.announce(["SMS.Test"])
    for look in (lambda: doubts(redis_url), lambda: bench.streams.tell_reply(_reply())):
        for tag in (TAG, NO_ELEMENT):
            replace_by("string")(bench.redis, key(tag, "events"))
        look()
        assert f"{NO_ELEMENT}:key:events" in items(bench)
        Aside(bench.redis, keep_s=3600).drop(f"{NO_ELEMENT}:key:events")


def _reply() -> Reply:
    return Reply(
        phone="13800138000", content="hello", sent_at=None, sign_name="", dest_code="", sequence_id="1"
    )


def _item(**fields: Any) -> Callable[[str], str | bytes]:
    def text(item_id: str) -> str:
        whole = {
            "id": item_id,
            "body": "{}",
            "what": "x",
            "since_s": 1_700_000_000.0,
            "tries": 0,
            "error": "",
        }
        return json.dumps(whole | fields)

    return text


ITEMS: dict[str, Callable[[str], str | bytes]] = {
    "bytes": lambda _: b"\xff",
    "no JSON": lambda _: "{",
    "nested": lambda _: "[" * 100_000,
    "a list": lambda _: "[]",
    "of a newer version": _item(new=1),
    "a body that is no text": _item(body=5),
    "a time without an end": _item(since_s=float("inf")),
    "a time that is text": _item(since_s="soon"),
    "tries that are text": _item(tries="many"),
    "tries without a bound": _item(tries=10**400),
    "of another id": _item(id="evt_other"),
}


@pytest.mark.parametrize("text", ITEMS.values(), ids=ITEMS)
@pytest.mark.parametrize("item_id", ["evt_bad", b"\xff\xfe"], ids=["id", "bytes as id"])
def test_an_item_of_an_outbox(
    bench: EventBench, hook: HookServer, text: Callable[[str], str | bytes], item_id: Any
) -> None:
    """Whatever is wrong with what waits for its next try, the next one is handed over; it is set aside, and can be put back."""
    worker = webhook(bench, hook)
    box = Outbox(bench.redis, "events:webhook")
    bench.redis.hset(BOX, item_id, text("evt_bad"))
    bench.redis.zadd(f"{BOX}:due", {item_id: 1})
    good = Item(
        id=event_id("good"), body='{"type": "x", "data": {"job_id": "good"}}', what="x", since_s=1.7e9
    )
    box.put(good)
    job = bench.settled()
    worker.run_once()
    assert told(hook) == {"good", job.id}
    (item,) = items(bench)
    assert item.startswith(f"{NO_ELEMENT}:outbox:events:webhook:")
    assert box.waiting() == 0
    aside = Aside(bench.redis, keep_s=3600)
    assert aside.put_back(item) is None
    assert bench.redis.zcard(f"{BOX}:due") == 1
    worker.run_once()
    assert items(bench) == [item]
    aside.drop(item)
    assert items(bench) == []


@pytest.mark.parametrize("kind", WRONG_TYPES)
@pytest.mark.parametrize("name", [BOX, f"{BOX}:due", key(NO_ELEMENT, "outboxes")])
def test_keys_of_an_outbox(bench: EventBench, hook: HookServer, redis_url: str, name: str, kind: str) -> None:
    """A key of a wrong type gets another name; what was in the outbox is tried now, and what comes is put in."""
    worker, box = webhook(bench, hook), Outbox(bench.redis, "events:webhook")
    good = Item(
        id=event_id("good"), body='{"type": "x", "data": {"job_id": "good"}}', what="x", since_s=1.7e9
    )
    box.put(good, delay_s=3600 if name.endswith("due") else 0)
    replace_by(kind)(bench.redis, name)
    right = bench.redis.type(name) == {"outboxes": "set", "due": "zset"}.get(name.rpartition(":")[2])
    job = bench.settled()
    worker.run_once()
    assert job.id in told(hook)
    box.put(good)
    worker.run_once()
    assert "good" in told(hook)
    assert Outbox.all(bench.redis) or right
    assert right or items(bench) == [f"{NO_ELEMENT}:key:{name.removeprefix(key(NO_ELEMENT) + ':')}"]


def test_an_outbox_of_an_impossible_name(bench: EventBench) -> None:
    """Bytes among the names of outboxes hide no other one."""
    Outbox(bench.redis, "events:webhook").put(Item(id="evt_1", body="{}", what="x", since_s=1.7e9))
    bench.redis.sadd(key(NO_ELEMENT, "outboxes"), b"\xff", b"a b")
    assert [each.name for each in Outbox.all(bench.redis)] == ["events:webhook"]


def test_replies_beside_damage(sms: Sms, bench: EventBench) -> None:
    """Bytes among the elements, and a day of a wrong type, keep no reply from being taken."""
    bench.ledger.announce(["SMS.Test"])
    sms.connection.noted_jobs.note(TAG, bench.settled().id, ["13800138000"])
    pushed = json.dumps([{"phone_number": "13800138000", "content": "hi", "sequence_id": 1}]).encode()
    damages: list[Callable[[], object]] = [
        lambda: bench.redis.hset(ELEMENTS, b"\xff", b"\xff"),
        lambda: [
            bench.redis.hset(each, field, b"\xff")
            for each in _days(bench)
            for field in bench.redis.hkeys(each)
        ],
        lambda: [replace_by("list")(bench.redis, each) for each in _days(bench)],
    ]
    for damage in damages:
        damage()
        assert Receiver(sms).handle(pushed).status == 200


def _days(bench: EventBench) -> list[str]:
    return list(bench.redis.scan_iter("sms:*:last:*"))


def test_an_element_that_is_no_text(sms: Sms, bench: EventBench) -> None:
    """Bytes in place of an element's name keep nobody from sending by it."""
    bench.redis.hset(ELEMENTS, TAG, b"\xff")
    sms.connection.ledger.record(a_job())
    assert TAG in sms.connection.ledger._places.tags()


def test_codes_that_are_no_text(bench: EventBench) -> None:
    """A damaged number of a carrier's code stands in no record: the deliveries can be read, and have another code's number never."""
    codes = key(TAG, "err_codes")
    good, bad, new = (bench.settled() for _ in range(3))
    bench.deliveries.take([a_report(good.id, err_code="EXPIRED")])
    bench.redis.hset(codes, mapping={"BAD": b"\xff", "LONG": "zzz", b"\xff": "x"})
    taken = bench.deliveries.take([a_report(bad.id, err_code="BAD"), a_report(new.id, err_code="LONG")])
    assert taken.counts == {"written": 2}
    assert [bench.deliveries.delivery(each.id).err_code for each in (good, bad, new)] == [
        "EXPIRED",
        "OTHER",
        "OTHER",
    ]
    assert items(bench) == []


@pytest.mark.parametrize("value", ["-1e300", "1e300", "nan", "inf", "x", b"\xff"])
def test_the_list_of_what_failed(sms: Sms, bench: EventBench, value: Any) -> None:
    """Bytes on the list, and a job whose times are no times, hide no other job."""
    ledger, found = sms.connection.ledger, []
    for _ in range(2):
        job = a_job()
        ledger.record(job)
        assert sms.job(job.id).cancel()
        found.append(job.id)
    bench.redis.zadd(key(TAG, "failed"), {b"\xff": 4e12, b"a b": 4e12})
    bench.redis.hset(key(TAG, "job", found[0]), "created", value)
    assert found[1] in [each.id for each in sms.jobs()]

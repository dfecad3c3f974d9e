"""What a worker does with events: which it hands over, which it keeps, and which it gives up."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cryptography.fernet import Fernet
from kombu.exceptions import OperationalError

from smsjobs.contract import TemplateReview
from smsjobs.events import EventStreams, Hook, Outbox
from smsjobs.redis_store import NO_ELEMENT, Seal, connect_redis, key
from smsjobs_worker.following import events as following
from smsjobs_worker.following.events import EventTask, Webhook
from smsjobs_worker.process.app import create_app
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.doctor import examine
from support.events import TAG, EventBench
from support.hook_server import SECRET, HookServer
from support.nursery import smsjobs
from support.polling import until


@pytest.fixture
def bench(redis_url: str) -> Iterator[EventBench]:
    """A ledger whose events nobody has read."""
    with connect_redis(redis_url) as client:
        yield EventBench(client)


class Application:
    """A broker that writes down what is handed over, or is unreachable."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.reachable = True
        self.full = False

    def hand_over(self, task: str, queue: str, events: Any) -> bool:
        """Write them down."""
        assert (task, queue) == ("shop.told", "shop")
        if not self.reachable:
            raise OperationalError
        if self.full:
            return False
        self.events += [event for _, event in events]
        return True


def task(bench: EventBench, application: Application) -> EventTask:
    """A worker's part; its elements were announced."""
    bench.ledger.announce(["SMS.Test"])
    found = EventTask(EventStreams(bench.redis), application, task="shop.told", queue="shop")
    found.subscribe()
    return found


def webhook(bench: EventBench, server: HookServer, *, secret: str = SECRET) -> Webhook:
    """Likewise."""
    bench.ledger.announce(["SMS.Test"])
    found = Webhook(EventStreams(bench.redis), Hook(url=server.url, secret=secret, within_s=0.5))
    found.subscribe()
    return found


def test_a_task_is_told_in_order(bench: EventBench) -> None:
    """One worker hands events to the task in the order in which they happened, and what it has handed over leaves Redis."""
    application = Application()
    worker = task(bench, application)
    jobs = [bench.settled().id for _ in range(250)]
    worker.run_once()
    assert [each["data"]["job_id"] for each in application.events] == jobs
    assert bench.redis.xlen(key(TAG, "events")) == 0


def test_an_unreachable_broker(bench: EventBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be published is read again, by whichever worker, and nothing is lost."""
    monkeypatch.setattr(following, "_AGAIN_S", 0.05)
    application = Application()
    worker, other = task(bench, application), task(bench, application)
    jobs = {bench.settled().id for _ in range(150)}
    application.reachable = False
    with pytest.raises(OperationalError):
        worker.run_once()
    application.reachable = True
    time.sleep(0.1)
    other.run_once()
    assert {each["data"]["job_id"] for each in application.events} == jobs


def test_a_full_queue(bench: EventBench, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the application does not read its queue, the events wait in their stream, which is bounded, and come later."""
    monkeypatch.setattr(following, "_AGAIN_S", 0.05)
    monkeypatch.setattr("smsjobs_worker.process.broker._MOST_WAITING", 3)
    broker = create_app(WorkerSettings.read({"SMS_BROKER_URL": redis_url})).runtime.broker
    events = [(f"evt_{number}", {"id": number}) for number in range(3)]
    assert broker.hand_over("shop.told", "shop", events)
    assert not broker.hand_over("shop.told", "shop", events)
    assert bench.redis.llen("shop") == 3
    application = Application()
    worker = task(bench, application)
    job = bench.settled()
    application.full = True
    worker.run_once()
    application.full = False
    time.sleep(0.1)
    worker.run_once()
    assert [each["data"]["job_id"] for each in application.events] == [job.id]


def test_one_bad_event_stops_no_other(bench: EventBench) -> None:
    """What the address refuses waits in the outbox; everything else is handed over at once."""
    with HookServer() as server:
        worker = webhook(bench, server)
        jobs = [bench.settled().id for _ in range(20)]
        server.fault = lambda event: 500 if event["data"]["job_id"] == jobs[3] else "ok"
        worker.run_once()
        assert sorted(each["data"]["job_id"] for each in server.events) == sorted({*jobs} - {jobs[3]})
        assert Outbox(bench.redis, "events:webhook").waiting() == 1
        assert bench.redis.xlen(key(TAG, "events")) == 0


@pytest.mark.parametrize("fault", ["hang", "trickle", 503])
def test_a_dead_address(bench: EventBench, fault: str | int) -> None:
    """An address that takes nothing gets few tries, the events wait in their stream, and they come when it answers again."""
    with HookServer() as server:
        worker = webhook(bench, server)
        server.fault = lambda _: fault
        jobs = {bench.settled().id for _ in range(100)}
        for _ in range(10):
            worker.run_once()
        assert len(server.ids) <= 20
        assert bench.redis.xlen(key(TAG, "events")) >= 80
        server.fault = lambda _: "ok"

        def told() -> bool:
            worker.run_once()
            return {each["data"]["job_id"] for each in server.events} == jobs

        until(told, "every job was told", timeout=20)


def test_a_wrong_secret(bench: EventBench) -> None:
    """Where the application has another secret, it takes nothing and everything is kept."""
    with HookServer() as server:
        worker = webhook(bench, server, secret="whsec_" + "A" * 32)
        for _ in range(5):
            bench.settled()
        worker.run_once()
        assert (server.forged, server.events) == (5, [])
        box = Outbox(bench.redis, "events:webhook")
        assert box.waiting() + bench.redis.xlen(key(TAG, "events")) == 5


def test_too_many_that_wait(bench: EventBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox is bounded: from so many on that wait for their next try, the others stay in their stream."""
    monkeypatch.setattr(following, "_MOST_WAITING", 20)
    with HookServer() as server:
        worker = webhook(bench, server)
        # Each second one is refused, so the address does not count as down.
        server.fault = lambda event: 500 if int(event["data"]["job_id"][-1]) % 2 else "ok"
        for _ in range(200):
            bench.settled()
        for _ in range(5):
            worker.run_once()
        assert 20 <= Outbox(bench.redis, "events:webhook").waiting() < 20 + 16


def test_what_nobody_can_read(bench: EventBench) -> None:
    """A damaged entry is dropped, a sealed one is left to a worker with the key, and both are told."""
    application = Application()
    worker = task(bench, application)
    sealed = EventStreams(bench.redis, seal=Seal(Fernet.generate_key().decode()))
    review = TemplateReview(template="SMS_1", status="approved", reason=None, order_id=None)
    bench.redis.xadd(key(TAG, "events"), {"type": "job.settled"})
    sealed.tell(review, "1")
    job = bench.settled()
    worker.run_once()
    assert [each["data"]["job_id"] for each in application.events] == [job.id]
    assert bench.redis.xpending(key(TAG, "events"), "task")["pending"] == 0
    assert bench.redis.xpending(key(NO_ELEMENT, "events"), "task")["pending"] == 1


def findings(url: str) -> list[tuple[str, str]]:
    settings = WorkerSettings.read({"SMS_BROKER_URL": url, "SMS_APP": "/nowhere"})
    return [(each.verdict, each.text) for each in examine(settings) if each.subject == "events"]


def shell(url: str, *words: str) -> tuple[int, Any]:
    done = smsjobs("events", *words, "--json", env={"SMS_BROKER_URL": url})
    return done.returncode, json.loads(done.stdout)


def test_a_subscriber_that_is_gone(
    bench: EventBench, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`doctor` and `smsjobs events` say who does not read, and a subscription can be ended."""
    task(bench, Application())
    bench.settled()
    assert findings(redis_url) == [("good", "the subscriber task is told of events")]
    monkeypatch.setattr("smsjobs_worker.watching.doctor.operation._EVENT_S", -1)
    ((verdict, text),) = findings(redis_url)
    assert (verdict, text[:40]) == ("doubtful", "1 events wait for the subscriber task, t")
    status, listed = shell(redis_url, "list")
    assert (status, listed["subscribers"][0]["name"], listed["subscribers"][0]["waiting"]) == (0, "task", 1)
    assert shell(redis_url, "unsubscribe", "task")[0] == 0
    assert shell(redis_url, "unsubscribe", "task")[0] == 1
    assert not list(bench.redis.scan_iter("*:events"))


def test_what_is_parked(bench: EventBench, redis_url: str) -> None:
    """After a day in vain an event is parked: it is listed, replayed on demand, or dropped."""
    with HookServer() as server:
        worker = webhook(bench, server)
        for name in ("1", "2"):
            item = following._item({"id": f"evt_{name}", "type": "job.settled"})
            object.__setattr__(item, "since_s", time.time() - 25 * 3600)
            Outbox(bench.redis, "events:webhook").tried(item, "status 500", now_s=time.time(), new=True)
        assert [verdict for verdict, _ in findings(redis_url)] == ["good", "doubtful"]
        _, listed = shell(redis_url, "list")
        assert [(each["id"], each["error"]) for each in listed["parked"]] == [
            ("evt_1", "status 500"),
            ("evt_2", "status 500"),
        ]
        worker.run_once()
        assert server.ids == []
        assert shell(redis_url, "replay")[0] == 2
        assert shell(redis_url, "replay", "evt_3")[0] == 1
        assert shell(redis_url, "replay", "evt_1") == (0, {"replayed": 1})
        worker.run_once()
        assert server.ids == ["evt_1"]
        assert shell(redis_url, "drop", "--all") == (0, {"dropped": 1})
        assert shell(redis_url, "drop", "--all")[0] == 1

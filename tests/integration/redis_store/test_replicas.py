"""Acknowledged replication: a step on which a promise rests counts only when the replicas have it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from smsjobs import QueueUnavailable, connect
from smsjobs.campaign import CampaignStore, Order, start
from smsjobs.delivery import DeliveryStore
from smsjobs.ledger import Granted, Ledger
from smsjobs.redis_store import Scripts, connect_redis, is_transient, script_loader
from smsjobs.redis_store.replicas import NotReplicated
from support.ledgers import a_job
from support.polling import in_time, until
from support.receipts import a_report
from support.redis_server import RedisServer

TOKEN = "a token"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A master and its replica."""

    master: RedisServer
    replica: RedisServer


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A master and a replica that follows it."""
    with RedisServer() as master, RedisServer(replica_of=master) as replica, master.client() as client:
        deadline = time.monotonic() + 20
        while client.wait(1, 100) < 1:
            assert time.monotonic() < deadline, "the replica does not follow"
        yield Pair(master=master, replica=replica)


@pytest.fixture
def frozen(pair: Pair) -> Iterator[Pair]:
    """The same, with a replica that is connected and hears nothing."""
    pair.replica.pause()
    yield pair
    pair.replica.resume()


def client_of(pair: Pair) -> "redis.Redis":
    """A client whose steps need the replica."""
    return connect_redis(pair.master.url, timeout_s=0.5, replicas=1)


def test_a_replica_has_each_step(pair: Pair) -> None:
    """What is recorded and claimed stands in the replica when the call returns."""
    ledger, job = Ledger(client_of(pair)), a_job(id="a-plain-clients-id")
    ledger.record(job)
    with pair.replica.client() as replica:
        known = Ledger(replica)
        found = known.read(job.id)
        assert found is not None
        assert found.status == "queued"
        assert isinstance(ledger.claim(job.id, TOKEN, lease_s=30), Granted)
        found = known.read(job.id)
        assert found is not None
        assert found.status == "sending"


def test_a_claim_without_replica_sends_nothing(frozen: Pair) -> None:
    """A claim that no replica has is no claim, also when it is repeated; when the replica is back it is granted."""
    client = client_of(frozen)
    ledger, job = Ledger(client), a_job()
    with frozen.master.client() as other:
        Ledger(other).record(job)
    for _ in range(3):
        before = client.client_id()
        with pytest.raises(NotReplicated) as short:
            ledger.claim(job.id, TOKEN, lease_s=30)
        assert is_transient(short.value)
        assert client.client_id() != before  # so that it asks anew which server is the master
    frozen.replica.resume()
    assert isinstance(ledger.claim(job.id, TOKEN, lease_s=30), Granted)


def test_a_record_without_replica_is_unknown(frozen: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that no replica has raises in time with the outcome unknown, and its key makes repeating safe."""
    monkeypatch.setenv("SMS_REPLICAS", "1")
    element = connect(broker_url=frozen.master.url, timeout=1).getElement("SMS.Test")
    message: dict[str, Any] = {
        "phoneList": ["13800138000"],
        "params": {"code": "1"},
        "verifyTemplateCode": "SMS_1",
        "idempotency_key": "login:1",
    }
    with in_time(3), pytest.raises(QueueUnavailable, match="too few replicas") as unknown:
        element.sendMessage(**message)
    assert unknown.value.outcome == "unknown"
    frozen.replica.resume()
    assert element.sendMessage(**message).id == element.sendMessage(**message).id


def test_a_plan_without_replica(frozen: Pair) -> None:
    """A campaign that no replica has is not started."""
    store = CampaignStore(client_of(frozen), timeout_s=0.5, keep_s=3600)
    order = Order.read(["13800138000"], "SMS_1", {"code": "1"})
    with pytest.raises(QueueUnavailable):
        start(store, order, element="SMS.Test", name="frozen")


def test_a_receipt_without_replica(frozen: Pair) -> None:
    """A receipt that no replica has is not acknowledged, the first time and the second, and counts once replicas answer."""
    deliveries = DeliveryStore(Ledger(client_of(frozen)))
    with frozen.master.client() as master:
        job = a_job()
        Ledger(master).record(job)
    for _ in range(2):
        with pytest.raises(NotReplicated):
            deliveries.take([a_report(job.id)])
    frozen.replica.resume()
    assert deliveries.take([a_report(job.id)]).counts == {"repeated": 1}
    with frozen.replica.client() as replica:
        found = Ledger(replica).read(job.id)
    assert found is not None
    assert found.status == "accepted"


def test_which_steps_wait() -> None:
    """Each step on which a promise rests waits for replicas; what is only read, or is made again anyway, does not."""
    waiting = {
        (room, name)
        for room in ("ledger", "campaign", "verification", "delivery", "steering", "suppression")
        for name in Scripts(room).names()
        if not script_loader._script(room, name)._replicated
    }
    assert waiting == {
        ("ledger", "feed"),  # a chunk is a job only with its claim
        ("ledger", "left_out"),  # what is noted there, the note waited for
        ("ledger", "may_be_sent"),
        ("ledger", "rename_aside"),
        ("ledger", "return_campaigns"),
        ("ledger", "return_to_agenda"),  # what is damaged is met again
        ("ledger", "set_aside"),
        ("ledger", "set_key_aside"),
        ("ledger", "set_keys_aside"),
        ("ledger", "sweep"),  # nothing is sent before the claim that follows
        ("ledger", "unpublished"),
        ("campaign", "planning"),  # a heartbeat
        ("campaign", "progress"),
        ("delivery", "hold"),  # no lease is lost by it, and what is lost of it is only asked about later
        ("delivery", "pull"),  # its lease ends, and it is pulled again
        ("delivery", "pulled"),
        ("delivery", "set_deliveries_aside"),
        ("suppression", "among"),
        ("verification", "set_codes_aside"),
    }


@pytest.mark.parametrize("replicas", [0, 1])
def test_a_demoted_server_is_left(pair: Pair, replicas: int) -> None:
    """A connection to a server that became a replica is closed: the address may lead to another server by now."""
    client = connect_redis(pair.master.url, replicas=replicas)
    ledger, job = Ledger(client), a_job()
    ledger.record(job)
    before = client.client_id()
    client.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(redis.RedisError) as refused:
            ledger.claim(job.id, TOKEN, lease_s=30)
        assert is_transient(refused.value)
        assert client.client_id() != before
    finally:
        client.replicaof("NO", "ONE")
    until(lambda: client.wait(1, 100) == 1, "the replica follows again")

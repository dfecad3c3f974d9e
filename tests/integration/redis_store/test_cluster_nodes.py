"""A Redis Cluster of three masters: each command finds its node, wherever the slot is, and no step is done by halves."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from smsjobs.campaign import CampaignStore, Order, start
from smsjobs.contract import JobRecord, element_tag
from smsjobs.delivery import DeliveryStore
from smsjobs.ledger import Granted, Ledger
from smsjobs.redis_store import (
    ClusterClient,
    NotReplicated,
    connect_redis,
    is_transient,
    key,
    patiently,
    refusal_text,
)
from smsjobs.suppression import SuppressedNumbers, Suppression
from support.cluster import Cluster, slot_of
from support.ledgers import LEASE_S, a_job, accepted, granted
from support.receipts import a_report
from support.redis_server import RedisServer
from support.replicated import Node

_PAGE = Path(__file__).parents[3] / "docs/configuration.md"


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    """Three masters."""
    with Cluster() as running:
        yield running


@pytest.fixture
def cluster(running: Cluster) -> Cluster:
    """The same, empty."""
    running.clear()
    return running


@pytest.fixture
def client(cluster: Cluster) -> Iterator[ClusterClient]:
    """A client of them."""
    with cluster.client() as client:
        yield client


def jobs_of(cluster: Cluster) -> list[JobRecord]:
    """A job of each of three elements that are on three nodes."""
    return [a_job(element=f"SMS.{each}") for each in cluster.elements()]


def place(node: Node) -> str:
    """As the client tells it."""
    return f"{node.host}:{node.port}"


def test_elements_on_several_nodes(cluster: Cluster, client: ClusterClient) -> None:
    """Jobs of three elements are recorded, claimed, settled and swept on three nodes, with one client."""
    ledger, jobs = Ledger(client), jobs_of(cluster)
    assert all(ledger.record(job).new for job in jobs)
    assert ledger.waiting() == 3
    for job, node in zip(jobs, cluster.nodes, strict=True):
        assert client.node_of(f"{{{job.id[:6]}}}")[0] == place(node)
        granted(ledger, job)
        ledger.settle(job.id, "token", accepted(job), outside_task=True)
        with node.client() as direct:
            assert direct.hget(key(job.id[:6], "job", job.id), "state") == "accepted"
    reports = [a_report(job.id) for job in jobs]
    assert DeliveryStore(ledger).take(reports).counts == {"written": 3}
    assert DeliveryStore(ledger).take(reports).counts == {"repeated": 3}


def test_pipeline_over_nodes(cluster: Cluster, client: ClusterClient) -> None:
    """A pipeline's answers stand in the order of its commands, whichever node gave them."""
    names = [key(element_tag(f"SMS.{each}"), "x") for each in cluster.elements() * 2]
    pipe: Any = client.pipeline(transaction=False)
    for number, each in enumerate(names):
        pipe.rpush(each, number)
        pipe.incr(each)
    answers = pipe.execute(raise_on_error=False)
    assert answers[::2] == [1, 1, 1, 2, 2, 2]
    assert all(isinstance(each, redis.ResponseError) for each in answers[1::2])
    assert pipe.execute() == []
    pipe = client.pipeline()
    pipe.set(names[0], "one")
    pipe.get(names[0])
    assert pipe.execute() == [True, "one"]


def test_a_slot_that_has_moved(cluster: Cluster, client: ClusterClient) -> None:
    """A client that knew the old node follows a slot to the new one: scripts, pipelines and single commands."""
    ledger, job = Ledger(client), jobs_of(cluster)[0]
    ledger.record(job)
    source, target = cluster.nodes[:2]
    cluster.move(slot_of(job.element), source, target)
    try:
        granted(ledger, job)
        pipe: Any = client.pipeline(transaction=False)
        pipe.hget(key(job.id[:6], "job", job.id), "state")
        assert pipe.execute() == ["sending"]
        assert client.node_of(f"{{{job.id[:6]}}}")[0] == place(target)
    finally:
        cluster.move(slot_of(job.element), target, source)
    found = ledger.read(job.id)
    assert found is not None
    assert found.status == "sending"


def test_half_a_slot(cluster: Cluster, client: ClusterClient) -> None:
    """While a slot is moved key by key, no script begins on half of its keys; `patiently` waits until it has moved."""
    ledger, job = Ledger(client), jobs_of(cluster)[0]
    ledger.record(job)
    slot, (source, target) = slot_of(job.element), cluster.nodes[:2]
    cluster.begin_move(slot, source, target)
    try:
        for _ in range(3):
            with pytest.raises(redis.RedisError) as refused:
                ledger.claim(job.id, "one", lease_s=LEASE_S)
            assert is_transient(refused.value)
            assert client.hget(key(job.id[:6], "job", job.id), "state") == "queued"
            pipe: Any = client.pipeline(transaction=False)
            pipe.hget(key(job.id[:6], "job", job.id), "state")
            pipe.hget(key(job.id[:6], "job", "none"), "state")
            assert pipe.execute() == ["queued", None]
            cluster.move_keys(slot, source, target, most=1)
        later = threading.Timer(0.5, cluster.end_move, [slot, source, target])
        later.start()
        claim = patiently(lambda: ledger.claim(job.id, "one", lease_s=LEASE_S), for_s=20)
        later.join()
        assert isinstance(claim, Granted)
    finally:
        cluster.end_move(slot, source, target)
        cluster.move(slot, target, source)


def test_half_a_slot_with_replicas(cluster: Cluster) -> None:
    """While a slot is moved, a step that needs replicas leaves nothing on the new node that would stop the move."""
    slot, (source, target) = slot_of(f"SMS.{cluster.elements()[0]}"), cluster.nodes[:2]
    job = jobs_of(cluster)[0]
    with connect_redis(cluster.url, timeout_s=0.4, replicas=1) as client:
        ledger = Ledger(client)
        with pytest.raises(NotReplicated):
            ledger.record(job)
        cluster.begin_move(slot, source, target)
        try:
            for _ in range(5):
                with pytest.raises(redis.RedisError):
                    ledger.record(job)
                cluster.move_keys(slot, source, target, most=1)
            cluster.move_keys(slot, source, target)
        finally:
            cluster.end_move(slot, source, target)
            cluster.move(slot, target, source)


def test_a_lost_answer(cluster: Cluster) -> None:
    """A command whose answer was lost is not repeated by the client, neither alone nor in a pipeline."""
    name = key(element_tag(f"SMS.{cluster.elements()[0]}"), "count")
    with connect_redis(cluster.url, timeout_s=0.5) as client:
        client.set(name, 0)
        cluster.nodes[0].signal(signal.SIGSTOP)
        try:
            with pytest.raises(redis.TimeoutError):
                client.incr(name)
            pipe: Any = client.pipeline(transaction=False)
            pipe.incr(name)
            with pytest.raises((redis.TimeoutError, redis.ConnectionError)):
                pipe.execute()
        finally:
            cluster.nodes[0].signal(signal.SIGCONT)
        assert int(patiently(lambda: client.get(name), for_s=20) or 0) <= 2
        assert int(patiently(lambda: client.incr(name), for_s=20)) <= 3


def test_a_node_that_is_unreachable(cluster: Cluster) -> None:
    """What is due on other nodes is found while one is unreachable; when nothing is due, the sweep tells it."""
    with connect_redis(cluster.url, timeout_s=0.5) as client:
        ledger, jobs = Ledger(client), jobs_of(cluster)
        for job in jobs:
            ledger.record(job)
        # The node that has the list of all elements goes on.
        listing = client.node_of("sms:elements")[0]
        harmed, job = next(
            pair for pair in zip(cluster.nodes, jobs, strict=True) if place(pair[0]) != listing
        )
        harmed.signal(signal.SIGSTOP)
        try:
            ledger.unpublished((each.id, 0) for each in jobs if each is not job)
            assert {due.job_id for due in ledger.sweep()} == {each.id for each in jobs if each is not job}
            assert ledger.feed() == 0
            with pytest.raises(redis.RedisError) as failed:
                ledger.sweep()
            assert is_transient(failed.value)
        finally:
            harmed.signal(signal.SIGCONT)
        patiently(lambda: ledger.unpublished([(job.id, 0)]), for_s=20)
        assert [due.job_id for due in patiently(ledger.sweep, for_s=20)] == [job.id]


def test_without_replicas(cluster: Cluster) -> None:
    """Where SMS_REPLICAS asks for a replica and there is none, no step counts, on whichever node it is."""
    with connect_redis(cluster.url, timeout_s=0.4, replicas=1) as client:
        ledger = Ledger(client)
        for job in (*jobs_of(cluster), a_job(id="a-plain-clients-id")):
            with pytest.raises(NotReplicated):
                ledger.record(job)
        listed = SuppressedNumbers(client, seal=None)
        with pytest.raises(NotReplicated):
            listed.put([Suppression.read("13800138000")])
        reported = jobs_of(cluster)[0]
        with pytest.raises(NotReplicated):
            ledger.record(reported)
        with pytest.raises(NotReplicated):
            DeliveryStore(ledger).take([a_report(reported.id)])


def test_campaigns_on_several_nodes(cluster: Cluster, client: ClusterClient) -> None:
    """Campaigns of three elements are listed together, newest first, and all are fed."""
    store = CampaignStore(client, timeout_s=5, keep_s=3600)
    made = [
        start(
            store, Order.read(["13800138000"], "SMS_1", {"code": "1"}), element=f"SMS.{each}", name="same"
        ).id
        for each in cluster.elements()
        if not time.sleep(0.002)  # each has a time of its own
    ]
    assert store.ids() == made[::-1]
    assert store.named("same") == made[::-1]
    assert Ledger(client).feed() == 3


def test_least_rights(cluster: Cluster) -> None:
    """A user with the documented rights records, claims, settles and sweeps, and follows a slot that moves."""
    page = _PAGE.read_text("utf-8")
    words = re.search(r"^ACL SETUSER (smsjobs [^`]+)```", page, re.MULTILINE)
    more = re.search(r"ACL also needs `([^`]+)`", page)
    assert words
    assert more
    for node in cluster.nodes:
        with node.client() as admin:
            granting = [*words[1].replace("\\\n", " ").split(), *more[1].split(), ">secret"]
            admin.execute_command("ACL", "SETUSER", *granting)
            admin.acl_log_reset()
    slot, (source, target) = slot_of(f"SMS.{cluster.elements()[0]}"), cluster.nodes[:2]
    with connect_redis(f"redis+cluster://smsjobs:secret@127.0.0.1:{cluster.nodes[0].port}") as client:
        ledger, jobs = Ledger(client), jobs_of(cluster)
        for job in jobs:
            ledger.record(job)
            granted(ledger, job)
            ledger.settle(job.id, "token", accepted(job))
        ledger.sweep()
        cluster.begin_move(slot, source, target)
        cluster.move_keys(slot, source, target)
        try:
            assert client.hget(key(jobs[0].id[:6], "job", jobs[0].id), "state") == "accepted"
        finally:
            cluster.end_move(slot, source, target)
            cluster.move(slot, target, source)
    for node in cluster.nodes:
        with node.client() as admin:
            # redis-py tells its name and version, and goes on where it may not.
            assert {each["object"] for each in admin.acl_log()} <= {"client", "client|setinfo"}


def test_wrong_kind_of_address(cluster: Cluster, redis_server: RedisServer) -> None:
    """A Cluster's address for a Redis, and a Redis's for a Cluster's node, are told as what they are."""
    host = redis_server.url.removeprefix("redis://").rpartition("/")[0]
    with (
        connect_redis(f"redis+cluster://{host}") as client,
        pytest.raises(redis.RedisError) as no_cluster,
    ):
        client.get("sms:elements")
    assert str(refusal_text(no_cluster.value)).startswith("is not a Cluster")
    password = cluster.url.partition("//")[2].partition("@")[0]
    with connect_redis(f"redis://{password}@127.0.0.1:{cluster.nodes[0].port}") as client:
        name = key(element_tag(f"SMS.{cluster.elements()[1]}"), "x")
        with pytest.raises(redis.RedisError) as node:
            client.get(name)
    assert str(refusal_text(node.value)).startswith("is a node of a Cluster")

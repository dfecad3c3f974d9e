"""Every script on real Redis Clusters: no key that it touches leaves the slot of its element."""

import shlex
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from smsjobs.campaign import CampaignStore, Order, start
from smsjobs.contract import InvalidArguments, JobRecord, campaign_id, element_tag, encode_outcome
from smsjobs.delivery import DeliveryStore
from smsjobs.embedded import TemporaryRedis
from smsjobs.ledger import REPLIES_SECRET, Aside, Awaited, CommonKeys, EntryDamaged, Ledger
from smsjobs.redis_store import ELEMENTS, Scripts, Seal, connect_redis
from smsjobs.steering import Steering
from smsjobs.suppression import SuppressedNumbers, Suppression
from smsjobs.testing import Clock as CodeClock
from smsjobs.verification import CEILING, PER_CLIENT, Keyring, Limit, RedisCodes, Rules, Verification
from support.cluster import Cluster
from support.damage import replace_by
from support.keys import agenda, campaign_key, job_key, open_campaigns
from support.ledgers import LEASE_S, Clock, a_job, accepted, granted, to_look_up, to_send
from support.receipts import a_report
from support.replicated import Node

ELEMENT = "SMS.Test"
SECRET = "a secret that is good for tests only"
SCRIPTS = {
    (room, name)
    for room in ("ledger", "campaign", "delivery", "steering", "suppression", "verification")
    for name in Scripts(room).names()
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A cluster of one node that has all slots. It refuses a call whose keys are of different slots."""
    with TemporaryRedis(options={"cluster-enabled": "yes"}) as server, connect_redis(server.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        deadline = time.monotonic() + 10
        while "cluster_state:ok" not in str(client.execute_command("CLUSTER", "INFO")).replace("': '", ":"):
            assert time.monotonic() < deadline, "the cluster did not form"
            time.sleep(0.05)
        yield server.url


class Watch:
    """Runs steps, and notes which scripts ran and the slots of the keys that each run touched."""

    def __init__(self, client: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> None:
        self.client = client
        self.ran: set[tuple[str, str]] = set()
        real = Scripts.run

        def noted(scripts: Scripts, name: str, /, *more: object, **arguments: object) -> object:
            self.ran |= {each for each in SCRIPTS if each[1] == name and name in scripts.names()}
            return real(scripts, name, *more, **arguments)

        monkeypatch.setattr(Scripts, "run", noted)

    def slots_of(self, steps: Callable[[], object]) -> list[set[int]]:
        """The slots of each script run of these steps."""
        with connect_redis(self.url, timeout_s=10) as watching, watching.monitor() as monitor:
            steps()
            self.client.echo("that was all")
            runs: list[set[int]] = []
            for line in monitor.listen():
                words = (
                    shlex.split(line["command"], posix=True)
                    if "\\" not in line["command"]
                    else line["command"].split(" ")
                )
                verb = words[0].upper()
                if verb == "ECHO":
                    return runs
                if verb in ("EVALSHA", "EVAL"):
                    runs.append({self._slot(each) for each in words[3 : 3 + int(words[2])]})
                elif line["client_type"] == "lua" and verb not in ("TIME", "PUBLISH"):
                    # Of every command that the scripts use, the key is the first argument.
                    runs[-1].add(self._slot(words[1]))
        raise AssertionError("the monitor ended")

    def _slot(self, name: str) -> int:
        return int(self.client.execute_command("CLUSTER", "KEYSLOT", name))


@pytest.fixture
def watch(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """A watch over an empty cluster."""
    with connect_redis(url, timeout_s=10) as client:
        client.flushall()
        made = Watch(client, monkeypatch)
        made.url = url
        yield made


def jobs(client: "redis.Redis") -> None:
    """Every script of the ledger that is about one job; with an id of ours and with a plain client's."""
    clock = Clock()
    ledger = Ledger(client, clock=clock)
    for more in ({}, {"id": "a-plain-clients-own-id"}):
        job = a_job(idempotency_key=f"key {more}", **more)
        ledger.record(job)
        granted(ledger, job, "one")
        ledger.renew([(job.id, "one")], lease_s=LEASE_S)
        ledger.may_be_sent(job.id)
        ledger.wait(job.id, "one", to_look_up(clock))
        clock.pass_(2)
        ledger.unpublished((due.job_id, due.looks) for due in ledger.sweep())
        granted(ledger, job, "two")
        ledger.follow(job.id, "another")
        ledger.wait(job.id, "two", to_send())
        granted(ledger, job, "three")
        ledger.settle(job.id, "three", accepted(job), outside_task=True)
        clock.pass_(20)
        ledger.sweep()
        found = ledger.read(job.id)
        assert found is not None
        assert found.status == "accepted"
        DeliveryStore(ledger, clock=clock).take([a_report(job.id)])
    awaited, store = a_job(), DeliveryStore(ledger, clock=clock)
    ledger.seal = Seal("0" * 43 + "=")
    ledger.record(awaited)
    granted(ledger, awaited, "one")
    numbers = Awaited(phones=awaited.message.phones, first_s=1, last_s=2)
    ledger.settle(awaited.id, "one", accepted(awaited), awaited=numbers)
    for next_s in (2, None):
        clock.pass_(9)
        (due,) = store.due_pulls(awaited.id[:6], most=9, lease_s=9)
        store.hold([due], for_s=9)
        store.pulled(due, next_s=next_s)
    assert store.delivery(awaited.id).state == "unreported"
    steering = Steering(ledger, clock=clock)
    for more in ({}, {"id": "another-plain-clients-id"}):
        job = a_job(idempotency_key=f"cancelled {more}", **more)
        ledger.record(job)
        assert steering.cancel(job.id)
        new = steering.renewed(job.id)
        assert isinstance(new, JobRecord)
        assert steering.record(job.id, new).new
    ledger.settle_absent("malformed", encode_outcome(InvalidArguments("unreadable", reason="job_unreadable")))


def campaigns(client: "redis.Redis") -> None:
    """Every script about campaigns: planned, fed, paused by a refusal, cancelled, forgotten, reported."""
    clock = Clock()
    ledger = Ledger(client, clock=clock)
    store = CampaignStore(client, timeout_s=5, keep_s=3600, clock=clock)
    people = [f"138001{number:05}" for number in range(3000)]
    order = Order.read(people, "SMS_1", {"code": "1"})
    campaign = start(store, order, element=ELEMENT, name="test")
    assert ledger.feed() == 3
    first, second, _ = (due.job_id for due in ledger.sweep())
    for job_id in (first, second):
        ledger.claim(job_id, "one", lease_s=LEASE_S)
    assert ledger.leave_out(second, "one", [7])
    assert ledger.left_out(second) == [7]
    ledger.put_back(first, "one", attempts=1, reason="the signature is not approved")
    ledger.settle(second, "one", encode_outcome(InvalidArguments("bad")), outside_task=False)
    DeliveryStore(ledger, clock=clock).take([a_report(first, people[0]), a_report(second, people[1000])])
    campaign.resume()
    ledger.feed()
    campaign.pause()
    campaign.cancel()
    assert campaign.progress().state == "cancelled"
    assert len(list(campaign.report())) == 3000
    planner = store.create(
        campaign_id(ELEMENT, "x"), name="x", element=ELEMENT, shared="{}", at=None, promotional=False
    )
    store.still_planning(planner)
    store.discard(planner)


def suppressed(client: "redis.Redis") -> None:
    """The script about suppressed numbers."""
    listed = SuppressedNumbers(client, seal=None)
    listed.put([Suppression.read("13800138000")])
    assert listed.among(["13900139000", "13800138000"], promotional=True) == [1]


class Outbox:
    """Stands for an element: keeps what it is to send."""

    def __init__(self) -> None:
        self.code = ""

    def sendMessage(self, **message: Any) -> Any:
        """Keep it."""
        self.code = message["params"]["code"]
        return SimpleNamespace(id="job")


def codes(client: "redis.Redis") -> None:
    """Every script about verification codes, with and without an old secret and a client's address."""
    for old in ("", "an old secret of thirty-two bytes!"):
        store = RedisCodes(lambda: client, ELEMENT, timeout_s=5, clock=CodeClock())
        rules = Rules(
            element=ELEMENT,
            purpose=f"login{len(old)}",
            template="SMS_1",
            ttl_s=300,
            digits=6,
            param="code",
            params={},
            max_checks=5,
            per_number=Limit(),
            per_client=PER_CLIENT,
            ceiling=CEILING,
            countries=None,
        )
        outbox = Outbox()
        login = Verification(
            outbox, rules, Keyring.read(SECRET, old or None, environ={}), store, SimpleNamespace
        )
        for client_ip in (None, "203.0.113.7"):
            login.send("13800138000", client_ip)
            assert not login.check("13800138000", "000000x")
            assert login.check("13800138000", outbox.code)


def damaged(client: "redis.Redis") -> None:
    """Every script about what is set aside: a job, an agenda, a campaign and a code."""
    clock = Clock()
    ledger, aside = Ledger(client, clock=clock), Aside(client, keep_s=3600)
    job = a_job(element=ELEMENT)
    for kind in ("hash", "list"):
        ledger.record(job)
        replace_by(kind)(client, job_key(job.id))
        with pytest.raises(EntryDamaged):
            ledger.claim(job.id, "one", lease_s=LEASE_S)
    replace_by("string")(client, agenda(ELEMENT))
    clock.pass_(10)
    ledger.sweep()
    awaited, deliveries = a_job(element=ELEMENT), DeliveryStore(ledger, clock=clock)
    ledger.record(awaited)
    client.hset(job_key(awaited.id), "delivery", "x")
    assert deliveries.take([a_report(awaited.id)]).counts == {"damaged": 1}
    store = CampaignStore(client, timeout_s=5, keep_s=3600, clock=clock)
    campaign = start(store, Order.read(["13800138000"], "SMS_1", {"code": "1"}), element=ELEMENT, name="bad")
    client.hset(campaign_key(campaign.id), "total", "many")
    replace_by("string")(client, open_campaigns(ELEMENT))
    ledger.feed()
    client.hset(campaign_key(campaign.id), "total", 1)
    events = agenda(ELEMENT).replace("agenda", "events")
    replace_by("string")(client, events)
    assert aside.set_key_aside(events, "stream")
    for each in list(aside.items()):
        if ":campaign:" in each.id:
            assert aside.put_back(each.id) is None
        else:
            aside.drop(each.id)
    assert aside.count() == 0
    for name in (ELEMENTS, REPLIES_SECRET):
        replace_by("string")(client, name)
        CommonKeys(client).set_aside(name)
    for name in list(client.scan_iter(f"sms:{{{element_tag(ELEMENT)}}}:code:purpose:*")):
        replace_by("string")(client, name)
    codes(client)


def test_no_key_leaves_its_slot(watch: Watch) -> None:
    """All scripts run on a cluster, and each run stays within one slot: that of its element."""
    for steps in (jobs, campaigns, suppressed, codes, damaged):
        slots = watch.slots_of(lambda steps=steps: steps(watch.client))
        assert [each for each in slots if len(each) != 1] == [], steps.__name__
        assert slots
    assert watch.ran == SCRIPTS


def test_three_masters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scripts run on a Cluster of several nodes, whose client finds the node of each."""
    with Cluster() as cluster, cluster.client() as client:
        made = Watch(client, monkeypatch)
        for steps in (jobs, campaigns, suppressed, codes, damaged):
            steps(client)
        assert made.ran == SCRIPTS
        assert len([each for each in cluster.nodes if has_keys(each)]) > 1


def has_keys(node: Node) -> bool:
    """Whether a node has any."""
    with node.client() as client:
        return bool(client.dbsize())

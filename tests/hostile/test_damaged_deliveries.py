"""A damaged delivery is set aside, alone: other receipts of the same push are taken, and other jobs are pulled."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from smsjobs.contract import InvalidArguments, JobRecord, SmsError
from smsjobs.delivery import DeliveryStore, Report
from smsjobs.facts import ItemSetAside
from smsjobs.ledger import Aside, Awaited, Places
from smsjobs.redis_store import Seal, key
from smsjobs_worker.following.pull import Pull
from smsjobs_worker.provider import Provider
from support.campaigns import KEEP_S, numbers
from support.damage import WRONG_TYPES, replace_by
from support.facts import told
from support.keys import agenda, campaign_key, job_key
from support.ledgers import a_job, accepted, granted
from support.receipts import DeliveryBench, a_report

SEAL = Seal("0" * 43 + "=")
TAG = agenda().removeprefix("sms:{").partition("}")[0]


class Record(Provider):
    """Aliyun's record: everything was delivered."""

    reports = True

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(self, *_: Any, **__: Any) -> Any:
        """Nothing is sent here."""
        raise AssertionError

    def delivery(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> Report:
        """Deliver."""
        assert since <= until
        self.asked.append(out_id)
        return a_report(out_id, phone, source="pull")

    def provider(self, full_name: str) -> Provider:
        """It is every element's."""
        assert full_name == "SMS.Test"
        return self

    def take(self, *_: Any, **__: Any) -> bool:
        """A permit."""
        return True


class Deliveries(DeliveryBench):
    """Jobs whose deliveries are awaited, on an empty Redis."""

    def __init__(self, client: "redis.Redis") -> None:
        client.flushall()
        super().__init__(client)
        self.ledger.seal = SEAL
        self.record = Record()
        self.aside = Aside(client, keep_s=KEEP_S)
        self._store = DeliveryStore(self.ledger, clock=self.clock)

    @property
    def deliveries(self) -> DeliveryStore:
        """A store that remembers nothing."""
        self._store._remembered = {}
        return self._store

    def accepted(self, **more: Any) -> JobRecord:
        """A job that was accepted."""
        job = a_job(**more)
        self.ledger.record(job)
        granted(self.ledger, job)
        awaited = Awaited(phones=job.message.phones, first_s=120, last_s=3600)
        self.ledger.settle(job.id, "token", accepted(job), awaited=awaited)
        return job

    def pull(self) -> list[str]:
        """One pass two minutes later: whose deliveries were asked for."""
        self.clock.pass_(121)
        self.record.asked.clear()
        places: Any = Places(self.redis)
        permits: Any = self.record
        Pull(self.deliveries, places, self.record, permits, schedule_s=[120, 3600], max_qps=10).run_once()
        return self.record.asked

    def items(self) -> list[str]:
        """What is set aside."""
        return [each.id.partition(":")[2] for each in self.aside.items()]

    def probe(self) -> None:
        """A fresh job is accepted and its receipt is taken; another's delivery is pulled."""
        pushed, pulled = self.accepted(), self.accepted()
        assert self.deliveries.take([a_report(pushed.id)]).counts == {"written": 1}
        assert pulled.id in self.pull()
        assert self.deliveries.delivery(pulled.id).state == "delivered"


@pytest.fixture
def bench(client: "redis.Redis") -> Deliveries:
    """An empty bench."""
    return Deliveries(client)


def _with(**fields: Any) -> Callable[["redis.Redis", str], object]:
    return lambda client, name: client.hset(name, mapping=fields)


DAMAGES: dict[str, Callable[["redis.Redis", str], object]] = {
    **{f"a {kind}": replace_by(kind) for kind in WRONG_TYPES},
    "bytes as its deliveries": _with(delivery=b"\xff"),
    "deliveries that are none": _with(delivery="x"),
    "empty deliveries": _with(delivery=""),
    "a record that is cut": _with(delivery="3aAAA;dp1"),
    "records that are bytes": _with(delivery=b"3aAAA;" + b"\xff" * 17),
    "numbers that are bytes": _with(numbers=b"\xff\xff"),
    "numbers of nobody": _with(numbers="x"),
    "pulls that are no number": _with(pulls="many"),
    "accepted at no time": _with(accepted_at="soon"),
    "accepted in a million years": _with(accepted_at="9" * 16),
    "a lane that is bytes": _with(lane=b"\xff"),
    "an element that is bytes": _with(element=b"\xff"),
    "no element": lambda client, name: client.hdel(name, "element"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_pulled_beside_a_damaged_one(bench: Deliveries, damage: Any) -> None:
    """Whatever is wrong with a job, its neighbours are pulled in the same pass; it is named once, and kept as it is."""
    bad, good = bench.accepted(), bench.accepted()
    damage(bench.redis, job_key(bad.id))
    before = bench.redis.dump(job_key(bad.id))
    with told() as facts:
        asked = bench.pull()
    assert asked[-1] == good.id
    if bad.id in asked or not bench.items():  # it has nothing that this step reads
        assert bench.pull() == []
    else:
        assert bench.items() == [f"delivery:{bad.id}"]
        assert [each.item for each in facts if isinstance(each, ItemSetAside)] == bench.items()
        assert bench.redis.dump(job_key(bad.id)) == before
    bench.probe()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_pushed_beside_a_damaged_one(bench: Deliveries, damage: Any) -> None:
    """Whatever is wrong with a job, the other receipts of the push are taken, and who asks for it gets an error of ours."""
    first, bad, last = (bench.accepted() for _ in range(3))
    damage(bench.redis, job_key(bad.id))
    before = bench.redis.dump(job_key(bad.id))
    taken = bench.deliveries.take([a_report(each.id) for each in (first, bad, last)]).counts
    assert taken["written"] == 2 + (taken["damaged"] == taken["unknown_number"] == 0)
    assert [bench.deliveries.delivery(each.id).state for each in (first, last)] == ["delivered"] * 2
    if taken["damaged"]:
        assert bench.items() == [f"delivery:{bad.id}"]
        assert bench.redis.dump(job_key(bad.id)) == before
        with suppress(InvalidArguments):  # it does not read the lane and the element
            bench.deliveries.deliveries(bad.id)
    bench.probe()


@pytest.mark.parametrize("name", ["pulls:codes", "pulls:others", "err_codes"])
@pytest.mark.parametrize("kind", WRONG_TYPES)
def test_keys_that_jobs_share(bench: Deliveries, name: str, kind: str) -> None:
    """A key of a wrong type that all jobs share gets another name: no receipt and no pull is lost, no settlement is held up."""
    if kind == "zset" and name != "err_codes":
        pytest.skip("that is its type")
    pushed, pulled, code = (
        bench.accepted(lane_name=each) for each in ("bulk", "notification", "verification")
    )
    wrong = key(TAG, *name.split(":"))
    replace_by(kind)(bench.redis, wrong)
    later = bench.accepted()
    taken = bench.deliveries.take([a_report(pushed.id, err_code="EXPIRED")])
    assert taken.counts == {"written": 1}
    assert {pulled.id, code.id, later.id} == {*bench.pull(), *bench.pull()}
    assert bench.items() in ([f"key:{name}"], [])
    assert bench.deliveries.delivery(pushed.id).err_code == "EXPIRED"
    bench.probe()


def test_a_receipt_beside_a_damaged_agenda(bench: Deliveries) -> None:
    """A receipt that settles its job does so though the agenda is of a wrong type, which gets another name."""
    job = a_job()
    bench.ledger.record(job)
    granted(bench.ledger, job)
    replace_by("string")(bench.redis, agenda())
    assert bench.deliveries.take([a_report(job.id)]).counts == {"written": 1}
    assert bench.items() == ["key:agenda"]
    found = bench.ledger.read(job.id)
    assert found is not None
    assert found.status == "accepted"
    bench.probe()


def test_numbers_of_carriers_codes(bench: Deliveries) -> None:
    """After the carriers' codes were damaged, an older delivery has an unknown code, and never another one's."""
    before, after = bench.accepted(), bench.accepted()
    bench.deliveries.take([a_report(before.id, err_code="EXPIRED")])
    replace_by("list")(bench.redis, key(TAG, "err_codes"))
    assert bench.deliveries.delivery(before.id).err_code == "OTHER"
    bench.deliveries.take([a_report(after.id, err_code="MOBILE_IN_BLACK")])
    assert bench.deliveries.delivery(after.id).err_code == "MOBILE_IN_BLACK"
    assert bench.deliveries.delivery(before.id).err_code == "OTHER"


PARTS = ["", "delivered", "err_codes", "rows", "outcomes", "codes"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("before", ["sending", "accepted"])
def test_a_chunk_of_a_damaged_campaign(bench: Deliveries, part: str, before: str) -> None:
    """A receipt of a damaged campaign changes nothing halfway: fixed, the campaign counts it, once; its neighbours never wait."""
    campaign, good = bench.start(5), bench.accepted()
    (job_id,) = bench.sweep()
    if before == "accepted":
        bench.send(job_id)
    else:
        bench.granted(job_id)
    name = campaign_key(campaign.id, *filter(None, [part]))
    whole = bench.redis.dump(name)
    replace_by("string")(bench.redis, name)
    entry = bench.redis.dump(job_key(job_id))
    reports = [a_report(job_id, each) for each in numbers(5)]
    counts = bench.deliveries.take([*reports, a_report(good.id)]).counts
    if before == "accepted" and part in ("outcomes", "codes"):
        assert counts == {"written": 6}
        return
    assert counts == {"written": 1, "damaged": 5}
    assert bench.redis.dump(job_key(job_id)) == entry
    assert bench.items() == [f"delivery:{job_id}"]
    bench.redis.delete(name)
    if whole is not None:
        bench.redis.restore(name, 0, whole)
    (item,) = bench.aside.items()
    assert bench.aside.put_back(item.id) is None
    assert bench.deliveries.take(reports).counts == {"written": 5}
    progress = campaign.progress()
    assert (progress.state, progress.accepted, progress.delivered) == ("finished", 5, 5)


@pytest.mark.parametrize("name", ["delivered", "undelivered"])
def test_a_count_of_deliveries(bench: Deliveries, name: str) -> None:
    """A count that cannot be counted on stops the whole step, and not a part of it."""
    campaign = bench.start(2)
    (job_id,) = bench.sweep()
    bench.send(job_id)
    bench.redis.hset(campaign_key(campaign.id), name, "many")
    assert bench.deliveries.take([a_report(job_id, numbers(2)[0])]).counts == {"damaged": 1}
    bench.redis.hdel(campaign_key(campaign.id), name)
    assert bench.deliveries.take([a_report(job_id, numbers(2)[0])]).counts == {"written": 1}
    assert campaign.progress().delivered == 1


def test_members_that_are_no_ids(bench: Deliveries) -> None:
    """What is not an id among the deliveries to pull is set aside as it is, and holds up no job; hundreds of them do not."""
    good = bench.accepted()
    members = [b"\xff\xfe", b"no id", b"", *(b"%d x" % number for number in range(300))]
    pulls = key(TAG, "pulls", "others")
    bench.redis.zadd(pulls, dict.fromkeys(members, 0))  # type: ignore[arg-type]
    assert bench.pull() == [good.id]
    assert bench.aside.count() == len(members)
    for each in list(bench.aside.items()):
        assert bench.aside.put_back(each.id) is None
    assert set(bench.redis.execute_command("ZRANGE", pulls, 0, -1, NEVER_DECODE=True)) == set(members)


def test_put_back_and_dropped(bench: Deliveries) -> None:
    """A job that was fixed and put back is pulled; one that was dropped keeps its outcome, and its numbers are gone."""
    fixed, dropped = bench.accepted(), bench.accepted()
    for job in (fixed, dropped):
        bench.redis.hset(job_key(job.id), "pulls", "many")
    assert bench.pull() == []
    items = {each.id.rpartition(":")[2]: each.id for each in bench.aside.items()}
    bench.redis.hset(job_key(fixed.id), "pulls", "0")
    assert bench.aside.put_back(items[fixed.id]) is None
    bench.aside.drop(items[dropped.id])
    assert bench.pull() == [fixed.id]
    assert bench.aside.count() == 0
    found = bench.ledger.read(dropped.id)
    assert found is not None
    assert found.status == "accepted"
    assert "numbers" not in bench.redis.hgetall(job_key(dropped.id))


FIELDS = [
    "delivery",
    "numbers",
    "pulls",
    "accepted_at",
    "created",
    "lane",
    "element",
    "state",
    "campaign",
    "chunk",
    "key",
]
VALUES = st.one_of(
    st.binary(max_size=30),
    st.integers(-(2**70), 2**70).map(lambda number: str(number).encode()),
    st.sampled_from(
        [b"", b"accepted", b"unknown", b"rejected", b"3aAAA", b"0a", b"9a", b"3aAAA;" + b"." * 17, b"1:1"]
    ),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(FIELDS), VALUES, min_size=1, max_size=4))
@example(changes={"campaign": b"", "chunk": b""})
def test_any_damage(client: "redis.Redis", changes: dict[str, bytes]) -> None:
    """Whatever the fields of an entry are: a push and a pull end, and the job beside it has both."""
    bench = Deliveries(client)
    bad, good = bench.accepted(), bench.accepted()
    client.hset(job_key(bad.id), mapping=changes)  # type: ignore[arg-type]
    assert good.id in bench.pull()
    taken = bench.deliveries.take([a_report(bad.id), a_report(bench.accepted().id)])
    assert taken.counts["written"] >= 1
    with suppress(SmsError):
        bench.deliveries.deliveries(bad.id)
    bench.probe()

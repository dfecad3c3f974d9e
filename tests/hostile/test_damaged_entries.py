"""A damaged entry of the ledger is set aside, alone: named, kept as it is, and nothing behind it is late."""

from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsjobs.contract import IdempotencyConflict, InvalidArguments, JobRecord
from smsjobs.facts import ItemSetAside
from smsjobs.ledger import Aside, EntryDamaged, Granted, Ledger, Settled, Try
from smsjobs.redis_store import ELEMENTS, error_code, pointer
from smsjobs.steering import Listing, Steering
from smsjobs_worker.sending.sweep import Sweep
from support.damage import ENTRY_DAMAGES, WRONG_TYPES, Damage, replace_by
from support.facts import told
from support.keys import agenda, job_key, open_campaigns
from support.ledgers import LEASE_S, Clock, a_job, accepted, failed, granted, to_send

KEEP_S = 3600.0


class Outside:
    """The broker and the result backend: they remember."""

    def __init__(self) -> None:
        self.published: list[str] = []

    def publish(self, jobs: Any) -> None:
        """Publish."""
        self.published += [job_id for job_id, _ in jobs]

    def backlog(self, lane: str) -> int:
        """The queue is empty."""
        return 0 * len(lane)

    def store_at_once(self, job_id: str, outcome: Any, followers: Any) -> bool:
        """Store."""
        return True


class Bench:
    """A ledger, its sweep and its room for what is damaged, on an empty Redis."""

    def __init__(self, client: "redis.Redis") -> None:
        client.flushall()
        self.redis, self.clock, self.outside = client, Clock(), Outside()
        self.ledger = Ledger(client, retention_s=KEEP_S, clock=self.clock)
        self.sweep = Sweep(self.ledger, self.outside, self.outside)
        self.aside = Aside(client, keep_s=KEEP_S)

    def record(self, **more: Any) -> JobRecord:
        """A job of the verification lane."""
        job = a_job(**more)
        self.ledger.record(job)
        return job

    def pass_over(self) -> list[ItemSetAside]:
        """One pass of the sweep, after all jobs became due: what it told to be set aside."""
        self.clock.pass_(6)
        with told() as facts:
            self.sweep.run_once()
        return [each for each in facts if isinstance(each, ItemSetAside)]

    def probe(self) -> None:
        """A fresh job is recorded, published, claimed and settled as ever."""
        job = self.record()
        self.pass_over()
        assert job.id in self.outside.published
        granted(self.ledger, job)
        assert self.ledger.settle(job.id, "token", accepted(job)).ours


@pytest.fixture
def bench(client: "redis.Redis") -> Bench:
    """An empty ledger."""
    return Bench(client)


def items(found: list[ItemSetAside]) -> list[str]:
    """What was set aside."""
    return [each.item for each in found]


@pytest.mark.parametrize("damage", ENTRY_DAMAGES.values(), ids=ENTRY_DAMAGES)
def test_set_aside_alone(bench: Bench, damage: Damage) -> None:
    """The sweep names a damaged entry once, publishes in the same pass what is behind it, and never meets it again."""
    bad, good = bench.record(), bench.record()
    damage(bench.redis, job_key(bad.id))
    before = bench.redis.dump(job_key(bad.id))
    assert items(bench.pass_over()) == [f"job:{bad.id}"]
    assert bench.outside.published == [good.id]
    assert bench.redis.dump(job_key(bad.id)) == before
    assert bench.redis.zscore(agenda(), bad.id) is None
    assert bench.pass_over() == []
    (shown,) = bench.aside.items()
    assert shown.id.endswith(f":job:{bad.id}")
    assert shown.problem
    bench.probe()


@pytest.mark.parametrize("damage", ENTRY_DAMAGES.values(), ids=ENTRY_DAMAGES)
def test_every_step_says_so(bench: Bench, damage: Damage) -> None:
    """No step of a damaged job changes it, or ends in any error but one: a worker that gets its message sends nothing."""
    job = bench.record()
    damage(bench.redis, job_key(job.id))
    before = bench.redis.dump(job_key(job.id))
    try:
        claim = bench.ledger.claim(job.id, "token", lease_s=LEASE_S)
    except EntryDamaged:
        pass
    else:
        # Only what the claim does not use, or what is read later, may be damaged.
        assert isinstance(claim, (Granted, Settled))
        return
    assert bench.redis.dump(job_key(job.id)) == before
    assert [each.id.partition(":")[2] for each in bench.aside.items()] == [f"job:{job.id}"]
    bench.probe()


VALUES = st.one_of(
    st.binary(max_size=20),
    st.integers(-(2**70), 2**70).map(lambda number: str(number).encode()),
    st.sampled_from(
        [b"", b"queued", b"sending", b"looking_up", b"accepted", b"nan", b"-inf", b"{}", b"null", b"1:1"]
    ),
)
FIELDS = st.sampled_from(
    [
        "state",
        "token",
        "lease",
        "due",
        "expires",
        "requeue",
        "looks",
        "attempts",
        "lost_from",
        "lost_to",
        "claimed",
        "lane",
        "element",
        "outcome",
        "campaign",
        "chunk",
        "interrupted",
        "resent",
        "created",
        "job",
        "followers",
        "tries",
    ]
)


@pytest.mark.parametrize("damage", [b"\xff" * 100_000, b"\n1 lost\xff", b"\n9999999999999 lost", b""])
def test_damaged_tries(bench: Bench, damage: bytes) -> None:
    """Damaged tries are no damage of the entry: all that is told of the job is told, each step goes on, and they stay short."""
    job = bench.record()
    bench.redis.hset(job_key(job.id), "tries", damage)
    steering = Steering(bench.ledger, clock=bench.clock)
    one = Try(at=datetime.fromtimestamp(bench.clock.now, UTC), result="not_sent", reason="connect_failed")
    granted(bench.ledger, job)
    bench.ledger.wait(job.id, "token", to_send(), tries=[one])
    assert "expires" in [each.what for each in steering.timeline(job.id)]
    granted(bench.ledger, job, "died")
    bench.clock.pass_(LEASE_S + 1)
    assert bench.pass_over() == []
    granted(bench.ledger, job, "last")
    assert bench.ledger.settle(job.id, "last", failed(job, "unknown"), tries=[one]).ours
    assert [each.result for each in steering.info(job.id).tries][-3:] == [
        "not_sent",
        "interrupted",
        "not_sent",
    ]
    assert next(steering.jobs(Listing(), lambda step: step())).id == job.id
    assert bench.redis.hstrlen(job_key(job.id), "tries") <= 800
    assert bench.aside.count() == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(FIELDS, st.none() | VALUES, min_size=1, max_size=4))
def test_any_damage(client: "redis.Redis", changes: dict[str, bytes | None]) -> None:
    """Whatever the fields of an entry are, the pass ends, what is behind it is published, and a claim answers."""
    bench = Bench(client)
    bad, good = bench.record(), bench.record()
    for name, value in changes.items():
        if value is None:
            client.hdel(job_key(bad.id), name)
        else:
            client.hset(job_key(bad.id), name, value)
    bench.pass_over()
    assert good.id in bench.outside.published
    try:
        bench.ledger.claim(bad.id, "token", lease_s=LEASE_S)
        bench.ledger.read(bad.id)
    except EntryDamaged:
        pass
    bench.probe()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.sets(st.binary(max_size=80), min_size=1, max_size=20))
def test_any_member_of_the_agenda(client: "redis.Redis", members: set[bytes]) -> None:
    """What is not an id on the agenda goes to the room as it is, without being shown, and holds up nothing."""
    bench = Bench(client)
    good = bench.record()
    client.zadd(agenda(), dict.fromkeys(members, 0))  # type: ignore[arg-type]
    bench.pass_over()
    assert bench.outside.published == [good.id]
    for each in list(bench.aside.items()):
        assert bench.aside.put_back(each.id) is None
    left = set(client.execute_command("ZRANGE", agenda(), 0, -1, NEVER_DECODE=True)) - {good.id.encode()}
    assert left == {each for each in members if not is_id(each)}
    bench.probe()


def is_id(member: bytes) -> bool:
    """Whether it could be a job's, which then does not exist."""
    text = member.decode("latin-1")
    return 0 < len(text) <= 64 and all(each.isascii() and (each.isalnum() or each in "-_") for each in text)


def test_more_than_a_batch(bench: Bench) -> None:
    """Six hundred damaged entries that are due together hold up nothing: what is behind them goes in the same pass."""
    damages = list(ENTRY_DAMAGES.values())
    bad = [bench.record() for _ in range(600)]
    pipe = bench.redis.pipeline(transaction=False)
    for number, job in enumerate(bad):
        damages[number % len(damages)](pipe, job_key(job.id))
    pipe.execute()
    good = [bench.record() for _ in range(50)]
    assert len(bench.pass_over()) == 600
    assert bench.outside.published == [job.id for job in good]
    assert bench.aside.count() == 600
    bench.probe()


def test_no_more_than_the_room_holds(bench: Bench) -> None:
    """What finds no place stays where it is, and is looked at again later."""
    job, good = bench.record(), bench.record()
    replace_by("string")(bench.redis, job_key(job.id))
    room = agenda().replace("agenda", "aside")
    bench.redis.hset(room, mapping={f"job:{number}": "1 x" for number in range(10_000)})
    assert bench.pass_over() == []
    assert bench.outside.published == [good.id]
    assert bench.redis.zscore(agenda(), job.id) == bench.clock.ms + 600_000
    bench.redis.delete(room)
    bench.clock.pass_(600)
    assert items(bench.pass_over()) == [f"job:{job.id}"]


def test_put_back_after_it_was_fixed(bench: Bench) -> None:
    """A job whose entry was fixed is sent after it was put back; one that is damaged still is set aside again."""
    job = bench.record(expires=3600)
    bench.redis.hset(job_key(job.id), "state", "split")
    bench.pass_over()
    (item,) = bench.aside.items()
    assert bench.aside.put_back(item.id) is None
    assert items(bench.pass_over()) == [f"job:{job.id}"]
    bench.redis.hset(job_key(job.id), "state", "queued")
    assert bench.aside.put_back(item.id) is None
    assert bench.pass_over() == []
    assert bench.outside.published == [job.id]
    assert bench.aside.count() == 0
    with pytest.raises(InvalidArguments, match="nothing of that id"):
        bench.aside.put_back(item.id)


@pytest.mark.parametrize("damage", [replace_by("list"), ENTRY_DAMAGES["no due"]], ids=["a list", "no due"])
def test_drop(bench: Bench, damage: Damage) -> None:
    """A dropped job has the outcome `unknown`, as it may have been sent, and its id is not free for another request."""
    job = bench.record()
    damage(bench.redis, job_key(job.id))
    bench.pass_over()
    (item,) = bench.aside.items()
    bench.aside.drop(item.id)
    found = bench.ledger.read(job.id)
    assert found is not None
    assert found.status == "unknown"
    assert isinstance(bench.ledger.claim(job.id, "token", lease_s=LEASE_S), Settled)
    assert 0 < bench.redis.pttl(job_key(job.id)) <= KEEP_S * 1000
    assert bench.aside.count() == 0


@pytest.mark.parametrize("kind", WRONG_TYPES)
def test_the_agenda_itself(bench: Bench, kind: str) -> None:
    """If the agenda is of a wrong type, it gets another name, and all jobs are on a new one in the same pass."""
    if kind == "zset":
        pytest.skip("that is its type")
    jobs = [bench.record() for _ in range(3)]
    ended = bench.record()
    granted(bench.ledger, ended)
    bench.ledger.settle(ended.id, "token", accepted(ended))
    replace_by(kind)(bench.redis, agenda())
    assert items(bench.pass_over()) == ["key:agenda"]
    bench.clock.pass_(10)
    bench.pass_over()
    assert sorted(set(bench.outside.published)) == sorted(job.id for job in jobs)
    bench.probe()


@pytest.mark.parametrize("name", [open_campaigns(), agenda().replace("agenda", "aside"), ELEMENTS])
def test_other_shared_keys(bench: Bench, name: str) -> None:
    """A key of a wrong type that a whole element shares, or all elements, gets another name, and the pass goes on."""
    job = bench.record()
    replace_by("string")(bench.redis, name)
    bench.redis.set(job_key(bench.record().id), "x")
    bench.pass_over()
    bench.pass_over()
    assert job.id in bench.outside.published
    bench.probe()


def test_a_name_that_is_no_element(bench: Bench) -> None:
    """Bytes among the elements hide no other element."""
    bench.redis.hset(ELEMENTS, mapping={b"\xff\xfe": b"\xff", "x:y": "z"})  # type: ignore[dict-item]
    bench.probe()


@pytest.mark.parametrize("damage", [replace_by("list"), lambda client, name: client.set(name, b"\xff")])
def test_a_pointer(bench: Bench, damage: Damage) -> None:
    """A damaged pointer to a job of a plain client's id records nothing in its place; a sweep needs none."""
    job, good = bench.record(id="of-a-client", expires=60), bench.record()
    damage(bench.redis, pointer(job.id))
    stranger = Ledger(bench.redis, clock=bench.clock)
    with pytest.raises(EntryDamaged):
        stranger.claim(job.id, "token", lease_s=LEASE_S)
    bench.ledger = stranger
    bench.sweep = Sweep(stranger, bench.outside, bench.outside)
    bench.pass_over()
    assert sorted(bench.outside.published) == sorted([job.id, good.id])
    assert stranger.claim(job.id, "token", lease_s=LEASE_S)


@pytest.mark.parametrize("value", [b"rubbish", b"\xff\xff", b"a b c"])
def test_an_idempotency_key(bench: Bench, value: bytes) -> None:
    """A damaged idempotency key is not overwritten: nothing can be sent under it twice."""
    job = bench.record(idempotency_key="login:42")
    name = bench.redis.hget(job_key(job.id), "key")
    bench.redis.set(str(name), value)
    with pytest.raises(InvalidArguments) as refused:
        bench.record(idempotency_key="login:42")
    assert not isinstance(refused.value, IdempotencyConflict)
    assert refused.value.argument == "idempotency_key"
    bench.probe()


def test_a_full_redis_is_no_damage(bench: Bench) -> None:
    """What Redis refuses because it is full is nobody's damage: nothing is set aside, and all goes on later."""
    jobs = [bench.record() for _ in range(3)]
    bench.redis.set("ballast", "x" * 2_000_000)
    bench.redis.config_set("maxmemory", 1_000_000)
    try:
        with pytest.raises(redis.RedisError) as refused:
            bench.pass_over()
    finally:
        bench.redis.config_set("maxmemory", 0)
    assert error_code(refused.value) == "OOM"
    assert bench.aside.count() == 0
    bench.pass_over()
    assert sorted(bench.outside.published) == sorted(job.id for job in jobs)

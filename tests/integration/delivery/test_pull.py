"""Deliveries that are pulled because nothing was pushed."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from smsjobs.campaign import Campaign, CampaignStore
from smsjobs.contract import (
    InvalidArguments,
    JobRecord,
    RequestFailed,
    SendResult,
    encode_outcome,
    tag_of_job,
)
from smsjobs.delivery import Report
from smsjobs.ledger import Awaited, Places
from smsjobs.redis_store import Seal
from smsjobs_worker.following.pull import Pull
from smsjobs_worker.provider import LookupFailed, Provider
from support.campaigns import numbers
from support.keys import campaign_key, job_key
from support.ledgers import PHONE, a_job, accepted, everything, failed, granted
from support.receipts import DeliveryBench, a_report

KEY = "0" * 43 + "="
SCHEDULE = (120.0, 1800.0, 21_600.0, 259_200.0)


class Record(Provider):
    """Aliyun's record, as the test has it."""

    reports = True

    def __init__(self) -> None:
        #: What it says of each number; an exception is raised.
        self.says: dict[str, str | Exception] = {}
        #: Who was asked about, for which job.
        self.asked: list[tuple[str, str]] = []

    def send(self, *_: Any, **__: Any) -> Any:
        """Nothing is sent here."""
        raise AssertionError

    def delivery(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> Report | None:
        """What the test told it to say."""
        assert since <= until
        self.asked.append((out_id, phone))
        said = self.says.get(phone)
        if isinstance(said, Exception):
            raise said
        return a_report(out_id, phone, said, source="pull") if said else None

    def provider(self, full_name: str) -> Provider:
        """It is every element's."""
        if full_name != "SMS.Test":
            raise InvalidArguments("no such element", reason="element_not_found")
        return self


class Free:
    """Permits without end, or none."""

    def __init__(self, *, free: bool = True) -> None:
        self.free = free

    def take(self, *_: Any, **__: Any) -> bool:
        """Take one."""
        return self.free


@pytest.fixture
def record() -> Record:
    """An empty record."""
    return Record()


@pytest.fixture
def bench(bench: DeliveryBench) -> DeliveryBench:
    """A bench whose jobs are sealed."""
    bench.ledger.seal = Seal(KEY)
    return bench


def _pull(bench: DeliveryBench, record: Record, permits: Any = None, **more: Any) -> int:
    pull = Pull(
        bench.deliveries,
        Places(bench.redis),
        record,
        permits or Free(),
        schedule_s=SCHEDULE,
        max_qps=10,
        clock=bench.clock,
        **more,
    )
    return pull.run_once()


def _accepted(bench: DeliveryBench, *, asks: bool = True, **more: Any) -> JobRecord:
    job = a_job(**more)
    bench.ledger.record(job)
    granted(bench.ledger, job)
    phones = job.message.phones if asks else ()
    awaited = Awaited(phones=phones, first_s=SCHEDULE[0], last_s=SCHEDULE[-1])
    bench.ledger.settle(job.id, "token", accepted(job), awaited=awaited)
    return job


def _is_forgotten(bench: DeliveryBench, job: JobRecord) -> bool:
    """Whether its number has left Redis, and nobody will ask about it again."""
    kept = bench.redis.hgetall(job_key(job.id))
    return "numbers" not in kept and not list(bench.redis.scan_iter("*:pulls:*"))


def test_what_is_not_pushed_is_pulled(bench: DeliveryBench, record: Record) -> None:
    """Two minutes after its acceptance a job that waits is asked about, once, and then has its delivery; it is asked no more."""
    job = _accepted(bench)
    record.says[PHONE] = "MOBILE_NOT_ON_SERVICE"
    bench.clock.pass_(119)
    assert _pull(bench, record) == 0
    bench.clock.pass_(2)
    assert _pull(bench, record) == 1
    delivery = bench.deliveries.delivery(job.id)
    assert (delivery.state, delivery.err_code, delivery.source) == ("failed", "MOBILE_NOT_ON_SERVICE", "pull")
    assert _is_forgotten(bench, job)
    bench.clock.pass_(1_000_000)
    assert _pull(bench, record) == 0
    assert record.asked == [(job.id, PHONE)]


def test_asked_four_times_and_then_unreported(bench: DeliveryBench, record: Record) -> None:
    """What nobody ever reports is asked about at 2 min, 30 min, 6 h and 72 h, and is unreported then; a late receipt still counts."""
    job = _accepted(bench)
    for before, delay in zip((0.0, *SCHEDULE), SCHEDULE, strict=False):
        bench.clock.pass_(delay - before - 1)
        assert _pull(bench, record) == 0
        assert bench.deliveries.delivery(job.id).state == "waiting"
        bench.clock.pass_(1)
        assert _pull(bench, record) == 1
    assert len(record.asked) == len(SCHEDULE)
    assert bench.deliveries.delivery(job.id).state == "unreported"
    assert bench.deliveries.deliveries(job.id).unreported == 1
    assert _is_forgotten(bench, job)
    bench.deliveries.take([a_report(job.id)])
    assert bench.deliveries.delivery(job.id).state == "delivered"


def test_a_receipt_ends_the_pulling(bench: DeliveryBench, record: Record) -> None:
    """Once the receipt is there, nobody is asked, and the number has left Redis."""
    job = _accepted(bench)
    bench.deliveries.take([a_report(job.id)])
    assert _is_forgotten(bench, job)
    bench.clock.pass_(200)
    assert _pull(bench, record) == 0


def test_only_who_waits_is_asked_about(bench: DeliveryBench, record: Record) -> None:
    """Of several numbers only those are asked about that wait; those that never are reported end as unreported."""
    people = numbers(5)
    job = _accepted(bench, phoneList=people)
    bench.deliveries.take([a_report(job.id, people[0])])
    record.says = {people[1]: "DELIVERED", people[2]: "EXPIRED"}
    for delay in SCHEDULE:
        bench.clock.pass_(delay)
        assert _pull(bench, record) == 1
    asked = [phone for _, phone in record.asked]
    assert asked == people[1:] + people[3:] * 3
    counted = bench.deliveries.deliveries(job.id)
    assert (counted.delivered, counted.failed, counted.unreported) == (2, 1, 2)
    assert _is_forgotten(bench, job)


def test_codes_come_first(bench: DeliveryBench, record: Record) -> None:
    """Of what is due at the same time, verification codes are asked about first."""
    others = [_accepted(bench, lane_name="notification").id for _ in range(3)]
    code = _accepted(bench).id
    bench.clock.pass_(130)
    _pull(bench, record)
    assert record.asked[0][0] == code
    assert sorted(job_id for job_id, _ in record.asked[1:]) == others


@pytest.mark.parametrize("error", ["failed look-up", "no permit", "no element"])
def test_what_proves_nothing_is_asked_again(bench: DeliveryBench, record: Record, error: str) -> None:
    """A failure makes nothing unreported and uses up no pull: the job is asked about again some minutes later."""
    job = _accepted(bench, **({"element": "SMS.Gone"} if error == "no element" else {}))
    record.says[PHONE] = LookupFailed("no_answer", "lost") if error == "failed look-up" else "DELIVERED"
    permits = Free(free=error != "no permit")
    for _ in range(6):
        bench.clock.pass_(301)
        assert _pull(bench, record, permits) == 1
        assert _pull(bench, record, permits) == 0
    assert bench.deliveries.delivery(job.id).state == "waiting"
    assert bench.redis.hget(job_key(job.id), "pulls") == "0"


def test_a_killed_worker(bench: DeliveryBench, record: Record) -> None:
    """What a worker had taken when it was killed is asked about by another one a minute later."""
    job = _accepted(bench)
    bench.clock.pass_(130)

    class Killed(BaseException):
        pass

    def kill(*_: Any, **__: Any) -> bool:
        raise Killed

    with pytest.raises(Killed):
        _pull(bench, record, SimpleNamespace(take=kill))
    bench.clock.pass_(59)
    assert _pull(bench, record) == 0
    bench.clock.pass_(2)
    assert _pull(bench, record) == 1
    assert record.asked == [(job.id, PHONE)]


def test_a_slow_pull_stays_ones_own(bench: DeliveryBench, record: Record) -> None:
    """What a worker has taken is nobody else's, however long it asks."""
    people = numbers(30)
    _accepted(bench, phoneList=people)
    _accepted(bench, phoneList=people)
    bench.clock.pass_(130)
    others: list[int] = []

    def slow(*_: Any, **__: Any) -> bool:
        bench.clock.pass_(20)
        others.append(_pull(bench, Record()))
        return True

    assert _pull(bench, record, SimpleNamespace(take=slow)) == 2
    assert others == [0] * 60
    assert len(record.asked) == 60


def test_a_worker_that_stops(bench: DeliveryBench, record: Record) -> None:
    """What a worker that stops has not asked about, another one may ask about at once."""
    jobs = {_accepted(bench).id for _ in range(3)}
    bench.clock.pass_(130)
    assert _pull(bench, record, stopping=lambda: bool(record.asked)) == 3
    assert len(record.asked) == 1
    assert _pull(bench, record) == 2
    assert {job_id for job_id, _ in record.asked} == jobs


def test_a_sealed_number(bench: DeliveryBench, record: Record) -> None:
    """Where jobs are sealed no number can be read in Redis, and only a worker with the key asks about it."""
    sealed = _accepted(bench)
    assert PHONE not in everything(bench.redis)
    bench.ledger.seal = None
    # A worker without the key leaves the sealed one to another worker.
    bench.clock.pass_(130)
    assert _pull(bench, record) == 0
    bench.ledger.seal = Seal(KEY)
    bench.clock.pass_(301)
    assert _pull(bench, record) == 1
    assert record.asked == [(sealed.id, PHONE)]


def test_a_plain_number(bench: DeliveryBench, record: Record) -> None:
    """Where numbers may be kept without a seal, they leave Redis all the same when their delivery is known."""
    bench.ledger.seal = None
    job = _accepted(bench)
    assert bench.redis.hget(job_key(job.id), "numbers") == PHONE
    record.says[PHONE] = "DELIVERED"
    bench.clock.pass_(130)
    assert _pull(bench, record) == 1
    assert bench.deliveries.delivery(job.id).source == "pull"
    assert _is_forgotten(bench, job)
    assert PHONE not in everything(bench.redis)


@pytest.mark.parametrize(
    ("retention_s", "ends_s"),
    [(259_200, 255_600), (3600, 1800), (864_000, 259_200)],
    ids=["as long", "shorter", "longer"],
)
def test_nobody_is_asked(bench: DeliveryBench, record: Record, retention_s: float, ends_s: float) -> None:
    """Where nobody may be asked, nothing is kept for it; what waits after the last time is unreported, and can be seen so."""
    bench.ledger.retention_s = retention_s
    people = numbers(3)
    job = _accepted(bench, asks=False, phoneList=people)
    assert _is_forgotten(bench, job)
    assert not [each for each in people if each in everything(bench.redis)]
    bench.deliveries.take([a_report(job.id, people[0])])
    bench.clock.pass_(ends_s - 1)
    assert _pull(bench, record) == 0
    assert bench.deliveries.deliveries(job.id).waiting == 2
    bench.clock.pass_(1)
    counted = bench.deliveries.deliveries(job.id)
    assert (counted.waiting, counted.delivered, counted.unreported) == (0, 1, 2)
    assert bench.redis.pttl(job_key(job.id)) > ends_s * 1000
    bench.deliveries.take([a_report(job.id, people[1], "EXPIRED")])
    assert bench.deliveries.delivery(job.id, people[1]).state == "failed"
    bench.deliveries.take([a_report(job.id, people[2])])
    assert "@" not in bench.redis.hget(job_key(job.id), "delivery")


def test_what_a_receipt_settled_ends_too(bench: DeliveryBench) -> None:
    """A receipt that settles a job ends the waiting of its other numbers, which are gone from Redis, after 72 hours."""
    people = numbers(3)
    job = a_job(phoneList=people)
    bench.ledger.record(job)
    granted(bench.ledger, job)
    bench.deliveries.take([a_report(job.id, people[0])])
    assert bench.deliveries.deliveries(job.id).waiting == 2
    bench.clock.pass_(SCHEDULE[-1])
    assert bench.deliveries.deliveries(job.id).unreported == 2


def test_an_unknown_chunk_that_a_receipt_settled_ends_too(bench: DeliveryBench) -> None:
    """In a campaign whose only answer was lost for good, a late receipt settles the chunk, and who stays silent is unreported in the end."""
    people = numbers(3)
    bench.start(people=people)
    (job_id,) = bench.sweep()
    claimed = bench.granted(job_id)
    lost = RequestFailed("x", reason="no_answer", outcome="unknown", out_id=job_id)
    assert bench.ledger.settle(job_id, claimed.token, encode_outcome(lost)).ours
    assert bench.handle(bench.store.ids()[0]).progress().unknown == 3
    bench.deliveries.take([a_report(job_id, people[0])])
    campaign = bench.handle(bench.store.ids()[0])
    assert (campaign.progress().accepted, campaign.progress().awaiting) == (3, 2)
    bench.clock.pass_(SCHEDULE[-1])
    told = campaign.progress()
    assert (told.delivered, told.unreported, told.awaiting) == (1, 2, 0)
    assert bench.deliveries.deliveries(job_id).unreported == 2


@pytest.mark.parametrize("ends", ["@soon", "@-1", "@١", "@", "@@1"])
def test_a_damaged_end(bench: DeliveryBench, ends: str) -> None:
    """An end that cannot be read leaves a delivery as it was reported."""
    job = _accepted(bench, asks=False)
    digests = bench.redis.hget(job_key(job.id), "delivery").partition("@")[0]
    bench.redis.hset(job_key(job.id), "delivery", digests + ends)
    assert bench.deliveries.delivery(job.id).state == "waiting"


def test_a_refused_job_is_not_pulled(bench: DeliveryBench, record: Record) -> None:
    """What was not accepted is not awaited."""
    job = a_job()
    bench.ledger.record(job)
    granted(bench.ledger, job)
    awaited = Awaited(phones=job.message.phones, first_s=1, last_s=2)
    bench.ledger.settle(job.id, "token", failed(job, "unknown"), awaited=awaited)
    bench.clock.pass_(10)
    assert _pull(bench, record) == 0
    assert _is_forgotten(bench, job)


def test_kept_until_the_last_pull(bench: DeliveryBench) -> None:
    """A job that is awaited is kept for longer than its last pull, however short SMS_RETENTION is."""
    job = _accepted(bench)
    assert bench.redis.pttl(job_key(job.id)) > SCHEDULE[-1] * 1000


def _chunk(
    bench: DeliveryBench,
    people: list[str],
    asked: list[str],
    left_out: tuple[int, ...] = (),
    name: str = "test",
) -> str:
    """A campaign's only chunk, accepted; some of its recipients are awaited. Returns its id."""
    bench.start(people=people, name=name)
    (job_id,) = bench.sweep()
    claimed = bench.granted(job_id)
    if left_out:
        assert bench.ledger.leave_out(job_id, claimed.token, left_out)
    awaited = Awaited(phones=tuple(asked), first_s=SCHEDULE[0], last_s=SCHEDULE[-1])
    outcome = SendResult(response={"Code": "OK", "BizId": "biz-1"}, out_id=job_id, attempts=1)
    assert bench.ledger.settle(job_id, claimed.token, encode_outcome(outcome), awaited=awaited).ours
    return job_id


def test_a_sample_of_a_campaign_is_pulled(bench: DeliveryBench, record: Record) -> None:
    """Of a campaign those are asked about that were chosen, each at the four times, and the campaign counts what they told."""
    people = numbers(40)
    job_id = _chunk(bench, people, people[10:30], left_out=(29,))
    bench.deliveries.take([a_report(job_id, people[12])])
    record.says = {people[11]: "DELIVERED", people[13]: "EXPIRED"}
    for delay in SCHEDULE:
        bench.clock.pass_(delay)
        assert _pull(bench, record) == 1
    waits = [each for each in people[10:29] if each not in people[11:14]]
    assert [phone for _, phone in record.asked] == [people[10], people[11], *people[13:29], *waits * 3]
    assert bench.redis.hgetall(job_key(job_id)).keys().isdisjoint({"numbers", "pulls"})
    campaign = bench.handle(bench.store.ids()[0])
    told = campaign.progress()
    assert (told.delivered, told.undelivered, told.unreported, told.awaiting) == (2, 1, 36, 0)
    bench.clock.pass_(1_000_000)
    assert _pull(bench, record) == 0
    assert people[20] not in everything(bench.redis)


@pytest.mark.parametrize(
    ("share", "retention_s", "ends_s", "kept_s"),
    [
        (0, 259_200, 255_600, 259_200),
        (0, 3600, 1800, 3600),
        (0, 864_000, 259_200, 864_000),
        (2, 259_200, 259_200, 262_800),
        (2, 3600, 259_200, 262_800),
    ],
    ids=["nobody is asked", "a short retention", "a long one", "a sample is", "a sample, a short retention"],
)
def test_whoever_is_not_asked_is_unreported(
    bench: DeliveryBench, share: int, retention_s: int, ends_s: int, kept_s: int
) -> None:
    """Whoever of a campaign still waits after the last pull is unreported everywhere, asked or not, and not awaited any more."""
    bench.ledger.retention_s = retention_s
    bench.store = CampaignStore(bench.redis, timeout_s=1, keep_s=retention_s, clock=bench.clock)
    people = numbers(6)
    job_id = _chunk(bench, people, people[:share], left_out=(5,))
    campaign = bench.handle(bench.store.ids()[0])
    bench.deliveries.take([a_report(job_id, people[2]), a_report(job_id, people[3], "EXPIRED")])
    bench.clock.pass_(ends_s - 1)

    def told() -> tuple[int, ...]:
        progress = campaign.progress()
        return (progress.delivered, progress.undelivered, progress.unreported, progress.awaiting)

    assert told() == (1, 1, 0, 3)
    assert _deliveries(campaign) == ["waiting", "waiting", "delivered", "failed", "waiting", None]
    assert bench.deliveries.delivery(job_id, people[0]).state == "waiting"
    bench.clock.pass_(1)
    assert told() == (1, 1, 3, 0)
    assert _deliveries(campaign) == ["unreported", "unreported", "delivered", "failed", "unreported", None]
    assert bench.deliveries.delivery(job_id, people[0]).state == "unreported"
    assert bench.redis.pttl(campaign_key(campaign.id)) == pytest.approx(kept_s * 1000, rel=0.01)
    bench.deliveries.take([a_report(job_id, people[0])])
    assert told() == (2, 1, 2, 0)
    assert bench.deliveries.delivery(job_id, people[0]).state == "delivered"


def _deliveries(campaign: Campaign) -> list[str | None]:
    return [row.delivery for row in campaign.report()]


def test_an_end_waits_for_the_last_chunk(bench: DeliveryBench) -> None:
    """While a campaign's messages are being accepted, its last one tells how long receipts are awaited."""
    campaign = bench.start(2000)
    first, second = bench.sweep()
    bench.send(first)
    bench.clock.pass_(1800)
    assert (campaign.progress().unreported, campaign.progress().awaiting) == (1000, 0)
    bench.send(second)
    assert (campaign.progress().unreported, campaign.progress().awaiting) == (0, 2000)


@pytest.mark.parametrize("ends", ["soon", "-1", "", "1e3", "١٢٣٤"])
def test_a_damaged_end_of_a_campaign(bench: DeliveryBench, ends: str) -> None:
    """An end that cannot be read leaves a campaign's recipients as they were reported."""
    job_id = _chunk(bench, numbers(2), [])
    (campaign_id,) = bench.store.ids()
    bench.redis.hset(campaign_key(campaign_id), "waits_until", ends)
    assert bench.handle(campaign_id).progress().awaiting == 2
    assert bench.deliveries.deliveries(job_id).waiting == 2


def test_numbers_of_a_chunk_leave_redis_once_all_are_known(bench: DeliveryBench, record: Record) -> None:
    """A chunk of which nobody waits is not asked about, and at its next pull what was kept for that leaves Redis."""
    people = numbers(5)
    job_id = _chunk(bench, people, people)
    bench.deliveries.take([a_report(job_id, each) for each in people])
    assert "numbers" in bench.redis.hgetall(job_key(job_id))
    bench.clock.pass_(130)
    assert _pull(bench, record) == 1
    assert record.asked == []
    assert "numbers" not in bench.redis.hgetall(job_key(job_id))
    assert not list(bench.redis.scan_iter("*:pulls:*"))
    assert bench.deliveries.deliveries(job_id).delivered == 5


def test_chunks_come_last(bench: DeliveryBench, record: Record) -> None:
    """A large chunk that was due first holds up nobody's notification."""
    people = numbers(30)
    _chunk(bench, people, people)
    bench.clock.pass_(1)
    job = _accepted(bench, lane_name="notification", phoneList=["13900139000"])
    bench.clock.pass_(130)
    assert _pull(bench, record) == 2
    assert record.asked[0] == (job.id, "13900139000")


def test_a_code_waits_for_one_chunk_at_most(bench: DeliveryBench, record: Record) -> None:
    """A chunk that takes long leaves what is behind it to the next pass, which asks about the codes that came due meanwhile first."""
    first, second = numbers(30), [f"139{n:08d}" for n in range(30)]
    _chunk(bench, first, first)
    _chunk(bench, second, second, name="other")
    code = _accepted(bench, lane_name="verification")
    bench.redis.zadd(f"sms:{{{code.id[:6]}}}:pulls:codes", {code.id: 9_000_000_000_000})
    bench.clock.pass_(130)
    # Each answer takes 3 seconds.
    pull = Pull(
        *(bench.deliveries, Places(bench.redis), record, Free()),
        schedule_s=SCHEDULE,
        max_qps=10,
        clock=lambda: 3.0 * len(record.asked),
    )
    pull.run_once()
    assert len(record.asked) == 30
    bench.redis.zadd(f"sms:{{{code.id[:6]}}}:pulls:codes", {code.id: 1})
    pull.run_once()
    assert record.asked[30] == (code.id, PHONE)
    assert len(record.asked) == 61
    assert len(set(record.asked)) == 61


def test_a_later_campaign_of_the_name_is_left_alone(bench: DeliveryBench, record: Record) -> None:
    """A chunk whose campaign was forgotten gives nobody up in the campaign that has its name now."""
    people = numbers(3)
    job_id = _chunk(bench, people, people)
    bench.clock.pass_(130)
    (due,) = bench.deliveries.due_pulls(tag_of_job(job_id) or "", most=9, lease_s=1)
    bench.redis.hset(campaign_key(job_id.rsplit("-", 2)[0]), "generation", "later")
    assert bench.deliveries.pulled(due, next_s=None) == 0
    assert "numbers" not in bench.redis.hgetall(job_key(job_id))


def test_a_pull_that_is_late_changes_nothing(bench: DeliveryBench, record: Record) -> None:
    """A worker that comes back after another has pulled counts no pull twice."""
    job = _accepted(bench)
    bench.clock.pass_(130)
    tag = job.id[:6]
    (due,) = bench.deliveries.due_pulls(tag, most=9, lease_s=1)
    bench.clock.pass_(2)
    _pull(bench, record)
    assert bench.redis.hget(job_key(job.id), "pulls") == "1"
    assert bench.deliveries.pulled(due, next_s=None) == 0
    assert bench.deliveries.delivery(job.id).state == "waiting"

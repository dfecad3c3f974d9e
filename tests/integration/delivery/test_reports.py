"""Reports of deliveries: taken once, in any order, and only of what the ledger knows."""

import pytest

from smsjobs.contract import InvalidArguments, JobRecord
from smsjobs.delivery import Delivery, DeliveryStore
from smsjobs.ledger import Awaited
from smsjobs.redis_store import Scripts, Seal
from support.campaigns import counted, numbers, outcomes, refused, unknown
from support.keys import agenda, campaign_key, job_key
from support.ledgers import PHONE, a_job, accepted, everything, failed, granted
from support.receipts import SENT_AT, DeliveryBench, a_report


def _accepted(bench: DeliveryBench, **more: object) -> JobRecord:
    job = a_job(**more)
    bench.ledger.record(job)
    granted(bench.ledger, job)
    bench.ledger.settle(job.id, "token", accepted(job))
    return job


@pytest.mark.parametrize("job_id", [None, "a-plain-clients-own-id"], ids=["our id", "a plain client's id"])
def test_a_report_is_written(bench: DeliveryBench, job_id: str | None) -> None:
    """A job waits for its receipt, and then has what the receipt says."""
    job = _accepted(bench, **({"id": job_id} if job_id else {}))
    assert bench.deliveries.delivery(job.id) == Delivery()
    taken = bench.deliveries.take([a_report(job.id, err_code="MOBILE_IN_BLACK", parts=2)])
    assert (dict(taken.counts), taken.settled) == ({"written": 1}, [])
    expected = Delivery(
        state="failed",
        err_code="MOBILE_IN_BLACK",
        parts=2,
        sent_at=SENT_AT,
        reported_at=SENT_AT,
        source="push",
    )
    assert (
        bench.deliveries.delivery(job.id) == bench.deliveries.delivery(job.id, "+86 13800138000") == expected
    )
    counted = bench.deliveries.deliveries(job.id)
    assert (counted.total, counted.failed, counted.by_code) == (1, 1, {"MOBILE_IN_BLACK": 1})


def test_what_is_final_stays_final(bench: DeliveryBench) -> None:
    """The first final report holds: the same one, another one, and one that is not final change nothing."""
    job = _accepted(bench)
    early = a_report(job.id, err_code="REQUEST_SUCCESS")
    assert dict(bench.deliveries.take([early]).counts) == {"repeated": 1}
    assert bench.deliveries.delivery(job.id).state == "waiting"
    bench.deliveries.take([a_report(job.id)])
    known = bench.deliveries.delivery(job.id)
    for late in (a_report(job.id), a_report(job.id, err_code="EXPIRED", source="pull"), early):
        assert dict(bench.deliveries.take([late, late]).counts) == {"repeated": 2}
        assert bench.deliveries.delivery(job.id) == known


def test_each_of_many_numbers(bench: DeliveryBench) -> None:
    """Each number of a job has its own delivery, whatever the order of reports, and the counts add up."""
    people = numbers(1000)
    job = _accepted(bench, phoneList=people)
    reports = [
        a_report(job.id, each, "DELIVERED" if n % 3 else "EXPIRED") for n, each in enumerate(people[:900])
    ]
    assert bench.deliveries.take(reports[::-1]).counts["written"] == 900
    assert [bench.deliveries.delivery(job.id, people[n]).state for n in (0, 1, 899, 900)] == [
        "failed", "delivered", "delivered", "waiting",
    ]  # fmt: skip
    counted = bench.deliveries.deliveries(job.id)
    assert (counted.total, counted.delivered, counted.failed, counted.waiting) == (1000, 600, 300, 100)
    assert counted.by_code == {"DELIVERED": 600, "EXPIRED": 300}
    for phone in (None, "13900000000"):
        with pytest.raises(InvalidArguments) as wrong:
            bench.deliveries.delivery(job.id, phone)
        assert wrong.value.argument == "phone"


def test_strangers_are_counted_and_dropped(bench: DeliveryBench) -> None:
    """A report of an unknown or impossible id, or of a number that the job has not, changes nothing in Redis."""
    job = _accepted(bench)
    before = everything(bench.redis)
    taken = bench.deliveries.take(
        [
            a_report(a_job().id),
            a_report("somebody-elses-id"),
            a_report("{not} an id"),
            a_report(""),
            a_report(job.id, "13900000000"),
            a_report(job.id, "everybody"),
        ]
    )
    assert dict(taken.counts) == {"unknown_job": 4, "unknown_number": 2}
    assert everything(bench.redis) == before


@pytest.mark.parametrize("outcome", ["rejected", "not_sent"])
def test_of_a_refused_job_nothing_is_delivered(bench: DeliveryBench, outcome: str) -> None:
    """A report makes no refused job look accepted; its recipient's digest is gone, and it has no delivery."""
    job = a_job()
    bench.ledger.record(job)
    granted(bench.ledger, job)
    bench.ledger.settle(job.id, "token", failed(job, outcome))
    before = everything(bench.redis)
    assert "delivery" not in bench.redis.hgetall(job_key(job.id))
    assert dict(bench.deliveries.take([a_report(job.id)]).counts) == {"refused_job": 1}
    # Also when it was refused after the store had looked.
    step = {"id": job.id, "numbers": 1, "biz_id": "", "keep": 1000}
    keys = {"job": job_key(job.id), "agenda": agenda()}
    assert Scripts("delivery").run("report", bench.redis, keys, [0, "d", "DELIVERED", "p1"], **step) == [
        "refused"
    ]
    assert everything(bench.redis) == before
    assert bench.deliveries.deliveries(job.id).total == 0
    with pytest.raises(InvalidArguments) as refused:
        bench.deliveries.delivery(job.id)
    assert refused.value.reason == "not_accepted"


def test_no_job_no_delivery(bench: DeliveryBench) -> None:
    """A job that the ledger does not know is said to be unknown."""
    for ask in (bench.deliveries.delivery, bench.deliveries.deliveries):
        with pytest.raises(InvalidArguments) as unknown:
            ask(a_job().id)
        assert unknown.value.reason == "job_not_found"


def test_no_number_comes_back(bench: DeliveryBench) -> None:
    """After its settlement a job's number is not in Redis, with and without a report."""
    job = _accepted(bench)
    assert PHONE not in everything(bench.redis)
    bench.deliveries.take([a_report(job.id)])
    assert PHONE not in everything(bench.redis)


def test_recipients_of_a_campaign(bench: DeliveryBench) -> None:
    """A chunk's recipients each have a delivery; its campaign counts them, and they live as long as its report."""
    campaign = bench.start(2500)
    for job_id in bench.sweep():
        bench.send(job_id)
    job_id = f"{campaign.id}-{bench.redis.hget(campaign_key(campaign.id), 'generation')}-2"
    people = numbers(2500)[2000:]
    reports = [a_report(job_id, each, "DELIVERED" if n % 5 else "EXPIRED") for n, each in enumerate(people)]
    store = bench.deliveries
    assert store.take([*reports[:300], a_report(job_id, "13800138000")]).counts == {
        "written": 300,
        "unknown_number": 1,
    }
    assert store.take(reports).counts == {"written": 200, "repeated": 300}
    assert bench.deliveries.delivery(job_id, people[5]).err_code == "EXPIRED"
    assert bench.deliveries.deliveries(job_id).delivered == 400
    progress = campaign.progress()
    assert (progress.delivered, progress.undelivered, progress.awaiting) == (400, 100, 2000)
    assert progress.by_err_code == progress.to_json()["by_err_code"] == {"DELIVERED": 400, "EXPIRED": 100}
    rows = {row.phone: row for row in campaign.report()}
    assert (rows[people[5]].delivery, rows[people[5]].err_code) == ("failed", "EXPIRED")
    assert rows[people[6]].reported_at == "2026-11-28T04:00:00+00:00"
    assert (rows["13800138000"].delivery, rows["13800138000"].err_code) == ("waiting", None)
    counters = bench.redis.hgetall(campaign_key(campaign.id))
    assert (counters["delivered"], counters["undelivered"]) == ("400", "100")
    assert bench.redis.hgetall(campaign_key(campaign.id, "err_codes")) == {
        "DELIVERED": "400",
        "EXPIRED": "100",
    }
    for part in ("", ":delivered", ":err_codes"):
        assert bench.redis.pttl(f"{campaign_key(campaign.id)}{part}") > 0, part


def test_recipients_of_halves(bench: DeliveryBench) -> None:
    """A half of a refused chunk has deliveries of its own recipients, and a report of the other half's is not theirs."""
    campaign = bench.start(5)
    (whole,) = bench.sweep()
    bench.settle(bench.granted(whole), refused(), halve=True)
    first, second = bench.sweep()
    bench.send(first)
    bench.settle(bench.granted(second), unknown())
    people = numbers(5)
    reports = [a_report(job_id, each) for job_id in (whole, first, second) for each in people]
    taken = bench.deliveries.take(reports)
    assert taken.counts == {"refused_job": 5, "written": 5, "unknown_number": 5}
    assert bench.deliveries.take(reports).counts == {"refused_job": 5, "repeated": 5, "unknown_number": 5}
    assert bench.deliveries.deliveries(first).delivered == 3
    assert bench.deliveries.delivery(second, people[4]).err_code == "DELIVERED"
    assert counted(campaign.progress()) == outcomes(campaign.report()) == {"accepted": 5}
    assert bench.redis.hget(campaign_key(campaign.id), "delivered") == "5"


def test_sealed_recipients_need_the_key(bench: DeliveryBench) -> None:
    """Without the key that a campaign's recipients are sealed with, reports of it are counted, and nothing is lost with it."""
    key = "0" * 43 + "="
    bench.store._seal = bench.ledger.seal = Seal(key)
    bench.start(10)
    (job_id,) = bench.sweep()
    bench.send(job_id)
    bench.ledger.seal = None
    assert dict(bench.deliveries.take([a_report(job_id)]).counts) == {"sealed": 1}
    bench.ledger.seal = Seal(key)
    assert dict(bench.deliveries.take([a_report(job_id)]).counts) == {"written": 1}


def test_a_later_campaign_of_the_name_is_left_alone(bench: DeliveryBench) -> None:
    """A late report of an earlier campaign's chunk is not counted in the campaign that has its name now."""
    campaign = bench.start(10)
    (job_id,) = bench.sweep()
    bench.send(job_id)
    for part in bench.redis.scan_iter(f"{campaign_key(campaign.id)}*"):
        if not part.endswith(":rows"):
            bench.redis.delete(part)
    bench.clock.pass_(1)
    bench.start(10)
    assert dict(bench.deliveries.take([a_report(job_id)]).counts) == {"unknown_job": 1}


def test_codes_without_end_are_bounded(bench: DeliveryBench) -> None:
    """An element keeps at most 1,295 carriers' codes; a further one reads as OTHER."""
    people = numbers(1000)
    for round_ in range(2):
        job = _accepted(bench, phoneList=people)
        bench.deliveries.take([a_report(job.id, each, f"C{round_}:{n}") for n, each in enumerate(people)])
    assert bench.redis.hlen(f"sms:{{{job.id[:6]}}}:err_codes") == 1295
    assert bench.deliveries.delivery(job.id, people[0]).err_code == "C1:0"
    assert bench.deliveries.delivery(job.id, people[-1]).err_code == "OTHER"


def test_memory_of_a_job(bench: DeliveryBench) -> None:
    """The delivery of a job with one number costs at most 100 bytes of Redis, waiting or reported, its digest included."""

    def cost(*, is_reported: bool) -> int:
        job = a_job()
        bench.ledger.record(job)
        granted(bench.ledger, job)
        bench.ledger.settle(
            job.id, "token", accepted(job), awaited=Awaited(phones=(), first_s=120, last_s=259_200)
        )
        if is_reported:
            bench.deliveries.take([a_report(job.id, err_code="MOBILE_NOT_ON_SERVICE")])
        name = job_key(job.id)
        whole = bench.redis.memory_usage(name, samples=0)
        bench.redis.hdel(name, "delivery")
        return int(whole - bench.redis.memory_usage(name, samples=0))

    # Redis may be in the middle of moving one of the hashes to a table of another size.
    for is_reported in (False, True):
        costs = [cost(is_reported=is_reported) for _ in range(5)]

        assert min(costs) <= 100


def test_memory_of_a_campaign(bench: DeliveryBench) -> None:
    """The deliveries of a million recipients cost at most 30 MiB."""
    count = 6000
    campaign = bench.start(count)
    store: DeliveryStore = bench.deliveries
    for job_id in bench.sweep():
        bench.send(job_id)
        store.take([a_report(job_id, each) for each in bench.recipients(job_id)])
    kept = bench.redis.memory_usage(campaign_key(campaign.id, "delivered"), samples=0)
    assert kept * 1_000_000 / count <= 30 * 2**20

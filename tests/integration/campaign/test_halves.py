"""Chunks that are refused for one recipient, and sent again in halves."""

import math
import random
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from smsjobs.campaign import Campaign, CampaignStore
from smsjobs.contract import RequestFailed, encode_outcome, lane, make_chunk
from smsjobs.ledger import Granted, NotDue, Settled
from smsjobs.redis_store import Seal, unseal
from support.campaigns import KEEP_S, Bench, counted, numbers, outcomes, refused, unknown
from support.keys import campaign_key, job_key

CODE = "isv.MOBILE_NUMBER_ILLEGAL"


class Aliyun:
    """Refuses each request that has a guilty number, and notes to whom it accepted a message.

    Args:
        bench: Where the jobs are.
        guilty: The numbers.
    """

    def __init__(self, bench: Bench, guilty: Collection[str]) -> None:
        self.bench = bench
        self.guilty = set(guilty)
        self.requests = 0
        self.accepted: Counter[str] = Counter()

    def send(self, job_id: str) -> None:
        """Carry a job on as a worker does."""
        granted = self.bench.granted(job_id)
        phones = self.phones(granted)
        self.requests += 1
        if self.guilty.isdisjoint(phones):
            self.accepted.update(phones)
            self.bench.settle(granted)
        else:
            self.bench.settle(granted, refused(CODE), halve=len(phones) > 1)

    def phones(self, granted: Granted) -> tuple[str, ...]:
        """To whom a request of that job goes."""
        assert granted.chunk is not None
        opened = (unseal(each, self.bench.ledger.seal) for each in granted.chunk)
        return make_chunk(granted.job_id, granted.job, *opened).message.phones

    def send_all(self, *, rounds: int = 12) -> None:
        """Until nothing is left to be sent."""
        for _ in range(rounds):
            for job_id in self.bench.sweep():
                self.send(job_id)

    def audit(self, campaign: Campaign) -> None:
        """See that exactly the guilty are refused, and every other recipient has one message."""
        progress = campaign.progress()
        rows = list(campaign.report())
        assert {row.phone for row in rows if row.outcome == "rejected"} == self.guilty
        assert self.accepted == Counter(row.phone for row in rows if row.outcome == "accepted")
        assert set(self.accepted.values()) <= {1}
        assert (progress.state, progress.rejected, progress.accepted) == (
            "finished",
            len(self.guilty),
            len(rows) - len(self.guilty),
        )
        assert Counter(progress.by_code) == +Counter({"OK": progress.accepted, CODE: progress.rejected})
        assert self.requests == progress.requests == progress.chunks + 2 * progress.halved


def people(count: int) -> list[dict[str, str]]:
    """Recipients with parameters of their own, so that they come in batches of 100."""
    return [{"phone": number, "name": f"n{n}"} for n, number in enumerate(numbers(count))]


@pytest.mark.parametrize("size", [2, 3, 5, 64, 100, 999, 1000])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_one_of_many(bench: Bench, size: int, place: float) -> None:
    """One guilty recipient, wherever he stands, costs at most 2·log2(n) requests more, and all others get theirs."""
    guilty = numbers(size)[round(place * (size - 1))]
    aliyun = Aliyun(bench, [guilty])
    campaign = bench.start(size)
    aliyun.send_all()
    aliyun.audit(campaign)
    assert aliyun.requests <= 1 + 2 * math.ceil(math.log2(size))


@pytest.mark.parametrize("personal", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_any_of_many(bench: Bench, personal: bool, share: float) -> None:
    """However many are guilty, exactly they are refused; who gets which text does not change."""
    count = 1100 if share < 0.1 else 90  # a hundred that are refused would pause it
    chance = random.Random(4)
    guilty = [number for number in numbers(count) if chance.random() < share]
    aliyun = Aliyun(bench, guilty)
    campaign = bench.start(people=people(count) if personal else numbers(count))
    aliyun.send_all()
    aliyun.audit(campaign)
    bound = sum(math.ceil(math.log2(100 if personal else 1000)) for _ in guilty)
    assert aliyun.requests <= campaign.progress().chunks + 2 * bound


def test_most_are_guilty(bench: Bench) -> None:
    """A campaign of which most are refused pauses once, long before each is asked for, and resuming sends to the rest."""
    campaign = bench.start(people=people(500))
    aliyun = Aliyun(bench, numbers(420))
    for _ in range(12):
        for job_id in bench.sweep():
            if campaign.progress().state == "running":
                aliyun.send(job_id)
    progress = campaign.progress()
    assert (progress.state, progress.rejected > progress.accepted) == ("paused", True)
    assert progress.reason.startswith("most recipients are refused")
    assert progress.pending > 0
    campaign.resume()
    aliyun.send_all()
    bench.clock.pass_(60)
    aliyun.send_all()
    aliyun.audit(campaign)


def test_halves_are_jobs(bench: Bench) -> None:
    """A refused chunk's job ends as rejected; each half is a job with an id of its own, which the report shows."""
    campaign = bench.start(5)
    aliyun = Aliyun(bench, [numbers(5)[4]])
    (whole,) = bench.sweep()
    aliyun.send(whole)
    assert isinstance(bench.claim(whole), Settled)
    halves = bench.sweep()
    assert halves == [f"{whole}a", f"{whole}b"]
    assert [len(bench.recipients(job_id)) for job_id in halves] == [3, 2]
    assert counted(campaign.progress()) == {"pending": 5}
    for job_id in halves:
        aliyun.send(job_id)
    aliyun.send_all()
    assert [row.out_id for row in campaign.report()] == [f"{whole}a"] * 3 + [f"{whole}ba", f"{whole}bb"]
    assert [row.line for row in campaign.report()] == [1, 2, 3, 4, 5]
    codes = [(row.code, row.aliyun_code) for row in campaign.report()]
    assert codes == [(None, "OK")] * 4 + [(46002, CODE)]
    assert (campaign.progress().chunks, campaign.progress().halved) == (1, 2)


def test_each_gets_his_own_text(bench: Bench) -> None:
    """A half has the parameters of its own recipients, and one alone has them as those of a single message."""
    bench.start(people=people(4), params={"event": "维护"})
    aliyun = Aliyun(bench, numbers(4)[3:])
    texts: dict[str, str] = {}
    for _ in range(3):
        for job_id in bench.sweep():
            granted = bench.granted(job_id)
            assert granted.chunk is not None
            message = make_chunk(job_id, granted.job, *granted.chunk).message
            own = message.params_of_each or (message.params,)
            assert bool(message.params_of_each) == (len(message.phones) > 1)
            assert {each["event"] for each in own} == {"维护"}
            texts |= zip(message.phones, (each["name"] for each in own), strict=True)
            bench.settle(
                granted,
                refused() if set(message.phones) & aliyun.guilty else None,
                halve=len(own) > 1 and bool(set(message.phones) & aliyun.guilty),
            )
    assert texts == {each["phone"]: each["name"] for each in people(4)}


def test_parameters_go_with_the_last(bench: Bench) -> None:
    """Halves keep their parameters together until the last recipient has an outcome, and no longer."""
    campaign = bench.start(people=people(250))
    aliyun = Aliyun(bench, numbers(2))
    params, left = (campaign_key(campaign.id, part) for part in ("params", "left"))
    first, second, _third = bench.sweep()
    aliyun.send(first)
    aliyun.send(second)
    for _ in range(8):
        jobs = [job_id for job_id in bench.sweep() if job_id.startswith(first)]
        for job_id in jobs:
            assert sorted(bench.redis.hkeys(params)) == ["0", "2"]
            aliyun.send(job_id)
    assert bench.redis.hkeys(params) == ["2"]
    assert not bench.redis.exists(left)


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_step_that_is_repeated(bench: Bench, repeats: int) -> None:
    """A worker that did not hear whether its chunk was halved asks again, and nothing is halved twice."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    granted = bench.granted(job_id)
    for _ in range(repeats):
        bench.settle(granted, refused(), halve=True)
    assert campaign.progress().halved == 1
    assert len(bench.sweep()) == 2
    assert bench.redis.llen(campaign_key(campaign.id, "pending")) == 0


def test_a_holder_that_was_overtaken(bench: Bench) -> None:
    """Whose lease ran out halves nothing: another worker looks up what became of the request."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    late = bench.granted(job_id)
    bench.clock.pass_(31)
    bench.sweep()
    assert not bench.ledger.settle(job_id, late.token, encode_outcome(refused()), halve=True).ours
    granted = bench.granted(job_id)
    assert granted.state == "looking_up"
    assert not bench.ledger.settle(job_id, late.token, encode_outcome(refused()), halve=True).ours
    assert campaign.progress().halved == 0
    bench.settle(granted, unknown())
    assert counted(campaign.progress()) == {"unknown": 1000}


def test_killed_before_and_after(bench: Bench) -> None:
    """A worker that dies before the step leaves a chunk to be looked up, and one that dies after it leaves two halves."""
    campaign = bench.start(2000)
    before, after = bench.sweep()
    bench.granted(before)
    bench.settle(bench.granted(after), refused(), halve=True)
    bench.clock.pass_(31)
    assert bench.sweep() == [before, f"{after}a", f"{after}b"]
    bench.settle(bench.granted(before), unknown())
    for half in (f"{after}a", f"{after}b"):
        bench.send(half)
    assert counted(campaign.progress()) == {"accepted": 1000, "unknown": 1000}
    assert outcomes(campaign.report()) == {"accepted": 1000, "unknown": 1000}
    assert campaign.progress().state == "finished"


def test_every_end_of_a_half(bench: Bench) -> None:
    """A half may expire, be lost, be interrupted or refused like any chunk, and all are counted."""
    campaign = bench.start(1000)
    (whole,) = bench.sweep()
    bench.settle(bench.granted(whole), refused(), halve=True)
    for half in bench.sweep():
        bench.settle(bench.granted(half), refused(), halve=True)
    ends = [None, unknown(), refused(), RequestFailed("late", reason="expired", outcome="not_sent")]
    jobs = bench.sweep()
    assert [job_id.removeprefix(whole) for job_id in jobs] == ["aa", "ab", "ba", "bb"]
    for job_id, end in zip(jobs, ends, strict=True):
        bench.send(job_id, end)
    wanted = {"accepted": 250, "unknown": 250, "rejected": 250, "not_sent": 250}
    assert counted(campaign.progress()) == outcomes(campaign.report()) == wanted
    assert campaign.progress().state == "finished"


def test_a_half_expires(bench: Bench) -> None:
    """A half has the whole life of a chunk before it, and is settled by the sweep when that is over."""
    campaign = bench.start(1000)
    (whole,) = bench.sweep()
    life_s = lane("bulk").expires_s
    bench.clock.pass_(life_s - 60)
    bench.settle(bench.granted(whole), refused(), halve=True)
    first, second = bench.sweep()
    bench.clock.pass_(life_s - 60)
    bench.send(first)
    bench.clock.pass_(120)
    expired = [due.job_id for due in bench.ledger.sweep() if due.verb == "expired"]
    assert expired == [second]
    late = encode_outcome(RequestFailed("late", reason="expired", outcome="not_sent"))
    assert bench.ledger.settle(second, "", late, outside_task=True).ours
    assert counted(campaign.progress()) == {"accepted": 500, "not_sent": 500}


@pytest.mark.parametrize(
    "paused", ["before the refusal", "after it", "when they are jobs", "when one is held"]
)
def test_paused_amid_halves(bench: Bench, paused: str) -> None:
    """A pause holds halves as it holds chunks, whenever it comes, and resuming sends them."""
    campaign = bench.start(100)
    aliyun = Aliyun(bench, numbers(100)[70:71])
    (whole,) = bench.sweep()
    granted = bench.granted(whole)
    if paused == "before the refusal":
        campaign.pause()
    bench.settle(granted, refused(), halve=True)
    aliyun.requests += 1
    if paused == "after it":
        campaign.pause()
    jobs = bench.sweep()
    if paused in ("when they are jobs", "when one is held"):
        held = bench.granted(jobs[0]) if paused == "when one is held" else None
        campaign.pause()
        assert isinstance(bench.claim(jobs[1]), NotDue)
        if held:
            bench.wait(held, attempts=0)
    bench.clock.pass_(30 * 86400)
    assert bench.sweep() == []
    assert counted(campaign.progress()) == {"pending": 100}
    campaign.resume()
    aliyun.send_all()
    aliyun.audit(campaign)


@pytest.mark.parametrize(
    "cancelled", ["before the refusal", "after it", "when they are jobs", "when one is held"]
)
def test_cancelled_amid_halves(bench: Bench, cancelled: str) -> None:
    """A cancellation counts what was not sent as such, the halves of a refused chunk too, and nobody is left out."""
    campaign = bench.start(people=people(300))
    first, second, third = bench.sweep()
    bench.send(third)
    bench.settle(bench.granted(second), refused(), halve=True)
    granted = bench.granted(first)
    wanted = {"accepted": 100, "not_sent": 200}
    if cancelled == "before the refusal":
        campaign.cancel()
        assert counted(campaign.progress()) == {"accepted": 100, "not_sent": 100, "pending": 100}
    bench.settle(granted, refused(), halve=True)
    if cancelled == "after it":
        campaign.cancel()
    jobs = bench.sweep()
    if cancelled == "when they are jobs":
        campaign.cancel()
    if cancelled == "when one is held":
        held = bench.granted(jobs[0])
        campaign.cancel()
        assert counted(campaign.progress()) == {"accepted": 100, "not_sent": 150, "pending": 50}
        assert outcomes(campaign.report()) == {"accepted": 100, "not_sent": 150, "pending": 50}
        bench.settle(held)
        wanted = {"accepted": 150, "not_sent": 150}
    progress = campaign.progress()
    assert (progress.state, progress.ended, counted(progress)) == ("cancelled", True, wanted)
    assert outcomes(campaign.report()) == wanted
    assert {row.reason for row in campaign.report() if row.outcome == "not_sent"} == {"cancelled"}
    assert progress.by_code == {"OK": wanted["accepted"], "cancelled": wanted["not_sent"]}
    assert bench.sweep() == []


def test_the_night_of_promotional_messages(bench: Bench) -> None:
    """A chunk that is refused at the end of the day has its halves sent in the morning."""
    bench.clock.now = datetime(2099, 3, 3, 11, 50, tzinfo=UTC).timestamp()  # 19:50 in Beijing
    campaign = bench.start(100, promotional=True)
    aliyun = Aliyun(bench, numbers(1))
    (whole,) = bench.sweep()
    granted = bench.granted(whole)
    bench.clock.pass_(timedelta(minutes=20).total_seconds())
    aliyun.requests += 1
    bench.settle(granted, refused(), halve=True)
    assert bench.sweep() == []
    bench.clock.pass_(timedelta(hours=12).total_seconds())
    aliyun.send_all()
    aliyun.audit(campaign)


def test_a_half_stops_its_campaign(bench: Bench) -> None:
    """A half that is refused for what concerns everybody goes back to its campaign, which pauses."""
    campaign = bench.start(100)
    aliyun = Aliyun(bench, numbers(1))
    aliyun.send(bench.sweep()[0])
    first, second = bench.sweep()
    aliyun.send(second)
    granted = bench.granted(first)
    assert bench.ledger.put_back(first, granted.token, attempts=1, reason="no money") == "ok"
    assert campaign.progress().state == "paused"
    assert counted(campaign.progress()) == {"accepted": 50, "pending": 50}
    campaign.resume()
    aliyun.send_all()
    aliyun.audit(campaign)


def test_sealed_halves(bench: Bench) -> None:
    """Halves are read from what their chunk was sealed as, by whoever has the key."""
    seal = bench.ledger.seal = Seal(Fernet.generate_key().decode())
    bench.store = CampaignStore(bench.redis, timeout_s=1, keep_s=KEEP_S, clock=bench.clock, seal=seal)
    campaign = bench.start(people=people(100))
    aliyun = Aliyun(bench, numbers(2))
    aliyun.send_all()
    aliyun.audit(campaign)


def test_gone_meanwhile(bench: Bench) -> None:
    """A chunk whose campaign Redis has lost is settled, and nothing of the campaign comes back."""
    campaign = bench.start(100)
    granted = bench.granted(bench.sweep()[0])
    for found in bench.redis.scan_iter(campaign_key(campaign.id) + "*"):
        bench.redis.delete(found)
    bench.settle(granted, refused(), halve=True)
    assert not list(bench.redis.scan_iter(campaign_key(campaign.id) + "*"))


def test_kept_no_longer(bench: Bench) -> None:
    """All that is kept of halves goes with their campaign."""
    campaign = bench.start(people=people(100))
    aliyun = Aliyun(bench, numbers(3))
    aliyun.send_all()
    aliyun.audit(campaign)
    for found in bench.redis.scan_iter(campaign_key(campaign.id) + "*"):
        assert bench.redis.pttl(found) > 0, found
    jobs = [row.out_id for row in campaign.report()]
    assert all(bench.redis.pttl(job_key(str(job_id))) > 0 for job_id in jobs)

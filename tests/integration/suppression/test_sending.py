"""The check just before each request: who is left out, and what becomes of all others."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import redis
from cryptography.fernet import Fernet

from smsjobs.campaign import Campaign
from smsjobs.contract import LANES, AliyunRejected, Message, RequestFailed
from smsjobs.delivery import DeliveryStore, Report
from smsjobs.ledger import Ledger
from smsjobs.redis_store import Seal
from smsjobs.suppression import Feeding, SuppressedNumbers, Suppression
from smsjobs_worker.provider import AnswerLost, NotSent, Provider
from smsjobs_worker.sending.follow_up import FollowUp
from smsjobs_worker.sending.leases import Leases
from smsjobs_worker.sending.sender import Done, Sender
from smsjobs_worker.sending.suppressions import Suppressions
from support.campaigns import Bench, counted, numbers
from support.keys import campaign_key
from support.ledgers import PHONE, a_job


class Aliyun(Provider):
    """An element, its provider and its permits, which accepts everything unless it is told otherwise."""

    looks_up = True
    sends_batches = True

    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.sent: list[Message] = []
        self.asked: list[str] = []
        self.found: set[str] = set()
        self.permit: Callable[[], object] = lambda: None

    def provider(self, full_name: str) -> Provider:
        """Itself."""
        return self

    def take(self, *args: Any, **more: Any) -> bool:
        """A permit, for which a request may have waited."""
        self.permit()
        return True

    def send(self, message: Message, *, out_id: str, **more: Any) -> Mapping[str, Any]:
        """One request."""
        self.sent.append(message)
        if self.answers:
            raise self.answers.pop(0)
        return {"Code": "OK", "BizId": "1^0"}

    def find(self, phone: str, **more: Any) -> bool:
        """One look-up."""
        self.asked.append(phone)
        return phone in self.found

    def blames(self, refusal: AliyunRejected) -> Any:
        """Every refusal is a number's."""
        return "number"


class Stage:
    """A bench with a real sender and a list."""

    def __init__(self, client: "redis.Redis") -> None:
        self.bench = Bench(client)
        self.listed = SuppressedNumbers(client, seal=None)
        self.aliyun = Aliyun()
        ledger = self.bench.ledger
        self.sender = self._sender(ledger)

    def _sender(self, ledger: Ledger) -> Sender:
        return Sender(
            ledger,
            self.aliyun,
            Leases(ledger, lease_s=30),
            self.aliyun,
            lanes={name: replace(lane, lookups_s=(1.0, 2.0)) for name, lane in LANES.items()},
            lease_s=30,
            patience_s=1,
            suppressions=Suppressions(numbers=self.listed, ledger=ledger),
            follow_up=FollowUp(feeding=Feeding(numbers=self.listed, refused_scope="all")),
        )

    def add(self, *phones: str, scope: Any = "promotional") -> None:
        """Suppress numbers."""
        self.listed.put([Suppression.read(phone, scope=scope) for phone in phones])

    def send_all(self, rounds: int = 20) -> None:
        """Until nothing is left to be done."""
        for _ in range(rounds):
            for job_id in self.bench.sweep():
                self.sender.run(job_id)
            self.bench.clock.pass_(3)

    def got(self) -> Counter[str]:
        """Who got how many messages, if every request was accepted."""
        return Counter(phone for message in self.aliyun.sent for phone in message.phones)


@pytest.fixture
def stage(client: "redis.Redis") -> Iterator[Stage]:
    """A stage on an empty Redis."""
    return Stage(client)


def _audit(campaign: Campaign, gone: set[str], got: Counter[str]) -> None:
    rows, progress = list(campaign.report()), campaign.progress()
    left_out = [row for row in rows if row.phone in gone]
    assert {
        (row.outcome, row.code, row.reason, row.aliyun_code, row.biz_id, row.delivery) for row in left_out
    } <= {("not_sent", 46003, "suppressed", None, None, None)}
    assert {row.outcome for row in rows if row.phone not in gone} <= {"accepted"}
    assert got == Counter(row.phone for row in rows if row.phone not in gone)
    assert counted(progress) == +Counter(accepted=len(rows) - len(left_out), not_sent=len(left_out))
    assert progress.by_code == +Counter(OK=len(rows) - len(left_out), suppressed=len(left_out))
    assert progress.state == "finished"


@pytest.mark.parametrize("personal", [False, True], ids=["one text", "texts of their own"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_chunks_leave_them_out(stage: Stage, personal: bool, share: float) -> None:
    """Exactly the suppressed recipients of a campaign get nothing, in no more requests, and each other one his own text."""
    chance = random.Random(7)
    people = [{"phone": phone, "name": f"n{phone}"} for phone in numbers(1150)]
    gone = {each["phone"] for each in people if chance.random() < share}
    stage.add("13900000000", *gone)
    campaign = stage.bench.start(people=people if personal else [each["phone"] for each in people])
    stage.send_all()
    _audit(campaign, gone, stage.got())
    assert len(stage.aliyun.sent) <= campaign.progress().chunks
    for message in stage.aliyun.sent if personal else ():
        own = message.params_of_each or (message.params,)
        assert [each["name"] for each in own] == [f"n{phone}" for phone in message.phones]


def test_one_is_left_of_a_batch(stage: Stage) -> None:
    """Who is alone in a request because all others were left out gets the text that is his."""
    people = [{"phone": phone, "name": f"n{phone}"} for phone in numbers(3)]
    stage.add(people[0]["phone"], people[1]["phone"])
    stage.bench.start(people=people)
    stage.send_all()
    (message,) = stage.aliyun.sent
    assert (message.phones, message.params, message.params_of_each) == (
        (people[2]["phone"],),
        {"name": people[2]["name"]},
        (),
    )


@pytest.mark.parametrize(
    ("scope", "promotional", "sent"),
    [
        ("promotional", None, False),
        ("promotional", False, True),
        ("promotional", True, False),
        ("all", None, False),
        ("all", False, False),
    ],
)
def test_what_a_campaign_says_of_itself(
    stage: Stage, scope: str, promotional: bool | None, sent: bool
) -> None:
    """A campaign counts as promotional unless it says that it is not."""
    stage.bench.clock.now = 1_800_000_000 - 1_800_000_000 % 86_400 + 4 * 3600  # noon in Beijing
    stage.add(PHONE, scope=scope)
    campaign = stage.bench.start(people=[PHONE, "13900000001"], promotional=promotional)
    stage.send_all()
    _audit(campaign, set() if sent else {PHONE}, stage.got())


def test_added_while_it_waits_for_a_permit(stage: Stage) -> None:
    """Who opts out between claim and request gets nothing, in a chunk and in a job of its own."""
    stage.add("13900000000")
    stage.aliyun.permit = lambda: stage.add(PHONE, scope="all")
    job = a_job()
    stage.bench.ledger.record(job)
    done = stage.sender.run(job.id)
    assert isinstance(done, Done)
    assert isinstance(done.outcome, RequestFailed)
    assert (done.outcome.outcome, done.outcome.reason, done.outcome.attempts) == ("not_sent", "suppressed", 0)
    campaign = stage.bench.start(10)
    stage.send_all()
    _audit(campaign, {PHONE}, stage.got())


@pytest.mark.parametrize("again", [True, False])
def test_between_two_tries(stage: Stage, again: bool) -> None:
    """A retry leaves out who opted out since the first try, and sends again to who was taken off the list."""
    stage.aliyun.answers = [NotSent("connect_failed", "refused")] * 20
    first, second, *_ = numbers(10)
    stage.add("13900000000", first)
    campaign = stage.bench.start(10)
    for job_id in stage.bench.sweep():
        stage.sender.run(job_id)
    stage.aliyun.answers = []
    tries = len(stage.aliyun.sent)
    stage.listed.drop(first, ("promotional",))
    stage.add(*[second] * again)
    stage.bench.clock.pass_(3600)
    stage.send_all()
    _audit(
        campaign,
        {second} if again else set(),
        Counter(phone for each in stage.aliyun.sent[tries:] for phone in each.phones),
    )


@pytest.mark.parametrize("found", [True, False])
def test_a_lost_answer(stage: Stage, found: bool) -> None:
    """The look-up asks about those only to whom the request went, and what it finds counts for them alone."""
    people = numbers(10)
    gone = {people[0], people[5], people[9]}
    stage.add(*gone)
    stage.aliyun.answers = [AnswerLost("no_answer", "a read time-out")]
    stage.aliyun.found = set(people) - gone if found else gone
    campaign = stage.bench.start(10)
    stage.send_all()
    assert stage.aliyun.asked
    assert not gone & set(stage.aliyun.asked)
    assert len(stage.aliyun.sent) == 1
    expected = {"accepted": 7, "not_sent": 3} if found else {"unknown": 7, "not_sent": 3}
    assert counted(campaign.progress()) == expected
    assert Counter(row.outcome for row in campaign.report()) == expected


def test_settled_by_a_receipt(stage: Stage) -> None:
    """A receipt that settles a chunk of which some were left out counts the others only."""
    people = numbers(10)
    stage.add(people[3])
    stage.aliyun.answers = [AnswerLost("no_answer", "a read time-out")]
    campaign = stage.bench.start(10)
    stage.send_all()
    assert counted(campaign.progress()) == {"unknown": 9, "not_sent": 1}
    job_id = str(next(campaign.report()).out_id)
    DeliveryStore(stage.bench.ledger, clock=stage.bench.clock).take(
        [Report(job_id=job_id, phone=people[0], success=True, source="push")]
    )
    assert counted(campaign.progress()) == {"accepted": 9, "not_sent": 1}
    assert campaign.progress().by_code == {"OK": 9, "suppressed": 1}
    assert [row.delivery for row in campaign.report()][:5] == [
        "delivered",
        "waiting",
        "waiting",
        None,
        "waiting",
    ]


def test_refused_for_one_of_the_rest(stage: Stage) -> None:
    """A chunk that left somebody out and is refused is halved as any other, and everybody has one outcome."""
    people = numbers(16)
    stage.add(people[2], people[3])
    guilty, send = people[7], stage.aliyun.send
    refusal = AliyunRejected("no", reason="blocked", aliyun_code="isv.CUSTOMER_REFUSED", advice="never")

    def picky(message: Message, **more: Any) -> Mapping[str, Any]:
        if guilty in message.phones:
            raise refusal
        return send(message, **more)

    stage.aliyun.send = picky  # type: ignore[method-assign]
    campaign = stage.bench.start(16)
    stage.send_all()
    assert counted(campaign.progress()) == {"accepted": 13, "rejected": 1, "not_sent": 2}
    assert {row.phone: row.outcome for row in campaign.report() if row.outcome != "accepted"} == {
        people[2]: "not_sent",
        people[3]: "not_sent",
        guilty: "rejected",
    }
    assert stage.got() == Counter(set(people) - {people[2], people[3], guilty})
    # Aliyun refuses it for good, and the setting of this stage says to suppress such numbers.
    assert stage.listed.among(people, promotional=False) == [7]


def test_a_worker_that_was_stopped(stage: Stage, client: "redis.Redis") -> None:
    """Who has lost his claim notes nothing, so the report says what the request of the new holder left out."""
    people = numbers(10)
    stage.add(people[0])
    stage.bench.start(10)
    (job_id,) = stage.bench.sweep()
    granted = stage.bench.granted(job_id)
    assert not stage.bench.ledger.leave_out(job_id, "stale", [5])
    assert stage.bench.ledger.leave_out(job_id, granted.token, [0])
    assert stage.bench.ledger.left_out(job_id) == [0]
    stage.bench.settle(granted)
    assert not stage.bench.ledger.leave_out(job_id, granted.token, [1, 2])
    assert client.hgetall(campaign_key(job_id.rsplit("-", 2)[0], "left_out")) == {"0": "0"}


def test_a_worker_dies_after_its_note(stage: Stage) -> None:
    """A worker that dies between its note and its request leaves a chunk to be looked up, for those only who may get it."""
    people = numbers(10)
    stage.add(people[0], people[9])
    campaign = stage.bench.start(10)
    (job_id,) = stage.bench.sweep()
    granted = stage.bench.granted(job_id)
    assert stage.bench.ledger.leave_out(job_id, granted.token, [0, 9])
    stage.bench.clock.pass_(31)
    stage.send_all()
    assert not stage.aliyun.sent
    assert set(stage.aliyun.asked) <= set(people[1:9])
    assert counted(campaign.progress()) == {"unknown": 8, "not_sent": 2}
    assert [row.reason for row in campaign.report()] == ["suppressed", *["interrupted"] * 8, "suppressed"]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens(stage: Stage, seed: int) -> None:
    """While people opt out and in, answers are lost and numbers refused, nobody gets a message twice and nobody is lost.

    The report and the counters say of everybody what Aliyun's record says.
    """
    chance = random.Random(seed)
    people, record = numbers(60), Counter[str]()
    bad = set(chance.sample(people, 3))
    refusal = AliyunRejected("no", reason="number", aliyun_code="isv.MOBILE_NUMBER_ILLEGAL", advice="never")

    def send(message: Message, **more: Any) -> Mapping[str, Any]:
        what = chance.random()
        if what < 0.2:
            raise NotSent("connect_failed", "refused")
        if bad & set(message.phones):
            raise refusal
        if what < 0.4:
            raise AnswerLost("no_answer", "lost on the way there")
        record.update(message.phones)
        stage.aliyun.found.update(message.phones)
        if what < 0.6:
            raise AnswerLost("no_answer", "lost on the way back")
        return {"Code": "OK"}

    def permit() -> None:
        each = chance.choice(people)
        if chance.random() < 0.7:
            stage.add(each, scope=chance.choice(["promotional", "all"]))
        else:
            stage.listed.drop(each, ("promotional", "all"))

    stage.aliyun.send = send  # type: ignore[method-assign]
    stage.aliyun.permit = permit
    campaign = stage.bench.start(people=[{"phone": phone, "name": phone} for phone in people])
    for _ in range(60):
        stage.send_all(rounds=1)
        stage.bench.clock.pass_(60)
    progress, rows = campaign.progress(), list(campaign.report())
    assert progress.state == "finished"
    assert set(record.values()) <= {1}
    assert {row.phone for row in rows if row.outcome == "accepted"} == set(record)
    assert {row.phone for row in rows if row.outcome == "rejected"} <= bad
    told = Counter(row.outcome for row in rows)
    assert counted(progress) == told
    assert told.total() == len(people)
    assert sum(progress.by_code.values()) == len(people)
    assert progress.by_code.get("suppressed", 0) == sum(row.reason == "suppressed" for row in rows)


def test_redis_does_not_tell(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nobody can tell who is suppressed, nothing is sent, and nothing is settled."""
    job = a_job()
    stage.bench.ledger.record(job)

    def unreachable(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(stage.listed, "among", unreachable)
        stage.sender.run(job.id)
    assert not stage.aliyun.sent
    found = stage.bench.ledger.read(job.id)
    assert found is not None
    assert found.status == "queued"


def test_a_worker_without_the_key(stage: Stage, client: "redis.Redis") -> None:
    """A worker that cannot read the list leaves a job to one that can: it sends nothing, and settles nothing."""
    seal = Seal(Fernet.generate_key().decode())
    SuppressedNumbers(client, seal=seal).put([Suppression.read("13900000000")])
    job = a_job(lane_name="notification")
    stage.bench.ledger.record(job)
    stage.sender.run(job.id)
    assert not stage.aliyun.sent
    found = stage.bench.ledger.read(job.id)
    assert found is not None
    assert found.status == "queued"
    assert stage.bench.sweep() == []
    stage.bench.clock.pass_(11)
    assert stage.bench.sweep() == [job.id]

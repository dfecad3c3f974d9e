"""Each step of the ledger by itself: what it answers, and that its repetition answers the same."""

import json
from dataclasses import replace

import pytest
import redis

from smsjobs.contract import InvalidArguments, decode_job, element_tag, encode_outcome
from smsjobs.ledger import Granted, InFlight, Ledger, Missing, NotDue, Recorded, Settled, Settlement, Wait
from smsjobs.redis_store import ELEMENTS, NO_ELEMENT, key
from support.keys import agenda, job_key
from support.ledgers import (
    CODE,
    LEASE_S,
    PHONE,
    Clock,
    a_job,
    accepted,
    assert_nothing_is_lost,
    everything,
    failed,
    granted,
    to_look_up,
    to_send,
    verbs,
)


def test_recorded_job_is_there_as_it_was(ledger: Ledger, clock: Clock) -> None:
    """What was recorded is read, claimed and decoded as it was handed in."""
    job = a_job(params={"name": "张三", "text": 'a "quoted" 😀'})
    assert ledger.record(job) == Recorded(job_id=job.id, new=True)
    found = ledger.read(job.id)
    assert found is not None
    assert (found.status, found.element, found.lane, found.created_ms, found.outcome) == (
        "queued",
        "SMS.Test",
        "verification",
        clock.ms,
        None,
    )
    claim = granted(ledger, job)
    assert decode_job(json.loads(claim.job)) == job
    assert (claim.state, claim.attempts, claim.expires_ms, claim.now_ms, claim.interrupted, claim.resent) == (
        "sending",
        0,
        clock.ms + 300_000,
        clock.ms,
        False,
        False,
    )


def test_repeated_record_answers_as_the_first(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """A record whose answer was lost may be made again, with a key and without, and nothing changes."""
    for job in (a_job(), a_job(idempotency_key="k")):
        first = ledger.record(job)
        before = everything(client)
        clock.pass_(1)
        assert ledger.record(job) == first
        assert everything(client) == before


def test_repeated_record_does_not_take_a_claimed_job_back(ledger: Ledger) -> None:
    """A record that is repeated after the job was claimed or settled leaves it alone."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job)
    ledger.record(job)
    assert isinstance(ledger.claim(job.id, "other", lease_s=LEASE_S), InFlight)
    ledger.settle(job.id, "token", accepted(job))
    ledger.record(job)
    assert isinstance(ledger.claim(job.id, "other", lease_s=LEASE_S), Settled)


def test_claim_of_what_is_not_there(ledger: Ledger, client: redis.Redis) -> None:
    """An id that the ledger does not know is missing, and asking leaves no trace."""
    assert ledger.claim("nobody", "token", lease_s=LEASE_S) == Missing(job_id="nobody")
    assert ledger.read("nobody") is None
    assert not ledger.wait("nobody", "token", to_send())
    assert ledger.settle("nobody", "token", failed(a_job())) == Settlement(ours=False, outcome=None)
    assert ledger.settle("nobody", "token", accepted(a_job())) == Settlement(ours=False, outcome=None)
    assert ledger.renew([("nobody", "token")], lease_s=LEASE_S) == [False]
    ledger.follow("nobody", "task")
    ledger.confirm_stored("nobody")
    assert ledger.sweep() == []
    assert list(client.scan_iter()) == []


def test_only_one_holds_a_job(ledger: Ledger) -> None:
    """A claimed job is in flight for everybody else."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    assert ledger.claim(job.id, "two", lease_s=LEASE_S) == InFlight(job_id=job.id)


def test_repeated_claim_finds_its_own_token(ledger: Ledger, clock: Clock) -> None:
    """A claim whose answer was lost is granted again, and holds for a whole lease from then."""
    job = a_job()
    ledger.record(job)
    first = granted(ledger, job, "one")
    clock.pass_(10)
    again = granted(ledger, job, "one")
    assert again == replace(first, now_ms=clock.ms)
    clock.pass_(LEASE_S - 1)
    assert isinstance(ledger.claim(job.id, "two", lease_s=LEASE_S), InFlight)
    assert ledger.sweep() == []


def test_repeated_claim_of_a_look_up_is_a_look_up(ledger: Ledger, clock: Clock) -> None:
    """A repeated claim of a job that is looked up is granted for looking up again."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    ledger.wait(job.id, "one", to_look_up(clock, delay_s=0))
    first = granted(ledger, job, "two")
    assert granted(ledger, job, "two") == first
    assert (first.state, first.attempts, first.lost_from_ms, first.interrupted) == (
        "looking_up",
        1,
        clock.ms,
        False,
    )


def test_job_waits_for_its_time(ledger: Ledger, clock: Clock) -> None:
    """Before its due time a job is granted to nobody, and from then on to the first who asks."""
    job = a_job(countdown=60)
    ledger.record(job)
    clock.pass_(59.999)
    assert ledger.claim(job.id, "one", lease_s=LEASE_S) == NotDue(job_id=job.id)
    assert ledger.sweep() == []
    clock.pass_(0.001)
    assert verbs(ledger.sweep()) == [("publish", job.id)]
    assert granted(ledger, job).state == "sending"


def test_job_that_was_given_back_waits(ledger: Ledger, clock: Clock) -> None:
    """A job that is to be tried again later counts its attempts, waits, is published when due and granted again."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    assert ledger.wait(job.id, "one", to_send(delay_s=20, attempts=3))
    assert ledger.claim(job.id, "two", lease_s=LEASE_S) == NotDue(job_id=job.id)
    assert ledger.sweep() == []
    clock.pass_(20)
    assert verbs(ledger.sweep()) == [("publish", job.id)]
    assert granted(ledger, job, "two").attempts == 3


def test_repeated_wait_answers_as_the_first(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """A wait whose answer was lost may be made again: attempts count once and the due time stays."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    assert ledger.wait(job.id, "one", to_send(delay_s=20, attempts=3))
    before = everything(client)
    clock.pass_(5)
    assert ledger.wait(job.id, "one", to_send(delay_s=20, attempts=3))
    assert everything(client) == before


def test_repeated_wait_does_not_disturb_the_next_holder(ledger: Ledger) -> None:
    """A wait that is repeated when somebody else holds the job already is answered and changes nothing."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    ledger.wait(job.id, "one", to_send())
    granted(ledger, job, "two")
    assert ledger.wait(job.id, "one", to_send())
    assert ledger.settle(job.id, "two", accepted(job)).ours


def test_what_is_known_of_lost_answers_stays(ledger: Ledger, clock: Clock) -> None:
    """First and last lost answer and the resend survive waits and claims."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    wait = Wait(
        state="looking_up",
        delay_s=0,
        attempts=1,
        lost_from_ms=1_700_000_000_001,
        lost_to_ms=1_800_000_000_002,
    )
    ledger.wait(job.id, "one", wait)
    claim = granted(ledger, job, "two")
    assert (claim.lost_from_ms, claim.lost_to_ms) == (1_700_000_000_001, 1_800_000_000_002)
    ledger.wait(job.id, "two", replace(wait, state="queued", attempts=0, resent=True))
    claim = granted(ledger, job, "three")
    assert (claim.state, claim.resent, claim.attempts, claim.lost_from_ms) == (
        "sending",
        True,
        1,
        1_700_000_000_001,
    )


@pytest.mark.parametrize("outcome", ["rejected", "not_sent", "unknown"])
def test_settlement_is_final(ledger: Ledger, outcome: str) -> None:
    """Whatever comes after a settlement, the first outcome stands."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    first = failed(job, outcome)
    assert ledger.settle(job.id, "one", first).ours
    for token, later in (("two", accepted(job)), ("one", accepted(job)), ("", failed(job, "unknown", "x"))):
        settlement = ledger.settle(job.id, token, later)
        assert (settlement.ours, json.loads(settlement.outcome or "")) == (False, first)
    assert not ledger.wait(job.id, "one", to_send())
    claim = ledger.claim(job.id, "three", lease_s=LEASE_S)
    assert isinstance(claim, Settled)
    assert json.loads(claim.outcome) == first
    found = ledger.read(job.id)
    assert found is not None
    assert found.status == outcome
    assert ledger.sweep() == []


def test_repeated_settlement_answers_as_the_first(ledger: Ledger, client: redis.Redis) -> None:
    """A settlement whose answer was lost may be made again: it is still ours."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    ledger.follow(job.id, "task-2")
    first = ledger.settle(job.id, "one", accepted(job))
    before = everything(client)
    assert first.followers == ("task-2",)
    assert ledger.settle(job.id, "one", accepted(job)) == first
    assert everything(client) == before


@pytest.mark.parametrize("outcome", ["rejected", "not_sent", "unknown"])
def test_stale_holder_cannot_settle(ledger: Ledger, clock: Clock, outcome: str) -> None:
    """A holder whose claim was taken over writes nothing but that Aliyun accepted."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    clock.pass_(LEASE_S)
    claim = granted(ledger, job, "two")
    assert (claim.state, claim.interrupted) == ("looking_up", True)
    assert ledger.settle(job.id, "one", failed(job, outcome)) == Settlement(ours=False, outcome=None)
    assert not ledger.wait(job.id, "one", to_send())
    assert ledger.renew([(job.id, "one"), (job.id, "two")], lease_s=LEASE_S) == [False, True]
    assert ledger.settle(job.id, "two", failed(job, "unknown")).ours


def test_stale_accepted_counts_while_nothing_is_settled(ledger: Ledger, clock: Clock) -> None:
    """That Aliyun accepted is a fact whoever brings it: it settles the job and stops the next holder."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    clock.pass_(LEASE_S)
    granted(ledger, job, "two")
    assert ledger.settle(job.id, "one", accepted(job)).ours
    assert not ledger.wait(job.id, "two", to_send())
    settlement = ledger.settle(job.id, "two", failed(job, "unknown"))
    assert (settlement.ours, json.loads(settlement.outcome or "")["outcome"]) == (False, "accepted")


def test_stale_accepted_counts_for_a_job_that_waits(ledger: Ledger, clock: Clock) -> None:
    """That Aliyun accepted also settles a job that waits for its look-up or its resend."""
    for wait in (to_look_up(clock), to_send(delay_s=5)):
        job = a_job()
        ledger.record(job)
        granted(ledger, job, "one")
        clock.pass_(LEASE_S)
        granted(ledger, job, "two")
        ledger.wait(job.id, "two", wait)
        assert ledger.settle(job.id, "one", accepted(job)).ours
        clock.pass_(1000)
        assert ledger.sweep() == []


def test_settlement_without_token_only_while_it_waits_to_be_sent(ledger: Ledger, clock: Clock) -> None:
    """The sweep settles only what waits to be sent: not what is held, and not what is looked up."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    assert ledger.settle(job.id, "", failed(job)) == Settlement(ours=False, outcome=None)
    ledger.wait(job.id, "one", to_look_up(clock, delay_s=0))
    assert ledger.settle(job.id, "", failed(job)) == Settlement(ours=False, outcome=None)
    granted(ledger, job, "two")
    assert ledger.settle(job.id, "", failed(job)) == Settlement(ours=False, outcome=None)
    ledger.wait(job.id, "two", to_send(delay_s=5))
    assert ledger.settle(job.id, "", failed(job)).ours


def test_lease_is_renewed(ledger: Ledger, clock: Clock) -> None:
    """A renewed claim holds for a lease more, and neither the sweep nor another worker gets the job."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    for _ in range(5):
        clock.pass_(LEASE_S - 1)
        assert ledger.renew([(job.id, "one")], lease_s=LEASE_S) == [True]
        assert ledger.sweep() == []
        assert isinstance(ledger.claim(job.id, "two", lease_s=LEASE_S), InFlight)


def test_lease_of_what_is_settled_or_waits_is_not_renewed(ledger: Ledger, client: redis.Redis) -> None:
    """Renewing after a settlement or a wait says that it is over, and changes nothing."""
    settled, waiting = a_job(), a_job()
    for job in (settled, waiting):
        ledger.record(job)
        granted(ledger, job, "one")
    ledger.settle(settled.id, "one", accepted(settled))
    ledger.wait(waiting.id, "one", to_send(delay_s=5))
    before = everything(client)
    assert ledger.renew([(settled.id, "one"), (waiting.id, "one")], lease_s=LEASE_S) == [False, False]
    assert ledger.renew([], lease_s=LEASE_S) == []
    assert everything(client) == before


@pytest.mark.parametrize("by_sweep", [True, False])
def test_run_out_lease_is_an_interruption(ledger: Ledger, clock: Clock, by_sweep: bool) -> None:
    """A job whose worker died is looked up: a request may have left at any time between claim and now."""
    job = a_job()
    ledger.record(job)
    clock.pass_(1)
    claimed_ms = clock.ms
    granted(ledger, job, "one")
    clock.pass_(LEASE_S)
    if by_sweep:
        assert verbs(ledger.sweep()) == [("publish", job.id)]
        found = ledger.read(job.id)
        assert found is not None
        assert found.status == "looking_up"
    claim = granted(ledger, job, "two")
    assert (claim.state, claim.interrupted, claim.attempts) == ("looking_up", True, 1)
    assert (claim.lost_from_ms, claim.lost_to_ms) == (claimed_ms, clock.ms)


def test_interrupted_look_up_keeps_what_was_lost(ledger: Ledger, clock: Clock) -> None:
    """A worker that dies while it looks up counts no further request, and the look-up continues from the same time."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    lost_ms = clock.ms
    ledger.wait(job.id, "one", to_look_up(clock, delay_s=0))
    granted(ledger, job, "two")
    clock.pass_(LEASE_S)
    claim = granted(ledger, job, "three")
    assert (claim.state, claim.attempts, claim.lost_from_ms, claim.lost_to_ms) == (
        "looking_up",
        1,
        lost_ms,
        lost_ms,
    )


def test_interrupted_resend_spans_both_losses(ledger: Ledger, clock: Clock) -> None:
    """A worker that dies while it sends again is looked up from the first loss to the last."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    first_ms = clock.ms
    ledger.wait(job.id, "one", to_look_up(clock, delay_s=0))
    granted(ledger, job, "two")
    ledger.wait(
        job.id,
        "two",
        Wait(state="queued", delay_s=0, attempts=0, lost_from_ms=first_ms, lost_to_ms=first_ms, resent=True),
    )
    clock.pass_(5)
    granted(ledger, job, "three")
    clock.pass_(LEASE_S)
    claim = granted(ledger, job, "four")
    assert (claim.state, claim.attempts, claim.lost_from_ms, claim.lost_to_ms, claim.resent) == (
        "looking_up",
        2,
        first_ms,
        clock.ms,
        True,
    )


def test_numbers_leave_redis_with_the_settlement(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """After a settlement no key and no value of Redis has a number, a parameter or the idempotency key.

    What was not sent keeps its payload under a key of its own, as long as it may be sent again.
    """
    for ending in ("settled", "expired", "stale"):
        job = a_job(idempotency_key=f"login-of-somebody-{ending}")
        ledger.record(job)
        assert PHONE in everything(client)
        assert CODE in everything(client)
        if ending == "expired":
            clock.pass_(300)
            ledger.settle(job.id, "", failed(job), outside_task=True)
            assert client.delete(key(element_tag(job.element), "retry", job.id))
        else:
            granted(ledger, job, "one")
            if ending == "stale":
                clock.pass_(LEASE_S)
                granted(ledger, job, "two")
            ledger.settle(job.id, "one", accepted(job))
        for secret in (PHONE, CODE, "login-of-somebody"):
            assert secret not in everything(client), ending


def test_outcome_is_kept_for_the_retention(ledger: Ledger, client: redis.Redis) -> None:
    """A job has no time to live until it is settled; its outcome and its key then have the retention."""
    job = a_job(idempotency_key="k")
    ledger.record(job)
    keys = [name for name in client.scan_iter() if name not in (agenda(), ELEMENTS)]
    assert [client.pttl(name) for name in keys] == [-1, -1]
    granted(ledger, job)
    assert [client.pttl(name) for name in keys] == [-1, -1]
    ledger.settle(job.id, "token", accepted(job))
    assert all(3_590_000 < client.pttl(name) <= 3_600_000 for name in keys)
    assert set(client.scan_iter()) == {*keys, ELEMENTS}


def test_absent_job_gets_an_outcome_once(ledger: Ledger, client: redis.Redis) -> None:
    """An outcome for an id without entry is kept for the retention, and never replaces an entry."""
    error = encode_outcome(InvalidArguments("unreadable", reason="job_unreadable", out_id="absent"))
    assert ledger.settle_absent("absent", error)
    assert not ledger.settle_absent("absent", encode_outcome(InvalidArguments("another")))
    found = ledger.read("absent")
    assert found is not None
    assert (found.status, json.loads(found.outcome or "")) == ("rejected", error)
    assert 3_590_000 < client.pttl(key(NO_ELEMENT, "job", "absent")) <= 3_600_000
    assert isinstance(ledger.claim("absent", "one", lease_s=LEASE_S), Settled)
    job = a_job()
    ledger.record(job)
    assert not ledger.settle_absent(job.id, error)
    assert granted(ledger, job).state == "sending"


def test_followers_are_told_once_each(ledger: Ledger) -> None:
    """Further task ids are kept in order, each once, until the settlement hands them out."""
    job = a_job()
    ledger.record(job)
    for task in ("task-2", "task", "task-2", "task"):
        assert ledger.follow(job.id, task) is None
    granted(ledger, job)
    assert ledger.follow(job.id, "late") is None
    assert ledger.settle(job.id, "token", accepted(job)).followers == ("task-2", "task", "late")
    claim = ledger.claim(job.id, "two", lease_s=LEASE_S)
    assert isinstance(claim, Settled)
    assert claim.followers == ("task-2", "task", "late")
    assert json.loads(ledger.follow(job.id, "too-late") or "") == accepted(job)


def test_times_far_away_are_whole_digits(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """A month in milliseconds is written as digits, not as 2.6e+09, and read back to the millisecond."""
    job = a_job(countdown=2_591_999.999, expires=2_592_000)
    ledger.record(job)
    for field, value in client.hgetall(job_key(job.id)).items():
        if field in ("due", "expires", "created", "requeue", "looks"):
            assert value.isdigit(), field
    clock.pass_(2_591_999.999)
    assert verbs(ledger.sweep()) == [("publish", job.id)]
    claim = granted(ledger, job)
    assert claim.expires_ms == clock.ms + 1


def test_redis_own_clock_counts_where_none_is_handed_in(client: redis.Redis) -> None:
    """Without a clock the times are those of Redis."""
    ledger = Ledger(client)
    job = a_job(countdown=0.05)
    seconds, micros = client.time()
    ledger.record(job)
    found = ledger.read(job.id)
    assert found is not None
    assert 0 <= found.created_ms - (seconds * 1000 + micros // 1000) < 5000
    assert isinstance(ledger.claim(job.id, "one", lease_s=LEASE_S), NotDue)


def test_every_step_leaves_the_job_on_the_agenda(ledger: Ledger, client: redis.Redis, clock: Clock) -> None:
    """After each step a job without an outcome is on the agenda, so that the sweep finds it in time."""
    job = a_job()
    ledger.record(job)
    assert_nothing_is_lost(client)
    granted(ledger, job, "one")
    assert_nothing_is_lost(client)
    ledger.wait(job.id, "one", to_look_up(clock))
    assert_nothing_is_lost(client)
    clock.pass_(LEASE_S)
    ledger.sweep()
    assert_nothing_is_lost(client)
    assert ledger.waiting() == 1
    ledger.settle(job.id, granted(ledger, job, "two").token, accepted(job))
    assert ledger.waiting() == 0


def test_ledger_shows_nothing(ledger: Ledger) -> None:
    """The reprs of a ledger and of what it grants show neither number nor parameter."""
    job = a_job()
    ledger.record(job)
    text = repr(ledger) + repr(granted(ledger, job)) + repr(ledger.read(job.id))
    assert PHONE not in text
    assert CODE not in text


def test_granted_is_what_the_sender_needs(ledger: Ledger) -> None:
    """A claim is `Granted` with the caller's own id and token."""
    job = a_job()
    ledger.record(job)
    claim = ledger.claim(job.id, "mine", lease_s=LEASE_S)
    assert isinstance(claim, Granted)
    assert (claim.job_id, claim.token) == (job.id, "mine")


def test_member_is_known_after_a_kill(ledger: Ledger, clock: Clock) -> None:
    """The member of a group that was written down last is told with a job whose answer was lost, and with no other."""
    job = a_job()
    ledger.record(job)
    assert granted(ledger, job, "one").member is None
    for member in ("SMS.Main", "SMS.Spare"):
        assert ledger.write_member(job.id, "one", member, lease_s=LEASE_S)
    assert granted(ledger, job, "one").member is None
    clock.pass_(LEASE_S)
    claim = granted(ledger, job, "two")
    assert (claim.state, claim.member) == ("looking_up", "SMS.Spare")


def test_member_is_written_by_the_holder_only(ledger: Ledger, clock: Clock) -> None:
    """Whoever lost the job writes no member, and does not get the job back by trying."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    clock.pass_(LEASE_S)
    ledger.sweep()
    assert not ledger.write_member(job.id, "one", "SMS.Main", lease_s=LEASE_S)
    claim = granted(ledger, job, "two")
    assert (claim.state, claim.member) == ("looking_up", None)
    assert not ledger.write_member(job.id, "one", "SMS.Main", lease_s=LEASE_S)
    assert not ledger.write_member(a_job().id, "one", "SMS.Main", lease_s=LEASE_S)


def test_a_job_without_a_group_has_no_member(ledger: Ledger, client: "redis.Redis") -> None:
    """The entry of a job whose element is no group has no field for a member."""
    job = a_job()
    ledger.record(job)
    granted(ledger, job, "one")
    assert not client.hexists(job_key(job.id), "member")

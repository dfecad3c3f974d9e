"""A receipt proves that Aliyun accepted its job: it settles what is not settled, and what is unknown."""

import json
from typing import Any

import pytest

from smsjobs.contract import JobRecord, RequestFailed, SendResult, encode_outcome
from smsjobs.facts import SettledByReceipt
from smsjobs.ledger import Granted, Settled, Wait, outcome_json, read_outcome
from support.campaigns import counted, outcomes, unknown
from support.facts import told
from support.ledgers import PHONE, a_job, accepted, everything, granted, to_look_up, to_send, verbs
from support.receipts import DeliveryBench, a_report


def _queued(bench: DeliveryBench, job: JobRecord) -> int:
    """Nobody has claimed it, as far as Redis remembers."""
    return 1


def _sending(bench: DeliveryBench, job: JobRecord) -> int:
    """Its request is in flight."""
    granted(bench.ledger, job)
    return 1


def _looking_up(bench: DeliveryBench, job: JobRecord) -> int:
    """Its answer was lost."""
    granted(bench.ledger, job)
    bench.ledger.wait(job.id, "token", to_look_up(bench.clock))
    return 1


def _being_looked_up(bench: DeliveryBench, job: JobRecord) -> int:
    """A worker holds it to look it up."""
    _looking_up(bench, job)
    bench.clock.pass_(3)
    granted(bench.ledger, job, "another")
    return 1


def _waits_to_be_sent_again(bench: DeliveryBench, job: JobRecord) -> int:
    """The look-ups found nothing, and it is to be sent once more."""
    _being_looked_up(bench, job)
    again = Wait(state="queued", delay_s=5, attempts=0, lost_from_ms=1, lost_to_ms=2, resent=True)
    bench.ledger.wait(job.id, "another", again)
    return 1


def _tried_in_vain(bench: DeliveryBench, job: JobRecord) -> int:
    """Two requests surely were not sent, as far as we know."""
    granted(bench.ledger, job)
    bench.ledger.wait(job.id, "token", to_send(attempts=2))
    return 2


def _unknown(bench: DeliveryBench, job: JobRecord) -> int:
    """It was settled as unknown, after three requests."""
    granted(bench.ledger, job)
    ended = RequestFailed("lost", reason="no_answer", outcome="unknown", out_id=job.id, attempts=3)
    bench.ledger.settle(job.id, "token", encode_outcome(ended))
    return 3


STATES = [
    _queued,
    _sending,
    _looking_up,
    _being_looked_up,
    _waits_to_be_sent_again,
    _tried_in_vain,
    _unknown,
]


@pytest.mark.parametrize("come_to", STATES, ids=lambda each: each.__name__.strip("_"))
@pytest.mark.parametrize("err_code", ["DELIVERED", "MOBILE_IN_BLACK", "REQUEST_SUCCESS"])
def test_settles_what_is_not_refused(bench: DeliveryBench, come_to: Any, err_code: str) -> None:
    """Whatever the report says of the delivery, its job was accepted, with the receipt's BizId and all its requests."""
    job = a_job(idempotency_key="k")
    bench.ledger.record(job)
    bench.ledger.follow(job.id, "a-follower")
    attempts = come_to(bench, job)
    before = bench.ledger.read(job.id)
    assert before is not None
    report = a_report(job.id, err_code=err_code)
    with told() as facts:
        taken = bench.deliveries.take([report])
    settled = SettledByReceipt(job_id=job.id, before=before.status, lane="verification", element="SMS.Test")
    assert taken.settled == facts[:1] == [settled]
    found = bench.ledger.read(job.id)
    assert found is not None
    assert (found.status, found.followers) == ("accepted", ("a-follower",))
    assert read_outcome(found.outcome or "", job.id) == SendResult(
        response={"Code": "OK", "BizId": "biz-1"}, out_id=job.id, attempts=attempts, resolved_by="receipt"
    )
    assert PHONE not in everything(bench.redis)
    # Nobody sends it, and the sweep stores Celery's result; a repeated receipt settles nothing again.
    assert isinstance(bench.ledger.claim(job.id, "a third", lease_s=9), Settled)
    assert bench.deliveries.take([report]).settled == []
    assert verbs(bench.ledger.sweep()) == [("store", job.id)]
    assert bench.ledger.record(a_job(idempotency_key="k")).job_id == job.id


def test_the_holder_learns_of_it(bench: DeliveryBench) -> None:
    """A worker whose request is in flight settles nothing any more, whatever the answer was, and is given the outcome."""
    job = a_job()
    bench.ledger.record(job)
    granted(bench.ledger, job)
    bench.deliveries.take([a_report(job.id)])
    assert bench.ledger.renew([(job.id, "token")], lease_s=9) == [False]
    assert not bench.ledger.wait(job.id, "token", to_look_up(bench.clock))
    for outcome in (accepted(job), encode_outcome(unknown())):
        settlement = bench.ledger.settle(job.id, "token", outcome)
        assert not settlement.ours
        assert outcome_json(settlement.outcome or "", job.id)["resolved_by"] == "receipt"


def test_who_follows_an_unknown_job_hears_of_its_end(bench: DeliveryBench) -> None:
    """A task that joins a job whose outcome is unknown is told that, and gets the result of a receipt too."""
    job = a_job()
    bench.ledger.record(job)
    _unknown(bench, job)
    told = bench.ledger.follow(job.id, "late-task")
    assert told is not None
    assert json.loads(told)["outcome"] == "unknown"
    bench.deliveries.take([a_report(job.id)])
    found = bench.ledger.read(job.id)
    assert found is not None
    assert found.followers == ("late-task",)


@pytest.mark.parametrize("ended", [False, True], ids=["looking up", "settled as unknown"])
def test_a_campaign_counts_again(bench: DeliveryBench, ended: bool) -> None:
    """A chunk that a receipt settles is counted as accepted, once, in progress and report, also after the campaign's end."""
    campaign = bench.start(1500)
    first, second = bench.sweep()
    claims = [bench.granted(each) for each in (first, second)]
    bench.settle(claims[0])
    if ended:
        bench.settle(claims[1], unknown())
        assert campaign.progress().by_code == {"OK": 1000, "no_answer": 500}
    else:
        bench.wait(claims[1], state="looking_up", lost_from_ms=1, lost_to_ms=2)
    report = a_report(second, bench.recipients(second)[7])
    for _ in range(2):
        bench.deliveries.take([report])
    progress = campaign.progress()
    assert (counted(progress), progress.by_code) == ({"accepted": 1500}, {"OK": 1500})
    assert progress.ended
    assert outcomes(campaign.report()) == {"accepted": 1500}
    (settled,) = {row.biz_id for row in campaign.report() if row.out_id == second}
    assert settled == "biz-1"


def test_a_pending_chunk_is_not_sent(bench: DeliveryBench) -> None:
    """A chunk that went back to its campaign, and that a receipt shows to be accepted, is not sent again."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    grant = bench.granted(job_id)
    assert isinstance(grant, Granted)
    assert bench.ledger.put_back(job_id, grant.token, attempts=1, reason="why") == "ok"
    bench.deliveries.take([a_report(job_id, bench.recipients(job_id)[0])])
    campaign.resume()
    assert bench.sweep() == []
    assert counted(campaign.progress()) == {"accepted": 1000}

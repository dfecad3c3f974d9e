"""Chunks that nobody claims while their campaign is held: however long that is, they are sent after it."""

from datetime import UTC, datetime, timedelta

import pytest

from smsjobs.contract import lane
from support.campaigns import Bench, counted, outcomes, unknown

LIFE_S = lane("bulk").expires_s


def settle_expired(bench):
    """Does what a worker's sweep does with what has expired; says how many there were."""
    expired = [due for due in bench.ledger.sweep() if due.verb == "expired"]
    for due in expired:
        outcome = {"outcome": "not_sent", "error": {"reason": "expired"}}
        assert bench.ledger.settle(due.job_id, "", outcome, outside_task=True).ours
    return len(expired)


def finish(bench, campaign, jobs):
    """Send all, and see that each is counted once."""
    assert bench.sweep() == jobs
    for job_id in jobs:
        bench.send(job_id)
    progress = campaign.progress()
    total = sum(len(bench.recipients(job_id)) for job_id in jobs)
    assert (progress.state, counted(progress), progress.by_code) == (
        "finished",
        {"accepted": total},
        {"OK": total},
    )
    assert outcomes(campaign.report()) == {"accepted": total}


@pytest.mark.parametrize("days", [1, 3, 30])
def test_paused(bench: Bench, days) -> None:
    """Fed, never claimed and paused for days, a chunk neither expires nor is published, and resuming sends it."""
    campaign = bench.start(2500)
    jobs = bench.sweep()
    campaign.pause()
    bench.clock.pass_(days * 86400)
    assert settle_expired(bench) == 0
    assert bench.sweep() == []
    assert counted(campaign.progress()) == {"pending": 2500}
    campaign.resume()
    finish(bench, campaign, jobs)


def test_paused_while_it_waits_to_be_tried_again(bench: Bench) -> None:
    """A chunk that would expire between two tries while its campaign is paused is held, with its count of attempts."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    bench.wait(bench.granted(job_id), attempts=3, delay_s=2 * LIFE_S)
    campaign.pause()
    bench.clock.pass_(LIFE_S)
    assert settle_expired(bench) == 0
    campaign.resume()
    assert bench.sweep() == [job_id]
    granted = bench.granted(job_id)
    assert (granted.attempts, granted.expires_ms) == (3, bench.clock.ms + LIFE_S * 1000)


def test_a_pause_takes_nothing_of_its_life(bench: Bench) -> None:
    """A chunk that was seen while its campaign was paused has its whole life before it when that continues."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    campaign.pause()
    bench.clock.pass_(31)
    assert bench.sweep() == []
    bench.clock.pass_(LIFE_S - 60)
    campaign.resume()
    assert bench.sweep() == [job_id]
    bench.clock.pass_(LIFE_S - 60)
    assert settle_expired(bench) == 0
    bench.send(job_id)


def test_over_nights(bench: Bench) -> None:
    """A promotional chunk that nobody claimed before the evening is fed again each morning, until it is sent."""
    day = datetime.fromtimestamp(bench.clock.now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    bench.clock.now = (day + timedelta(days=2, hours=10, minutes=59)).timestamp()  # 18:59 in Beijing
    campaign = bench.start(1000, promotional=True)
    (job_id,) = bench.sweep()
    for _ in range(5):
        bench.clock.pass_(2 * 3600)
        assert bench.sweep() == []
        assert campaign.progress().state == "scheduled"
        bench.clock.pass_(11 * 3600)
        assert bench.sweep() == []
        bench.clock.pass_(11 * 3600)
        assert bench.sweep() == [job_id]
    bench.send(job_id)
    assert counted(campaign.progress()) == {"accepted": 1000}


def test_nobody_claims_while_it_runs(bench: Bench) -> None:
    """A running campaign's chunk that nobody claims in its life is not sent, and counted so: a pause alone holds it."""
    campaign = bench.start(1000)
    assert len(bench.sweep()) == 1
    bench.clock.pass_(LIFE_S)
    assert settle_expired(bench) == 1
    assert settle_expired(bench) == 0
    progress = campaign.progress()
    assert (counted(progress), progress.by_code) == ({"not_sent": 1000}, {"expired": 1000})
    assert progress.ended


def test_cancelled_while_paused(bench: Bench) -> None:
    """Chunks that the sweep held are cancelled with their campaign, each counted once."""
    campaign = bench.start(2500)
    bench.sweep()
    campaign.pause()
    bench.clock.pass_(LIFE_S)
    assert settle_expired(bench) == 0
    campaign.cancel()
    assert settle_expired(bench) == 0
    progress = campaign.progress()
    assert (counted(progress), progress.ended) == ({"not_sent": 2500}, True)
    assert progress.by_code == {"cancelled": 2500}


def test_forgotten(bench: Bench) -> None:
    """A chunk whose campaign somebody has deleted ends as cancelled when the sweep comes to it, and is not published."""
    bench.start(1000)
    (job_id,) = bench.sweep()
    for name in list(bench.redis.scan_iter("sms:{*}:campaign:*")):
        bench.redis.delete(name)
    bench.clock.pass_(31)
    assert [due.verb for due in bench.ledger.sweep()] == []
    assert [(due.verb, due.job_id) for due in bench.ledger.sweep()] == [("store", job_id)]
    assert bench.ledger.read(job_id).status == "not_sent"
    assert list(bench.redis.scan_iter("sms:{*}:campaign:*")) == []


def test_what_may_have_been_sent_is_not_held(bench: Bench) -> None:
    """A chunk of which a request may have been accepted is settled as unknown when its time is over, paused or not."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    now = bench.clock.ms
    bench.wait(bench.granted(job_id), lost_from_ms=now, lost_to_ms=now, resent=True)
    campaign.pause()
    bench.clock.pass_(LIFE_S)
    (due,) = bench.ledger.sweep()
    assert (due.verb, due.lost) == ("expired", True)
    assert bench.ledger.settle(
        job_id, "", {"outcome": unknown().outcome, "error": {"reason": "no_answer"}}
    ).ours
    assert counted(campaign.progress()) == {"unknown": 1000}


def test_settled_from_an_older_look(bench: Bench) -> None:
    """A worker that was told of an expired chunk, and settles it when that is held or fed again, changes nothing."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    bench.clock.pass_(LIFE_S)
    (due,) = bench.ledger.sweep()
    assert due.verb == "expired"
    bench.clock.pass_(11)  # the sweep hands it out once more, and this time its campaign is paused
    campaign.pause()
    assert bench.ledger.sweep() == []
    late = {"outcome": "not_sent", "error": {"reason": "expired"}}
    assert not bench.ledger.settle(job_id, "", late, outside_task=True).ours
    campaign.resume()
    finish(bench, campaign, [job_id])

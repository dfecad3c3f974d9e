"""What each step says to a job in each state that the contract knows."""

from typing import NamedTuple

import pytest
import redis

from smsjobs.contract import OUTCOMES, STATUSES
from smsjobs.ledger import Granted, InFlight, Ledger, Settled
from support.keys import agenda, job_key
from support.ledgers import LEASE_S, Clock, a_job, accepted, to_send


class Answers(NamedTuple):
    """What the steps answer: to a job that nobody holds, and to one that somebody else holds."""

    #: The claim of a free job, and the state that it gives.
    claim_free: type
    granted_as: str
    #: The claim of a held job.
    claim_held: type
    #: What the sweep finds to do with a free one that is due.
    sweep: str
    #: Whether somebody without the token may wait with it.
    waits: bool


WAITS_FOR_A_WORKER = Answers(Granted, "sending", InFlight, "publish", waits=False)
IS_OVER = Answers(Settled, "", Settled, "store", waits=False)
ANSWERS = {
    "queued": WAITS_FOR_A_WORKER,
    "sending": WAITS_FOR_A_WORKER,
    "looking_up": WAITS_FOR_A_WORKER._replace(granted_as="looking_up"),
    **dict.fromkeys(OUTCOMES, IS_OVER),
}


@pytest.mark.parametrize("state", STATUSES)
def test_every_state_is_handled(ledger: Ledger, client: redis.Redis, clock: Clock, state: str) -> None:
    """Each state has its answer from claim, wait and sweep; one that is added to the contract has none yet, and fails."""
    expected = ANSWERS[state]
    free, held = a_job(), a_job()
    for job in (free, held):
        ledger.record(job)
        client.hset(job_key(job.id), mapping={"state": state, "outcome": "{}", "looks": 0, "due": 0})
        client.zadd(agenda(), {job.id: 0})
    client.hset(job_key(held.id), mapping={"token": "other", "lease": clock.ms + 1000})
    assert {due.verb for due in ledger.sweep() if due.job_id == free.id} == {expected.sweep}
    assert ledger.wait(held.id, "mine", to_send()) == expected.waits
    assert isinstance(ledger.claim(held.id, "mine", lease_s=LEASE_S), expected.claim_held)
    claim = ledger.claim(free.id, "mine", lease_s=LEASE_S)
    assert isinstance(claim, expected.claim_free)
    if isinstance(claim, Granted):
        assert claim.state == expected.granted_as
        assert ledger.settle(free.id, "mine", accepted(free)).ours
    else:
        assert not ledger.settle(free.id, "mine", accepted(free)).ours

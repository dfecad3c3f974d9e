"""The ledger under steps in any order, by several workers, with receipts and time passing between them."""

import json

import redis
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from smsjobs.contract import IdempotencyConflict, JobRecord, element_tag
from smsjobs.delivery import DeliveryStore
from smsjobs.ledger import Granted, InFlight, Ledger, NotDue, Settled, Wait, outcome_json
from smsjobs.redis_store import key
from smsjobs.steering import Steering
from support.any_order import play
from support.keys import job_key
from support.ledgers import (
    LEASE_S,
    PHONE,
    Clock,
    a_job,
    accepted,
    assert_nothing_is_lost,
    everything,
    failed,
)
from support.receipts import a_report

RETENTION_S = 1e9  # Redis lets keys expire by its own clock; here nothing is forgotten
WORKERS = ("one", "two", "three")


class AnyOrder(RuleBasedStateMachine):
    """Three workers and a sweep, whose answers get lost and who come back late."""

    jobs = Bundle("jobs")

    def __init__(self, client: redis.Redis) -> None:
        super().__init__()
        self.clock = Clock()
        self.redis = client
        client.flushdb()
        self.ledger = Ledger(self.redis, retention_s=RETENTION_S, clock=self.clock)
        self.tokens = 0
        self.recorded: dict[str, JobRecord] = {}
        #: What each worker believes to hold: its last grant, however old.
        self.grants: dict[tuple[str, str], Granted] = {}
        #: Who holds a job in truth, and until when.
        self.holder: dict[str, tuple[str, float]] = {}
        self.outcome: dict[str, str] = {}
        #: What was first reported of each job's recipient.
        self.reported: dict[str, str] = {}
        self.payload_of_key: dict[str, tuple[str, str]] = {}

    @precondition(lambda self: len(self.recorded) < 3)
    @rule(
        target=jobs,
        key=st.none() | st.sampled_from("ab"),
        code=st.sampled_from(["111111", "222222"]),
        countdown=st.sampled_from([0, 0, 0, 20]),
        lane=st.sampled_from(["verification", "bulk"]),
        times=st.integers(1, 2),
    )
    def record(self, key: str | None, code: str, countdown: float, lane: str, times: int) -> str:
        """Record a job, maybe twice, maybe with a key that is taken."""
        job = a_job(
            idempotency_key=key,
            params={"code": code},
            countdown=countdown,
            lane_name=lane,
            expires=countdown + 200,
        )
        taken = self.payload_of_key.get(key or "")
        for _ in range(times):
            try:
                recorded = self.ledger.record(job)
            except IdempotencyConflict as conflict:
                assert taken is not None
                assert taken[1] != code
                assert conflict.out_id == taken[0]  # noqa: PT017  one step of many
                return taken[0]
            if taken is None:
                assert (recorded.job_id, recorded.new) == (job.id, True)
            else:
                assert taken[1] == code
                assert (recorded.job_id, recorded.new) == (taken[0], False)
        if taken is not None:
            return taken[0]
        if key is not None:
            self.payload_of_key[key] = (job.id, code)
        self.recorded[job.id] = job
        return job.id

    @rule(job_id=jobs, worker=st.sampled_from(WORKERS), times=st.integers(1, 2))
    def claim(self, job_id: str, worker: str, times: int) -> None:
        """Claim a job with a new token, maybe twice because the first answer was lost."""
        self.tokens += 1
        token = f"{worker}-{self.tokens}"
        for _ in range(times):
            claim = self.ledger.claim(job_id, token, lease_s=LEASE_S)
            match claim:
                case Granted():
                    assert job_id not in self.outcome, "granted after its settlement"
                    held = self.holder.get(job_id)
                    assert held is None or held[0] == token or held[1] <= self.clock.now, "two holders"
                    self.holder[job_id] = (token, self.clock.now + LEASE_S)
                    self.grants[job_id, worker] = claim
                case Settled(outcome=outcome):
                    assert outcome == self.outcome[job_id]
                case InFlight():
                    assert self.holder[job_id][1] > self.clock.now
                case NotDue():
                    assert job_id not in self.outcome
                case _:
                    raise AssertionError(claim)

    def _holds(self, job_id: str, token: str) -> bool:
        """Whether that token is the job's: nobody took it over, though its lease may have run out."""
        held = self.holder.get(job_id)
        return job_id not in self.outcome and held is not None and held[0] == token

    @precondition(lambda self: self.grants)
    @rule(
        data=st.data(),
        state=st.sampled_from(["queued", "looking_up"]),
        delay_s=st.sampled_from([0.0, 0.0, 3.0, 500.0]),
        attempts=st.integers(0, 3),
        times=st.integers(1, 2),
    )
    def wait(self, data: st.DataObject, state: str, delay_s: float, attempts: int, times: int) -> None:
        """Give a job back, maybe twice, maybe long after somebody else took it."""
        job_id, worker = data.draw(st.sampled_from(sorted(self.grants)))
        token = self.grants[job_id, worker].token
        lost_ms = self.clock.ms if state == "looking_up" else 0
        wait = Wait(
            state=state,
            delay_s=delay_s,
            attempts=attempts,
            lost_from_ms=lost_ms,
            lost_to_ms=lost_ms,  # type: ignore[arg-type]
        )
        held = self._holds(job_id, token)
        for _ in range(times):
            ours = self.ledger.wait(job_id, token, wait)
            assert ours or not held
        if held:
            del self.holder[job_id]
            del self.grants[job_id, worker]

    @precondition(lambda self: self.grants)
    @rule(
        data=st.data(),
        kind=st.sampled_from(["accepted", "rejected", "not_sent", "unknown"]),
        times=st.integers(1, 2),
    )
    def settle(self, data: st.DataObject, kind: str, times: int) -> None:
        """Settle a job, maybe twice, maybe long after somebody else took it."""
        job_id, worker = data.draw(st.sampled_from(sorted(self.grants)))
        token = self.grants[job_id, worker].token
        job = self.recorded[job_id]
        outcome = accepted(job) if kind == "accepted" else failed(job, kind)
        may = self._holds(job_id, token) or (kind == "accepted" and job_id not in self.outcome)
        for _ in range(times):
            settlement = self.ledger.settle(job_id, token, outcome)
            if may:
                assert settlement.ours
                self._ended(job_id, settlement.outcome or "")
            elif job_id not in self.outcome:
                assert (settlement.ours, settlement.outcome) == (False, None)
            else:
                assert settlement.outcome == self.outcome[job_id]

    @precondition(lambda self: self.grants)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        """Renew a claim, maybe one that is over."""
        job_id, worker = data.draw(st.sampled_from(sorted(self.grants)))
        token = self.grants[job_id, worker].token
        (ours,) = self.ledger.renew([(job_id, token)], lease_s=LEASE_S)
        assert ours == self._holds(job_id, token)
        if ours:
            self.holder[job_id] = (token, self.clock.now + LEASE_S)

    @rule(limit=st.sampled_from([1, 2, 100]))
    def sweep(self, limit: int) -> None:
        """Sweep, and settle what has expired."""
        found = self.ledger.sweep(limit=limit)
        assert len({due.job_id for due in found}) == len(found)
        for due in found:
            held = self.holder.get(due.job_id)
            assert held is None or held[1] <= self.clock.now, "handed out what somebody holds"
            if held is not None:
                del self.holder[due.job_id]
            match due.verb:
                case "expired":
                    job = self.recorded[due.job_id]
                    settlement = self.ledger.settle(
                        job.id, "", failed(job, "unknown" if due.lost else "not_sent")
                    )
                    assert settlement.ours
                    self._ended(job.id, settlement.outcome or "")
                case "store":
                    assert due.job_id in self.outcome
                    self.ledger.confirm_stored(due.job_id)
                case _:
                    assert due.job_id not in self.outcome

    @rule(job_id=jobs, times=st.integers(1, 2))
    def cancel(self, job_id: str, times: int) -> None:
        """Cancel a job, maybe twice: only what nobody holds, and of what surely nothing was sent, is cancelled."""
        for _ in range(times):
            cancelled = Steering(self.ledger, clock=self.clock).cancel(job_id)
            found = self.ledger.read(job_id)
            assert found is not None
            if cancelled:
                assert job_id not in self.holder
                assert found.status == "not_sent"
                self._ended(job_id, found.outcome or "")
            else:
                lost_from = self.redis.hget(job_key(job_id), "lost_from")
                assert found.status != "queued" or lost_from not in (None, "0")

    @rule(job_id=jobs, err_code=st.sampled_from(["DELIVERED", "EXPIRED"]), times=st.integers(1, 2))
    def receipt(self, job_id: str, err_code: str, times: int) -> None:
        """Aliyun reports a delivery, maybe twice: whatever was not refused is accepted from then on."""
        known = self.outcome.get(job_id)
        was = None if known is None else outcome_json(known, job_id)["outcome"]
        store = DeliveryStore(self.ledger, clock=self.clock)
        settled = [
            each for _ in range(times) for each in store.take([a_report(job_id, err_code=err_code)]).settled
        ]
        assert len(settled) == (was in (None, "unknown"))
        found = self.ledger.read(job_id)
        assert found is not None
        if settled:
            assert found.status == "accepted"
            self.outcome[job_id] = found.outcome or ""
            self.holder.pop(job_id, None)
            self.reported.setdefault(job_id, store.delivery(job_id).state)
        elif was == "accepted":
            self.reported.setdefault(job_id, store.delivery(job_id).state)
        if job_id in self.reported:
            assert store.delivery(job_id).state == self.reported[job_id], "a final delivery changed"

    @rule(seconds=st.sampled_from([30.0, 1.0, 5.0, 29.0, 31.0, 0.001, 201.0]))
    def time_passes(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.pass_(seconds)

    @rule(job_id=jobs)
    def worker_is_replaced(self, job_id: str) -> None:
        """A worker is paused for a lease, and another one takes its job."""
        self.claim(job_id, "one", 1)
        self.time_passes(LEASE_S)
        self.claim(job_id, "two", 1)

    @rule()
    def scripts_are_forgotten(self) -> None:
        """Redis was restarted."""
        self.redis.script_flush()

    def _ended(self, job_id: str, outcome: str) -> None:
        assert self.outcome.setdefault(job_id, outcome) == outcome, "two outcomes"
        self.holder.pop(job_id, None)

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every job without outcome is on the agenda."""
        assert_nothing_is_lost(self.redis)

    @invariant()
    def what_is_listed_did_not_end_well(self) -> None:
        """The list of what failed has each job that did not end well, and no other."""
        listed = self.redis.zrange(key(element_tag("SMS.Test"), "failed"), 0, -1)
        bad = [
            each
            for each, outcome in self.outcome.items()
            if outcome_json(outcome, each)["outcome"] != "accepted"
        ]
        assert set(listed) == set(bad)

    @invariant()
    def every_job_is_as_it_should_be(self) -> None:
        """Each job reads as settled with its outcome, or as not settled."""
        for job_id in self.recorded:
            found = self.ledger.read(job_id)
            assert found is not None
            assert found.outcome == self.outcome.get(job_id)
            if found.outcome:
                assert found.status == outcome_json(found.outcome, job_id)["outcome"]
            else:
                assert found.status in ("queued", "sending", "looking_up")

    @invariant()
    def settled_jobs_have_no_numbers(self) -> None:
        """Once all jobs are settled, Redis holds no number and no parameter, but what may be sent again."""
        if set(self.recorded) == set(self.outcome):
            lines = everything(self.redis).splitlines()
            text = "".join(each for each in lines if ":retry:" not in each.partition(" ")[0])
            assert PHONE not in text
            assert "111111" not in text
            assert "222222" not in text

    def teardown(self) -> None:
        """Left to the sweep and a patient worker, every job ends."""
        for _ in range(60):
            self.clock.pass_(601)
            self.sweep(100)
            for job_id in set(self.recorded) - set(self.outcome):
                self.tokens += 1
                claim = self.ledger.claim(job_id, f"last-{self.tokens}", lease_s=LEASE_S)
                if isinstance(claim, Granted):
                    outcome = failed(self.recorded[job_id], "unknown")
                    assert self.ledger.settle(job_id, claim.token, outcome).ours
                    self._ended(job_id, json.dumps(outcome, ensure_ascii=False, sort_keys=True))
            if set(self.recorded) == set(self.outcome):
                break
        assert set(self.recorded) == set(self.outcome)
        assert self.ledger.waiting() == 0


def test_any_order(client: redis.Redis) -> None:
    """In whatever order steps, losses and time come: one holder, one outcome, nothing lost."""
    play(lambda: AnyOrder(client))

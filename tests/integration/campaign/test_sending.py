"""Chunks on their way: fed, held, given back, counted once, and reported."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.fernet import Fernet

from smsjobs import IdempotencyConflict, InvalidArguments
from smsjobs.campaign import CampaignStore
from smsjobs.contract import RequestFailed, make_chunk, unpack
from smsjobs.ledger import NotDue, Settled, outcome_json
from smsjobs.redis_store import ELEMENTS, Seal, unseal
from support.campaigns import KEEP_S, Bench, counted, numbers, outcomes, refused, unknown
from support.keys import campaign_key, job_key, open_campaigns


def test_from_start_to_end(bench: Bench) -> None:
    """Chunks become jobs, are granted with their recipients, and when the last is settled the campaign is finished."""
    campaign = bench.start(2500, params={"event": "维护"})
    jobs = bench.sweep()
    assert jobs == [row.out_id for row in list(campaign.report())[::1000]]
    for job_id in jobs:
        granted = bench.granted(job_id)
        job = make_chunk(job_id, granted.job, *granted.chunk)
        assert job.message.params == {"event": "维护"}
        assert len(job.message.phones) in (1000, 500)
        bench.settle(granted)
    progress = campaign.progress()
    assert (progress.state, progress.ended, progress.by_code) == ("finished", True, {"OK": 2500})
    assert counted(progress) == {"accepted": 2500}
    rows = list(campaign.report())
    assert [row.line for row in rows] == list(range(1, 2501))
    assert [row.phone for row in rows] == numbers(2500)
    assert {(row.out_id, row.biz_id) for row in rows} == {(job, f"biz-{job}") for job in jobs}


def test_few_jobs_at_a_time(bench: Bench) -> None:
    """Only a window of a campaign's chunks are jobs, and each settled one makes room for the next."""
    people = [{"phone": number, "name": f"n{n}"} for n, number in enumerate(numbers(60_000))]
    bench.start(people=people)
    jobs = bench.sweep()
    assert len(jobs) == 500
    assert bench.sweep() == []
    for job_id in jobs[:7]:
        bench.send(job_id)
    assert len(bench.sweep()) == 7


def test_fed_and_never_published(bench: Bench) -> None:
    """A worker that dies between feeding and publishing costs half a minute and no chunk."""
    bench.start()
    bench.ledger.feed()
    bench.ledger.sweep()  # taken, and the process dies
    assert bench.sweep() == []
    bench.clock.pass_(31)
    assert len(bench.sweep()) == 3


def test_counted_once(bench: Bench) -> None:
    """A settlement that is repeated, or brought by a second holder, counts nothing twice."""
    campaign = bench.start()
    first = bench.sweep()[0]
    granted = bench.granted(first)
    bench.settle(granted)
    bench.settle(granted)
    late = bench.ledger.settle(first, "stale", {"outcome": "accepted", "v": 1})
    assert not late.ours
    assert counted(campaign.progress()) == {"pending": 1500, "accepted": 1000}
    assert campaign.progress().by_code == {"OK": 1000}


def test_every_outcome(bench: Bench) -> None:
    """Counters, codes and the report agree, whatever becomes of the chunks."""
    people = numbers(4500)
    people[10:10] = ["bad", people[0]]
    campaign = bench.start(people=people)
    jobs = bench.sweep()
    bench.send(jobs[0])
    bench.send(jobs[1], refused())
    bench.send(jobs[2], unknown())
    bench.send(jobs[3], RequestFailed("late", reason="expired", outcome="not_sent"))
    progress = campaign.progress()
    expected = {"accepted": 1000, "rejected": 1000, "unknown": 1000, "not_sent": 1000, "pending": 500}
    assert counted(progress) == expected | {"invalid": 1, "duplicates": 1}
    assert progress.by_code == {
        "OK": 1000,
        "isv.MOBILE_NUMBER_ILLEGAL": 1000,
        "no_answer": 1000,
        "expired": 1000,
    }
    assert outcomes(campaign.report()) == expected | {"invalid": 1, "duplicate": 1}
    assert [row.line for row in campaign.report()] == list(range(1, 4503))
    codes = {(row.outcome, row.code, row.reason, row.aliyun_code) for row in campaign.report()}
    assert codes == {
        ("accepted", None, None, "OK"),
        ("rejected", 46002, "refused", "isv.MOBILE_NUMBER_ILLEGAL"),
        ("unknown", 46003, "no_answer", None),
        ("not_sent", 46003, "expired", None),
        ("pending", None, None, None),
        ("invalid", 46001, "not_a_phone_number", None),
        ("duplicate", None, "duplicate", None),
    }


def test_pause_and_resume(bench: Bench) -> None:
    """A pause holds every chunk whose request has not begun, lets the others end, and resuming sends the rest."""
    campaign = bench.start(4000)
    jobs = bench.sweep()
    in_flight = bench.granted(jobs[0])
    campaign.pause()
    assert campaign.progress().state == "paused"
    assert [type(bench.claim(job)) for job in jobs[1:]] == [NotDue] * 3
    assert bench.sweep() == []
    bench.clock.pass_(7 * 24 * 3600)  # no time is long enough to send or expire what is held
    assert bench.sweep() == [jobs[0]]  # whose holder let its lease run out
    bench.settle(in_flight)
    assert counted(campaign.progress()) == {"accepted": 1000, "pending": 3000}
    campaign.resume()
    assert bench.sweep() == jobs[1:]
    for job_id in jobs[1:]:
        bench.send(job_id)
    assert campaign.progress().state == "finished"


def test_paused_between_claim_and_request(bench: Bench) -> None:
    """A worker that holds a chunk, and waits for a permit, learns of the pause before it sends; other jobs go on."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    bench.granted(job_id)
    assert bench.ledger.may_be_sent(job_id)
    campaign.pause()
    assert not bench.ledger.may_be_sent(job_id)
    campaign.resume()
    assert bench.ledger.may_be_sent(job_id)
    campaign.cancel()
    assert not bench.ledger.may_be_sent(job_id)
    assert bench.ledger.may_be_sent("some-other-job")


def test_paused_before_it_is_fed(bench: Bench) -> None:
    """A campaign that is paused before its first chunk sends none."""
    campaign = bench.start()
    campaign.pause()
    assert bench.sweep() == []
    campaign.resume()
    assert len(bench.sweep()) == 3


def test_message_of_a_held_chunk(bench: Bench) -> None:
    """The message of a chunk that went back, delivered late, neither sends it nor makes it a lost job."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    campaign.pause()
    assert isinstance(bench.claim(job_id), NotDue)
    assert isinstance(bench.claim(job_id), NotDue)
    campaign.resume()
    assert isinstance(bench.claim(job_id), NotDue)
    assert bench.sweep() == [job_id]
    bench.send(job_id)
    assert counted(campaign.progress()) == {"accepted": 1000}


def test_a_retry_while_paused(bench: Bench) -> None:
    """A chunk that waits to be tried again when the pause comes is held too, and keeps its count of attempts."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    bench.wait(bench.granted(job_id), attempts=3)
    campaign.pause()
    bench.clock.pass_(61)
    assert bench.sweep() == []
    assert isinstance(bench.claim(job_id), NotDue)
    campaign.resume()
    assert bench.sweep() == [job_id]
    assert bench.granted(job_id).attempts == 3


def test_looked_up_while_paused(bench: Bench) -> None:
    """A pause does not stop the look-up of an answer that was lost: it sends nothing."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    now = bench.clock.ms
    bench.wait(bench.granted(job_id), state="looking_up", lost_from_ms=now, lost_to_ms=now)
    campaign.pause()
    bench.clock.pass_(61)
    assert bench.sweep() == [job_id]
    granted = bench.granted(job_id)
    assert granted.state == "looking_up"
    bench.settle(granted)
    assert campaign.progress().state == "finished"


def test_cancel(bench: Bench) -> None:
    """Cancelling counts at once what is not sent, and in the end what was under way."""
    campaign = bench.start(5000)
    jobs = bench.sweep()
    bench.send(jobs[0])
    held = bench.granted(jobs[1])
    lost = bench.granted(jobs[2])
    bench.wait(lost, state="looking_up", lost_from_ms=bench.clock.ms, lost_to_ms=bench.clock.ms)
    bench.wait(bench.granted(jobs[3]))
    campaign.cancel()
    progress = campaign.progress()
    assert counted(progress) == {"accepted": 1000, "not_sent": 2000, "pending": 2000}
    assert (progress.state, progress.ended) == ("cancelled", False)
    assert progress.by_code == {"OK": 1000, "cancelled": 2000}
    assert outcomes(campaign.report()) == {"accepted": 1000, "not_sent": 2000, "pending": 2000}
    bench.settle(held)
    bench.clock.pass_(61)
    bench.settle(bench.granted(jobs[2]), unknown())
    progress = campaign.progress()
    assert counted(progress) == {"accepted": 2000, "not_sent": 2000, "unknown": 1000}
    assert (progress.state, progress.ended) == ("cancelled", True)
    assert outcomes(campaign.report()) == {"accepted": 2000, "not_sent": 2000, "unknown": 1000}
    cancelled = {(row.code, row.reason) for row in campaign.report() if row.outcome == "not_sent"}
    assert cancelled == {(46003, "cancelled")}
    campaign.resume()
    assert bench.sweep() == []


def test_cancel_knows_what_may_have_been_sent(bench: Bench) -> None:
    """A chunk of which a request may have been accepted is never counted as not sent by a cancellation."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    now = bench.clock.ms
    bench.wait(bench.granted(job_id), lost_from_ms=now, lost_to_ms=now, resent=True)
    campaign.cancel()
    assert counted(campaign.progress()) == {"pending": 1000}


def test_jobs_of_a_cancelled_campaign(bench: Bench) -> None:
    """A chunk that was a job when its campaign was cancelled ends as a job too, and Celery's result is stored."""
    campaign = bench.start(2000)
    first, second = bench.sweep()
    campaign.cancel()
    claim = bench.claim(first)
    assert isinstance(claim, Settled)
    error = outcome_json(claim.outcome, claim.job_id)["error"]
    assert (error["code"], error["reason"], error["outcome"], error["out_id"]) == (
        46003,
        "cancelled",
        "not_sent",
        first,
    )
    assert {(due.verb, due.job_id) for due in bench.ledger.sweep()} == {("store", first), ("store", second)}


def test_cancelled_while_it_waits_again(bench: Bench) -> None:
    """A chunk that a worker holds when the campaign is cancelled, and does not get sent, is cancelled then."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    held = bench.granted(job_id)
    campaign.cancel()
    assert counted(campaign.progress()) == {"pending": 1000}
    bench.wait(held)
    assert counted(campaign.progress()) == {"not_sent": 1000}
    assert campaign.progress().ended


def test_cancel_what_is_held_back(bench: Bench) -> None:
    """Chunks that went back to a paused campaign are cancelled with it, jobs and all."""
    campaign = bench.start(2000)
    jobs = bench.sweep()
    campaign.pause()
    for job_id in jobs:
        bench.claim(job_id)
    campaign.cancel()
    assert counted(campaign.progress()) == {"not_sent": 2000}
    assert [bench.redis.ttl(job_key(job_id)) > 0 for job_id in jobs] == [True, True]


def test_cancel_while_planning(bench: Bench) -> None:
    """A campaign that is cancelled while its file is read sends nothing, and still reports every row."""

    def cancel(page):
        if page.number == 0:
            bench.store.cancel(bench.store.ids()[0])

    campaign = bench.start(25_000, on_page=cancel)
    progress = campaign.progress()
    assert (progress.state, progress.ended) == ("cancelled", True)
    assert counted(progress) == {"not_sent": 25_000}
    assert progress.by_code == {"cancelled": 25_000}
    assert outcomes(campaign.report()) == {"not_sent": 25_000}
    assert bench.sweep() == []
    left = {name: bench.redis.pttl(name) for name in bench.redis.scan_iter("sms:{*}:campaign:*")}
    assert min(left.values()) > 0, left
    assert not [name for name in left if name.endswith((":pending", ":params", ":active"))]


def test_pause_while_planning(bench: Bench) -> None:
    """A campaign that is paused while its file is read waits when it is planned."""
    campaign = bench.start(1000, on_page=lambda _: bench.store.pause(bench.store.ids()[0], "wait"))
    assert (campaign.progress().state, campaign.progress().reason) == ("paused", "wait")
    assert bench.sweep() == []


def put_back(bench, granted, reason="isv.OUT_OF_SERVICE: top it up"):
    return bench.ledger.put_back(granted.job_id, granted.token, attempts=1, reason=reason)


def test_given_back(bench: Bench) -> None:
    """A refusal that concerns all chunks pauses the campaign with its reason and leaves its chunk to be sent."""
    campaign = bench.start(3000)
    jobs = bench.sweep()
    first, second = bench.granted(jobs[0]), bench.granted(jobs[1])
    assert put_back(bench, first) == "ok"
    assert put_back(bench, first) == "ok"  # its answer was lost, and the step repeated
    assert put_back(bench, second, "another reason") == "ok"
    progress = campaign.progress()
    assert (progress.state, progress.reason) == ("paused", "isv.OUT_OF_SERVICE: top it up")
    assert counted(progress) == {"pending": 3000}
    assert isinstance(bench.claim(jobs[2]), NotDue)
    campaign.resume()
    assert bench.sweep() == jobs
    assert bench.granted(jobs[0]).attempts == 1


def test_paused_by_hand_too(bench: Bench) -> None:
    """A campaign that paused itself keeps its reason when somebody pauses it, until it continues."""
    campaign = bench.start(1000)
    assert put_back(bench, bench.granted(*bench.sweep())) == "ok"
    campaign.pause()
    assert campaign.progress().reason == "isv.OUT_OF_SERVICE: top it up"
    campaign.resume()
    campaign.pause()
    assert campaign.progress().reason == "paused by hand"


def test_given_back_too_late(bench: Bench) -> None:
    """A holder whose lease ran out gives nothing back; of a cancelled campaign the refusal is the outcome."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    stale = bench.granted(job_id)
    bench.clock.pass_(31)
    bench.granted(job_id)
    assert put_back(bench, stale) == "fenced"
    assert campaign.progress().state == "running"
    other = bench.start(1000, name="other")
    (job_id,) = bench.sweep()
    held = bench.granted(job_id)
    other.cancel()
    assert put_back(bench, held) == "settle"


def at_beijing(bench, hour, minute=0, second=0):
    day = datetime.fromtimestamp(bench.clock.now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moment = day + timedelta(days=2, hours=hour - 8, minutes=minute, seconds=second)
    bench.clock.now = moment.timestamp()


@pytest.mark.parametrize(
    ("time", "state"),
    [
        ((7, 59, 59), "scheduled"),
        ((8, 0, 0), "running"),
        ((12, 0, 0), "running"),
        ((19, 59, 29), "running"),
        ((19, 59, 30), "scheduled"),  # a request that begins now may arrive after the hour
        ((20, 0, 0), "scheduled"),
        ((23, 59, 59), "scheduled"),
        ((0, 0, 0), "scheduled"),
    ],
)
def test_promotional_hours(bench: Bench, time, state) -> None:
    """Promotional messages are sent from 8:00 to 20:00 in Beijing, and others at any time."""
    at_beijing(bench, *time)
    campaign = bench.start(1000, promotional=True)
    other = bench.start(1000, name="other")
    assert (campaign.progress().state, other.progress().state) == (state, "running")
    assert len(bench.sweep()) == (2 if state == "running" else 1)


def test_over_night(bench: Bench) -> None:
    """What was not sent by the evening is held at the worker and goes out the next morning by itself."""
    at_beijing(bench, 19, 59)
    campaign = bench.start(2000, promotional=True)
    first, second = bench.sweep()
    bench.send(first)
    bench.clock.pass_(60)
    assert isinstance(bench.claim(second), NotDue)
    assert campaign.progress().state == "scheduled"
    bench.clock.pass_(11 * 3600)
    assert bench.sweep() == []
    bench.clock.pass_(3600)
    assert bench.sweep() == [second]
    bench.send(second)
    assert campaign.progress().state == "finished"


def test_at_a_time(bench: Bench) -> None:
    """A campaign begins at its time, whatever zone it was given in."""
    at = datetime.fromtimestamp(bench.clock.now + 3600, UTC)
    campaign = bench.start(1000, at=at)
    assert campaign.progress().state == "scheduled"
    assert bench.sweep() == []
    bench.clock.pass_(3599)
    assert bench.sweep() == []
    bench.clock.pass_(1)
    assert campaign.progress().state == "running"
    assert len(bench.sweep()) == 1


@pytest.mark.parametrize("since_1970", [None, 0])
def test_a_time_that_is_past(bench: Bench, since_1970) -> None:
    """A time that is past is refused with the time now and the hint, and leaves no campaign; a minute is forgiven."""
    zone = timezone(timedelta(hours=8))
    at = datetime.fromtimestamp(bench.clock.now - 61 if since_1970 is None else since_1970, zone)
    now = datetime.fromtimestamp(bench.clock.now, zone)
    with pytest.raises(InvalidArguments) as raised:
        bench.start(1000, at=at)
    assert raised.value.code == 46001
    assert raised.value.message == (
        f"at {at.isoformat()} is past, it is {now.isoformat()} now: leave it out to send now"
    )
    assert list(bench.redis.scan_iter()) == [ELEMENTS]
    late = datetime.fromtimestamp(bench.clock.now - 60, zone)
    assert bench.start(1000, at=late).progress().state == "running"


@pytest.mark.parametrize("complete", [False, True])
def test_again_after_its_time(bench: Bench, complete) -> None:
    """The same call finds its campaign after its time has passed, and finishes a plan that was interrupted."""
    at = datetime.fromtimestamp(bench.clock.now + 60, UTC)

    def dies(_):
        if not complete:
            raise KeyboardInterrupt

    with nullcontext() if complete else pytest.raises(KeyboardInterrupt):
        bench.start(1000, at=at, on_page=dies)
    bench.clock.pass_(3600)
    assert bench.start(1000, at=at).progress().state == "running"
    assert len(bench.sweep()) == 1


def test_time_without_a_zone(bench: Bench) -> None:
    """A time without a zone is refused."""
    with pytest.raises(InvalidArguments, match="at must be a datetime with a time zone"):
        bench.start(1000, at=datetime(2030, 1, 1))  # noqa: DTZ001  that is the point


def test_what_stays(bench: Bench) -> None:
    """After the end the parameters are gone, the rest goes by itself after a while, and no job's numbers are left."""
    people = [{"phone": number, "name": f"n{n}"} for n, number in enumerate(numbers(150))]
    campaign = bench.start(people=people)
    key = campaign_key(campaign.id)
    jobs = bench.sweep()
    bench.send(jobs[0])
    assert bench.redis.hkeys(f"{key}:params") == ["1"]
    bench.send(jobs[1])
    left = {name: bench.redis.pttl(name) for name in bench.redis.scan_iter("sms:{*}:campaign:*")}
    assert set(left) == {key, *(f"{key}:{part}" for part in ("pages", "rows", "outcomes", "codes"))}
    assert all(0 < each <= KEEP_S * 1000 for each in left.values())
    assert bench.redis.smembers(open_campaigns()) == set()


def test_forgotten(bench: Bench) -> None:
    """A campaign that is no longer kept is told so, and is in no list."""
    campaign = bench.start()
    for name in list(bench.redis.scan_iter("sms:{*}:campaign:*")):
        bench.redis.delete(name)
    assert bench.store.ids() == []
    for verb in (
        campaign.progress,
        campaign.pause,
        campaign.resume,
        campaign.cancel,
        lambda: list(campaign.report()),
    ):
        with pytest.raises(InvalidArguments) as raised:
            verb()
        assert raised.value.reason == "campaign_not_found"
    assert bench.sweep() == []


def test_jobs_of_a_forgotten_campaign(bench: Bench) -> None:
    """A chunk whose campaign somebody has deleted is not sent, and still ends with an outcome."""
    bench.start(1000)
    (job_id,) = bench.sweep()
    for name in list(bench.redis.scan_iter("sms:{*}:campaign:*")):
        bench.redis.delete(name)
    claim = bench.claim(job_id)
    assert isinstance(claim, Settled)
    assert outcome_json(claim.outcome, claim.job_id)["error"]["reason"] == "cancelled"
    assert list(bench.redis.scan_iter("sms:{*}:campaign:*")) == []


def test_waiting_for_the_end(bench: Bench) -> None:
    """Waiting ends with the campaign, and with a clear error when the time is over."""
    campaign = bench.start(1000)
    with pytest.raises(TimeoutError, match=r"has not ended after 0\.1 s"):
        campaign.wait(timeout=0.1)
    bench.send(bench.sweep()[0])
    assert campaign.wait(timeout=1).accepted == 1000


def test_sealed(bench: Bench) -> None:
    """With a key, neither numbers nor anybody's own parameters can be read in Redis, and report and worker have them."""
    seal = Seal(Fernet.generate_key().decode())
    bench.store = CampaignStore(bench.redis, timeout_s=1, keep_s=KEEP_S, seal=seal, clock=bench.clock)
    people = [{"phone": number, "name": f"name{n}"} for n, number in enumerate(numbers(150))]
    campaign = bench.start(people=[*people, {"phone": "13x", "name": "bad"}])
    key = campaign_key(campaign.id)
    stored = [*bench.redis.hvals(f"{key}:rows"), *bench.redis.hvals(f"{key}:params")]
    assert len(stored) == 4
    for text in (*stored, bench.redis.hget(f"{key}:pages", "0").split(" ", 3)[3]):
        with pytest.raises(InvalidArguments):
            unpack(text)
    granted = bench.granted(bench.sweep()[0])
    job = make_chunk(granted.job_id, granted.job, *(unseal(each, seal) for each in granted.chunk))
    assert job.message.params_of_each[99] == {"name": "name99"}
    assert [row.phone for row in campaign.report()] == [*numbers(150), "13x"]
    with pytest.raises(IdempotencyConflict, match="from line 151 on"):
        bench.start(people=people)


@pytest.mark.parametrize("part", ["rows", "pages", "codes", "pending"])
def test_no_id(bench: Bench, part) -> None:
    """What cannot be a campaign's id is none, though it names a key that a campaign has."""
    campaign = bench.start()
    for text in (f"{campaign.id}:{part}", "多", f"{campaign.id}\n", ""):
        handle = bench.handle(text)
        for verb in (handle.progress, handle.pause, handle.cancel, lambda: list(handle.report())):  # noqa: B023
            with pytest.raises(InvalidArguments) as raised:
                verb()
            assert raised.value.reason == "campaign_not_found"


def test_accepted_after_it_was_given_back(bench: Bench) -> None:
    """That Aliyun accepted is a fact whoever brings it: a chunk that is pending again by then is not sent once more."""
    campaign = bench.start(2000)
    first, _ = bench.sweep()
    stale = bench.granted(first)
    bench.clock.pass_(31)
    bench.sweep()
    bench.wait(bench.granted(first), delay_s=0)
    campaign.pause()
    bench.sweep()
    assert bench.redis.lrange(campaign_key(campaign.id, "pending"), 0, -1) == ["0:1000"]
    bench.settle(stale)
    assert counted(campaign.progress()) == {"accepted": 1000, "pending": 1000}
    campaign.resume()
    assert first not in bench.sweep()


def test_told_whether_it_had_ended(bench: Bench) -> None:
    """The step that pauses, resumes or cancels tells whether there was anything left to do so to."""
    campaign = bench.start(1000)
    assert bench.store.pause(campaign.id, "wait")
    assert bench.store.pause(campaign.id, "")
    bench.send(bench.sweep()[0])
    assert not bench.store.pause(campaign.id, "wait")
    assert not bench.store.pause(campaign.id, "")
    assert not bench.store.cancel(campaign.id)
    other = bench.start(1000, name="other")
    assert bench.store.cancel(other.id)
    assert bench.store.cancel(other.id)
    assert not bench.store.pause(other.id, "")

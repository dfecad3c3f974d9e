"""A damaged campaign pauses itself with the reason, and the others go on; nothing that was in it is lost."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsjobs.campaign import Campaign
from smsjobs.contract import InvalidArguments, SendResult, SmsError, encode_outcome
from smsjobs.facts import ItemSetAside
from smsjobs.ledger import Aside, Granted, Settlement
from support.campaigns import KEEP_S, Bench, counted, numbers, outcomes
from support.damage import WRONG_TYPES, replace_by
from support.facts import told
from support.keys import campaign_key, campaigns, open_campaigns


@pytest.fixture
def bench(client: "redis.Redis") -> Bench:
    """Campaigns on an empty Redis."""
    client.flushall()
    return Bench(client)


@pytest.fixture
def aside(client: "redis.Redis") -> Aside:
    """What is set aside there."""
    return Aside(client, keep_s=KEEP_S)


def sent(bench: Bench, *campaigns: Campaign, passes: int = 5) -> Counter[str]:
    """How often each number was sent to, after all was sent that is sent."""
    reached: Counter[str] = Counter()
    for _ in range(passes):
        for job_id in bench.sweep():
            claim = bench.claim(job_id)
            if isinstance(claim, Granted) and any(job_id.startswith(each.id) for each in campaigns):
                reached.update(bench.recipients(job_id))
                bench.settle(claim)
        bench.clock.pass_(11)
    return reached


PARTS = ["", "pages", "rows", "params", "pending", "active", "outcomes", "codes"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", ["string", "zset"])
def test_a_key_of_a_wrong_type(bench: Bench, aside: Aside, part: str, kind: str) -> None:
    """Whatever key of a campaign is of a wrong type: it is named and paused with the reason, and the other one is sent."""
    bad, good = bench.start(name="bad"), bench.start(name="good")
    replace_by(kind)(bench.redis, campaign_key(bad.id, *filter(None, [part])))
    with told() as facts:
        assert sent(bench, bad, good) == Counter(numbers(2500))
    assert [each.item for each in facts if isinstance(each, ItemSetAside)] == [f"campaign:{bad.id}"]
    assert good.progress().state == "finished"
    if part and part != "codes":
        shown = bad.progress()
        assert shown.state == "paused"
        assert shown.reason.startswith("damaged: ")
    else:
        with pytest.raises(InvalidArguments) as refused:
            bad.progress()
        assert refused.value.reason == "campaign_damaged"
    assert [each.id.partition(":")[2] for each in aside.items()] == [f"campaign:{bad.id}"]


COUNTERS = [
    "total",
    "accepted",
    "not_sent",
    "chunks",
    "at",
    "state",
    "generation",
    "element",
    "job",
    "paused",
]


@pytest.mark.parametrize("name", COUNTERS)
@pytest.mark.parametrize("value", [None, "x y", b"\xff"])
def test_a_field(bench: Bench, aside: Aside, name: str, value: str | bytes | None) -> None:
    """A campaign without a field, or with one that cannot be read, sends nothing more, and the other one is sent."""
    bad, good = bench.start(name="bad"), bench.start(name="good")
    if value is None:
        bench.redis.hdel(campaign_key(bad.id), name)
    else:
        bench.redis.hset(campaign_key(bad.id), name, value)
    readable = value is not None and name == "paused"
    reached = sent(bench, good, bad) if not readable else sent(bench, good)
    assert reached == Counter(numbers(2500))
    assert good.progress().state == "finished"
    assert readable or [each.id.partition(":")[2] for each in aside.items()] == [f"campaign:{bad.id}"]


@pytest.mark.parametrize("junk", ["abc", "", "1:", "x:250", b"\xff\xfe", "1:1000:1"])
def test_a_pending_item(bench: Bench, aside: Aside, junk: str | bytes) -> None:
    """What is not a chunk among a campaign's pending chunks is set aside, and every recipient gets his message."""
    campaign = bench.start()
    bench.redis.lpush(campaign_key(campaign.id, "pending"), junk)
    assert sent(bench, campaign) == Counter(numbers(2500))
    assert campaign.progress().state == "finished"
    (item,) = aside.items()
    assert item.problem == "not a valid chunk"
    aside.drop(item.id)
    assert aside.count() == 0


def test_a_chunk_twice(bench: Bench, aside: Aside) -> None:
    """A chunk that a hand made pending again after it was sent is not sent again."""
    campaign = bench.start()
    first = bench.redis.lindex(campaign_key(campaign.id, "pending"), 0)
    bench.send(bench.sweep()[0])
    bench.redis.rpush(campaign_key(campaign.id, "pending"), str(first))
    reached = sent(bench, campaign)
    assert max(reached.values()) == 1
    assert [each.problem for each in aside.items()] in ([], ["it is a job already"])
    assert campaign.progress().accepted == 2500


def test_a_lost_list(bench: Bench, aside: Aside) -> None:
    """A campaign whose pending chunks were overwritten gets them back, each once, after the wrong key is deleted."""
    campaign = bench.start(5000)
    for job_id in bench.sweep()[:2]:
        bench.send(job_id)
    replace_by("string")(bench.redis, campaign_key(campaign.id, "pending"))
    bench.sweep()
    (item,) = aside.items()
    assert "string" in str(aside.put_back(item.id))
    bench.redis.delete(campaign_key(campaign.id, "pending"))
    assert aside.put_back(item.id) is None
    sent(bench, campaign, passes=8)
    assert counted(campaign.progress()) == {"accepted": 5000}
    assert campaign.progress().state == "finished"
    assert outcomes(campaign.report()) == Counter(accepted=5000)


def test_recipients_in_no_chunk(bench: Bench, aside: Aside) -> None:
    """A campaign that lost a pending chunk does not end as if all were sent: it pauses, and can get the chunk back."""
    campaign = bench.start(2500)
    bench.redis.lpop(campaign_key(campaign.id, "pending"))
    sent(bench, campaign)
    assert campaign.progress().state == "paused"
    assert "are in no chunk" in campaign.progress().reason
    (item,) = aside.items()
    assert aside.put_back(item.id) is None
    sent(bench, campaign)
    assert counted(campaign.progress()) == {"accepted": 2500}
    assert campaign.progress().state == "finished"


@pytest.mark.parametrize("part", ["outcomes", "codes", "active", "pending", ""])
def test_an_outcome_that_cannot_be_counted(bench: Bench, aside: Aside, part: str) -> None:
    """An outcome is a fact also where its campaign is damaged: it is kept, and counted once after the campaign was fixed."""
    campaign = bench.start(1000)
    (job_id,) = bench.sweep()
    claim = bench.granted(job_id)
    name = campaign_key(campaign.id, *filter(None, [part]))
    whole = bench.redis.dump(name) if bench.redis.exists(name) else None
    replace_by("string")(bench.redis, name)
    outcome = SendResult(response={"Code": "OK"}, out_id=job_id, attempts=1)
    settled: Settlement = bench.ledger.settle(job_id, claim.token, encode_outcome(outcome))
    assert settled.ours
    found = bench.ledger.read(job_id)
    assert found is not None
    assert found.status == "accepted"
    item = next(each.id for each in aside.items() if ":count:" in each.id)
    assert aside.put_back(item) is not None
    bench.redis.delete(name)
    if whole is not None:
        bench.redis.restore(name, 0, whole)
    assert aside.put_back(item) is None
    assert counted(campaign.progress()) == {"accepted": 1000}
    assert campaign.progress().state == "finished"


@pytest.mark.parametrize("part", ["rows", "pending", "active", "outcomes"])
def test_cancel_looks_before_it_takes(bench: Bench, part: str) -> None:
    """Cancelling a damaged campaign says so, and changes nothing."""
    campaign = bench.start()
    replace_by("string")(bench.redis, campaign_key(campaign.id, part))
    before = {name: bench.redis.dump(name) for name in bench.redis.scan_iter("*:campaign:*")}
    with pytest.raises(InvalidArguments) as refused:
        campaign.cancel()
    assert refused.value.reason == "campaign_damaged"
    assert {name: bench.redis.dump(name) for name in bench.redis.scan_iter("*:campaign:*")} == before


@pytest.mark.parametrize("kind", WRONG_TYPES)
def test_a_chunks_entry(bench: Bench, aside: Aside, kind: str) -> None:
    """A chunk whose entry is damaged is set aside alone; dropped, it is counted as `unknown`, and the campaign ends."""
    campaign = bench.start()
    job_id = bench.sweep()[0]
    replace_by(kind)(bench.redis, f"{campaign_key(campaign.id).partition(':campaign:')[0]}:job:{job_id}")
    bench.redis.zadd(f"{campaign_key(campaign.id).partition(':campaign:')[0]}:agenda", {job_id: 0})
    for each in bench.sweep():
        bench.send(each)
    bench.clock.pass_(60)
    for each in bench.sweep():
        bench.send(each)
    assert campaign.progress().state == "running"
    (item,) = aside.items()
    aside.drop(item.id)
    shown = campaign.progress()
    assert shown.state == "finished"
    assert shown.unknown == len(bench.recipients(job_id))
    assert shown.accepted + shown.unknown == 2500


@pytest.mark.parametrize("name", [campaigns(), open_campaigns()])
@pytest.mark.parametrize("kind", ["string", "list"])
def test_a_list_of_all_campaigns(bench: Bench, name: str, kind: str) -> None:
    """If a list of all campaigns is of a wrong type, it is made anew: those that run are sent, and all are listed."""
    before = [bench.start(name=f"before {number}") for number in range(2)]
    replace_by(kind)(bench.redis, name)
    with suppress(InvalidArguments):
        bench.start(name="after")
    bench.sweep()
    after = bench.start(name="after")
    assert sent(bench, *before, after, passes=9) == Counter(numbers(2500) * 3)
    assert sorted(bench.store.ids()) == sorted(each.id for each in (*before, after))


def test_listed_beside_what_is_none(bench: Bench) -> None:
    """Neither bytes among the campaigns nor a damaged campaign hides the others from who lists them or asks by name."""
    bad, good = bench.start(name="bad"), bench.start(name="good")
    bench.redis.zadd(campaigns(), {b"\xff\xfe": 1, "no id": 2, "": 3})  # type: ignore[dict-item]
    replace_by("string")(bench.redis, campaign_key(bad.id))
    assert set(bench.store.ids()) == {bad.id, good.id}
    assert bench.store.named("good") == [good.id]


@pytest.mark.parametrize("name", ["total", "pages", "accepted", "created"])
def test_planned_beside_damage(bench: Bench, name: str) -> None:
    """A page is not half written to a plan that is damaged, and its planner is told so."""
    people = iter(numbers(5000))

    def damaged_meanwhile() -> Iterator[str]:
        yield from islice(people, 3000)
        (campaign_id,) = bench.store.ids()
        bench.redis.hset(campaign_key(campaign_id), name, "many")
        yield from people

    with pytest.raises(InvalidArguments) as refused:
        bench.start(people=damaged_meanwhile())
    assert refused.value.reason == "campaign_damaged"
    assert bench.sweep() == []


READ = ["", "pages", "rows", "outcomes", "codes", "delivered", "err_codes", "active"]
VALUES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [
            b"",
            b"a 0 1 x",
            b"a 0 999999999 x",
            b"[" * 5000,
            b"{}",
            b"null",
            b"[[1],[2]]",
            b"halved",
            b"receipt x",
        ]
    ),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    part=st.sampled_from(READ),
    name=st.sampled_from(["0", "1", "total", "planned", "paused", "accepted"]),
    value=VALUES,
)
def test_any_damage(client: "redis.Redis", part: str, name: str, value: bytes) -> None:
    """Whatever is in a campaign's keys, its progress and its report end in an error of ours or not at all, and another's are whole."""
    client.flushall()
    bench = Bench(client)
    bad, good = bench.start(3, name="bad"), bench.start(3, name="good")
    for job_id in bench.sweep():
        bench.send(job_id)
    place = campaign_key(bad.id, *filter(None, [part]))
    if part == "active":
        client.sadd(place, value)
    else:
        client.hset(place, name, value)
    for ask in (bad.progress, lambda: list(bad.report()), bad.cancel, bad.resume, bench.store.ids):
        with suppress(SmsError):
            ask()
    assert outcomes(good.report()) == Counter(accepted=3)
    assert bench.store.named("good") == [good.id]


def test_open_campaigns_that_are_none(bench: Bench, aside: Aside) -> None:
    """What is not an id among the open campaigns is set aside, and the campaign beside it is sent."""
    campaign = bench.start()
    bench.redis.sadd(open_campaigns(), "no id", b"\xff\xfe", "x" * 100, "gone")
    assert sent(bench, campaign) == Counter(numbers(2500))
    assert aside.count() == 3


def test_other_hands(bench: Bench, aside: Aside) -> None:
    """A thousand things that are no chunks cost no recipient his message."""
    campaign = bench.start()
    junk: Callable[[int], str] = lambda number: f"junk {number}"  # noqa: E731
    bench.redis.lpush(campaign_key(campaign.id, "pending"), *map(junk, range(1000)))
    assert sent(bench, campaign, passes=8) == Counter(numbers(2500))
    assert aside.count() == 1000

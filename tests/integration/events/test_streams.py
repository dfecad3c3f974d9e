"""Subscriptions: each subscriber gets every event, whichever of its processes reads, and nobody else's."""

from redis.exceptions import ResponseError

from smsjobs.contract import JobSettlement
from smsjobs.events import Entry, EntryUnreadable
from smsjobs.redis_store import NO_ELEMENT, key
from support.events import TAG, EventBench


def take(bench: EventBench, process: str, *, again_after_s: float = 60, most: int = 100) -> list[Entry]:
    return bench.streams.take("hook", process, tags=[TAG], most=most, again_after_s=again_after_s)


def test_each_subscriber_gets_everything(bench: EventBench) -> None:
    """Two subscribers get every event each, in the order in which they were written."""
    for each in ("hook", "task"):
        bench.subscribe(each)
        bench.subscribe(each)
    jobs = [bench.settled().id for _ in range(3)]
    for each in ("hook", "task"):
        assert [event["data"]["job_id"] for event in bench.told(each)] == jobs


def test_two_processes_share_the_events(bench: EventBench) -> None:
    """Processes of one subscriber get different events; what one does not finish, another gets later."""
    bench.subscribe()
    jobs = {bench.settled().id for _ in range(4)}
    one, two = take(bench, "one", most=2), take(bench, "two")
    assert {each.fields["job"] for each in one + two} == jobs
    bench.streams.done("hook", two)
    assert take(bench, "two") == []
    again = take(bench, "two", again_after_s=0)
    assert [each.id for each in again] == [each.id for each in one]


def test_what_everybody_has_is_dropped(bench: EventBench) -> None:
    """An event leaves Redis when every subscriber has it, and not before."""
    bench.subscribe("hook")
    bench.subscribe("task")
    for _ in range(3):
        bench.settled()
    first, *_ = take(bench, "one")
    bench.streams.tidy([TAG])
    assert bench.redis.xlen(key(TAG, "events")) == 3
    bench.told("task")
    bench.streams.done("hook", [first])
    bench.streams.tidy([TAG])
    assert bench.redis.xlen(key(TAG, "events")) == 2
    bench.streams.done("hook", take(bench, "one", again_after_s=0))
    bench.streams.tidy([TAG])
    assert bench.redis.xlen(key(TAG, "events")) == 0
    bench.settled()
    assert [len(bench.told(each)) for each in ("hook", "task")] == [1, 1]


def test_how_far_behind(bench: EventBench) -> None:
    """For each subscriber and element it is known how much waits, and since when."""
    bench.subscribe()
    assert {(each.tag, each.waiting, each.since_ms) for each in bench.streams.backlogs()} == {
        (NO_ELEMENT, 0, None),
        (TAG, 0, None),
    }
    for _ in range(3):
        bench.settled()
    first, _ = take(bench, "one", most=2)
    (behind,) = [each for each in bench.streams.backlogs() if each.waiting]
    assert (behind.tag, behind.subscriber, behind.waiting) == (TAG, "hook", 3)
    assert behind.since_ms == int(first.id.partition("-")[0])


def test_the_end_of_a_subscription(bench: EventBench) -> None:
    """The stream goes with its last subscriber, and then nothing is written any more."""
    bench.subscribe("hook")
    bench.subscribe("task")
    assert bench.streams.unsubscribe("hook")
    bench.settled()
    assert len(bench.told("task")) == 1
    assert bench.streams.unsubscribe("task")
    assert not bench.streams.unsubscribe("task")
    bench.settled()
    assert not list(bench.redis.scan_iter("*:events"))


def test_a_lost_stream_is_made_again(bench: EventBench) -> None:
    """Where Redis has lost a stream or its group, nothing is read once, and the next subscription makes it anew."""
    bench.subscribe()
    bench.redis.delete(key(TAG, "events"))
    assert take(bench, "one") == []
    bench.subscribe()
    bench.settled()
    assert len(bench.told()) == 1


def test_an_unreadable_entry(bench: EventBench) -> None:
    """An entry of a newer version, or a damaged one, says that it cannot be read, and stops none behind it."""
    bench.subscribe()
    odd = [
        {"type": "job.settled"},
        {"type": "new"},
        {"x": "y"},
        {"type": "reply.received", "fact": "1", "data": "["},
    ]
    for fields in odd:
        bench.redis.xadd(key(TAG, "events"), fields)  # type: ignore[arg-type]
    bench.settled()
    *unreadable, good = take(bench, "one")
    for each in unreadable:
        try:
            each.event(None)
        except EntryUnreadable:
            continue
        raise AssertionError(each.fields)
    assert isinstance(good.event(None).data, JobSettlement)


def test_an_entry_that_was_dropped(bench: EventBench) -> None:
    """What the bound of the stream has dropped while a process had it is not waited for any more."""
    bench.subscribe()
    bench.settled()
    take(bench, "one")
    bench.redis.xtrim(key(TAG, "events"), maxlen=0, approximate=False)
    assert take(bench, "one", again_after_s=0) == []
    bench.settled()
    assert len(take(bench, "one", again_after_s=0)) == 1


def test_redis_without_a_stream_is_asked_for_none(bench: EventBench) -> None:
    """Nobody who only looks makes a stream."""
    assert bench.streams.backlogs() == []
    assert not bench.streams.unsubscribe("hook")
    try:
        bench.streams.tidy([TAG])
    except ResponseError as error:
        raise AssertionError from error
    assert not list(bench.redis.scan_iter("*:events"))

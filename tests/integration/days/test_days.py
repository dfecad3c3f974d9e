"""The counts of a day: facts are counted in each process, and added up in Redis."""

from collections.abc import Iterator

import pytest
from redis import Redis

from smsjobs.days import Count, Days, DayTally
from smsjobs.facts import DeliveryReported, SettledByReceipt, tell
from support.polling import until

NOON = 1_790_000_000.0


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield redis


def a_delivery(err_code: str, state: str) -> DeliveryReported:
    return DeliveryReported(
        job_id="1", element="SMS.Test", lane="bulk", carrier="x", state=state, err_code=err_code, seconds=1.0
    )


def test_adds_up(redis: Redis) -> None:
    """What two processes count on one day is one count, and another day has its own."""
    now = [NOON]
    days = [Days(redis, clock=lambda: now[0]) for _ in range(2)]
    today = days[0].today()
    for each in days:
        each.add({("bulk", "accepted", "OK"): 1000, ("verification", "rejected", "isv.AMOUNT_NOT_ENOUGH"): 1})
    now[0] += 24 * 3600
    days[0].add({("bulk", "accepted", "OK"): 5})
    assert days[0].read(today) == [
        Count(lane="bulk", what="accepted", code="OK", recipients=2000),
        Count(lane="verification", what="rejected", code="isv.AMOUNT_NOT_ENOUGH", recipients=2),
    ]
    assert [each.recipients for each in days[1].read(days[1].today())] == [5]
    assert 7 * 24 * 3600 < redis.ttl(f"sms:day:{today}") <= 8 * 24 * 3600


def test_damaged(redis: Redis) -> None:
    """What somebody else wrote among the counts is left out, and hides none of them."""
    days = Days(redis)
    days.add({("bulk", "accepted", "OK"): 1})
    name = f"sms:day:{days.today()}"
    strange = {
        b"\xff": 1,
        "x accepted OK": 1,
        "bulk odd OK": 1,
        "bulk accepted": "1e9",
        "bulk failed X": "9" * 40,
    }
    redis.hset(name, mapping=strange)
    assert [each.recipients for each in days.read(days.today())] == [1]


def test_tally(redis: Redis) -> None:
    """Deliveries are counted by the carrier's code, and a receipt takes an unknown outcome back."""
    days = Days(redis)
    tally = DayTally(days)
    tally.start()
    tell(a_delivery("DELIVERED", "delivered"))
    tell(a_delivery("nobody-knows-this", "failed"))
    tell(SettledByReceipt(job_id="1", before="unknown", element="SMS.Test", lane="bulk"))
    tell(SettledByReceipt(job_id="1", before="looking_up", element="SMS.Test", lane="bulk", recipients=100))
    tally.stop()
    tell(a_delivery("DELIVERED", "delivered"))
    found = {(each.what, each.code): each.recipients for each in days.read(days.today())}
    assert found == {
        ("delivered", "DELIVERED"): 1,
        ("failed", "other"): 1,
        ("unknown", "receipt"): -1,
        ("accepted", "OK"): 101,
    }


def test_redis_away(redis: Redis) -> None:
    """While Redis cannot be written to, nothing that was counted is lost, and nobody waits."""
    days = Days(redis)
    redis.set(name := f"sms:day:{days.today()}", "not a hash")
    tally = DayTally(days)
    tally.take(a_delivery("DELIVERED", "delivered"))
    tally._add_up()
    redis.delete(name)
    tally.take(a_delivery("DELIVERED", "delivered"))
    tally._add_up()
    until(lambda: [each.recipients for each in days.read(days.today())] == [2], "both are counted")

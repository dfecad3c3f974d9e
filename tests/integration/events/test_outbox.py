"""What could not be handed over: tried again for a day, then parked."""

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from smsjobs.contract import event_id
from smsjobs.events import Item, Outbox, next_try_s, outbox
from smsjobs.facts import HandOverFailed, ItemParked, ItemsDropped, ItemSetAside
from smsjobs.redis_store import NO_ELEMENT, Seal, connect_redis, key
from support.facts import told
from support.ledgers import Clock

DAY_S = 24 * 3600


class Box(Outbox):
    """An outbox with its clock at hand."""

    def __init__(self, redis: object, seal: Seal | None = None) -> None:
        self.clock = Clock()
        super().__init__(redis, "events:test", seal=seal, clock=self.clock)  # type: ignore[arg-type]

    def fail(self, item: Item) -> None:
        """One try in vain."""
        self.tried(item, "status 500", now_s=self.clock.now)


@pytest.fixture
def box(redis_url: str) -> Iterator[Box]:
    """An outbox on an empty Redis."""
    with connect_redis(redis_url) as client:
        yield Box(client)


def an_item(box: Box, name: str = "1", **more: object) -> Item:
    usual = {"id": event_id(name), "body": '{"n": 1}', "what": "job.settled", "since_s": box.clock.now}
    return Item(**{**usual, **more})  # type: ignore[arg-type]


def test_tries_of_a_day() -> None:
    """The waits grow, the last try is at the end of the day, and there are some thirty."""
    age_s, tries, waits = 0.0, 1, []
    while (wait_s := next_try_s(tries, age_s=age_s)) is not None:
        waits.append(wait_s)
        age_s, tries = age_s + wait_s, tries + 1
    assert 20 < tries < 40
    assert 4 <= waits[0] <= 6
    assert max(waits) <= 3600 * 1.2
    assert DAY_S <= age_s < DAY_S + 2


def test_an_item_is_taken_by_one(box: Box) -> None:
    """What is due is taken once; a lease that ran out gives it to another."""
    box.put(an_item(box))
    assert [each.body for each in box.take(most=10, lease_s=60)] == ['{"n": 1}']
    assert box.take(most=10, lease_s=60) == []
    box.clock.pass_(60)
    assert len(box.take(most=10, lease_s=60)) == 1


def test_a_failure_waits_and_a_success_is_gone(box: Box) -> None:
    """A failed try is made again after a while, with its number and its cause; a success leaves nothing behind."""
    box.put(an_item(box))
    (item,) = box.take(most=10, lease_s=60)
    box.fail(item)
    assert box.take(most=10, lease_s=60) == []
    box.clock.pass_(6)
    (item,) = box.take(most=10, lease_s=60)
    assert (item.tries, item.error) == (1, "status 500")
    box.tried(item, None, now_s=box.clock.now)
    box.clock.pass_(DAY_S)
    assert (box.take(most=10, lease_s=60), box.waiting(), box.parked()) == ([], 0, [])


def test_a_day_in_vain_parks(box: Box) -> None:
    """After a day it is parked and told; on demand it has another day, or is dropped."""
    box.put(an_item(box))
    with told() as facts:
        while box.waiting():
            box.clock.pass_(600)
            for each in box.take(most=10, lease_s=60):
                box.fail(each)
    assert len([each for each in facts if isinstance(each, ItemParked)]) == 1
    assert len([each for each in facts if isinstance(each, HandOverFailed)]) > 9
    (parked,) = box.parked()
    box.clock.pass_(30 * DAY_S)
    assert box.take(most=10, lease_s=60) == []
    assert box.replay(["another"]) == 0
    assert box.replay([parked.id]) == 1
    (item,) = box.take(most=10, lease_s=60)
    assert item.tries == 0
    assert box.drop([parked.id]) == 1
    assert box.drop([parked.id]) == 0


def test_hurry(box: Box) -> None:
    """When an address answers again, all that waits is tried at once, and what is parked stays parked."""
    for name, since_s in (("1", box.clock.now), ("2", box.clock.now - 2 * DAY_S)):
        item = an_item(box, name, since_s=since_s)
        box.put(item)
        box.fail(item)
    assert box.take(most=10, lease_s=60) == []
    assert box.hurry() == 1
    assert [each.id for each in box.take(most=10, lease_s=60)] == [event_id("1")]
    assert [each.id for each in box.parked()] == [event_id("2")]


def test_an_item_that_was_dropped_meanwhile(box: Box) -> None:
    """A try that ends after its item was dropped does not bring it back."""
    box.put(an_item(box))
    (item,) = box.take(most=10, lease_s=60)
    box.drop([item.id])
    box.fail(item)
    assert box.waiting() == 0


def test_parked_items_are_bounded(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many are kept and no more: the oldest are dropped, and that is told."""
    monkeypatch.setattr(outbox, "_MOST_PARKED", 3)
    with told() as facts:
        for number in range(5):
            item = an_item(box, str(number), since_s=box.clock.now - 2 * DAY_S)
            box.put(item)
            box.fail(item)
            box.clock.pass_(1)
    assert [each.id for each in box.parked()] == [event_id(str(number)) for number in (2, 3, 4)]
    assert sum(each.items for each in facts if isinstance(each, ItemsDropped)) == 2


def test_sealed(box: Box, redis_url: str) -> None:
    """Where jobs are sealed, what waits is sealed too; who lacks the key leaves it to others, and rubbish is set aside."""
    with connect_redis(redis_url) as client:
        sealed = Box(client, Seal(Fernet.generate_key().decode()))
        sealed.put(an_item(sealed, body="a secret"))
        client.hset(key(NO_ELEMENT, "events:test"), "rubbish", "{")
        client.zadd(key(NO_ELEMENT, "events:test", "due"), {"rubbish": 1})
        assert "a secret" not in str(client.hgetall(key(NO_ELEMENT, "events:test")))
        with told() as facts:
            assert box.take(most=10, lease_s=60) == []
        assert [type(each) for each in facts] == [ItemSetAside]
        sealed.clock.pass_(61)
        assert [each.body for each in sealed.take(most=10, lease_s=60)] == ["a secret"]


def test_a_first_try_in_vain(box: Box) -> None:
    """What was tried before it was in the outbox is in it after that try, unless it was taken."""
    box.tried(an_item(box, "1"), "timeout", now_s=box.clock.now, new=True)
    box.tried(an_item(box, "2"), None, now_s=box.clock.now, new=True)
    assert box.waiting() == 1


def test_every_outbox_is_found(box: Box, redis_url: str) -> None:
    """Whoever looks finds every outbox that was used."""
    with connect_redis(redis_url) as client:
        assert Outbox.all(client) == []
        box.put(an_item(box))
        assert [each.name for each in Outbox.all(client)] == ["events:test"]

"""With SMS_PAYLOAD_KEY, a copy of Redis does not tell whether a number is a campaign's recipient."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from cryptography.fernet import Fernet

from smsjobs import IdempotencyConflict, InvalidArguments
from smsjobs.campaign import CampaignStore, Order
from smsjobs.redis_store import Seal
from support.campaigns import KEEP_S, PAGE, Bench, numbers
from support.keys import campaign_key

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture
def keys(bench: Bench) -> Callable[[str | None], None]:
    """Has the campaigns sealed with other keys from here on."""

    def use(given: str | None) -> None:
        seal = Seal(given) if given else None
        bench.store = CampaignStore(bench.redis, timeout_s=1, keep_s=KEEP_S, seal=seal, clock=bench.clock)

    return use


def dump(bench):
    """All that Redis has."""
    return [text for key in bench.redis.scan_iter("sms:{*}:campaign:*") for text in texts(bench.redis, key)]


def texts(client, key):
    match client.type(key):
        case "hash":
            return [*client.hkeys(key), *client.hvals(key)]
        case "list":
            return client.lrange(key, 0, -1)
        case _:
            return client.smembers(key)


def digest(people):
    (page,) = Order.read(people, "SMS_1").pages()
    return page.digest


def test_no_guess_can_be_tried(bench: Bench, keys) -> None:
    """Whoever guesses the recipients rightly finds no sign of it, though their digest is that of any such page."""
    keys(OLD)
    bench.start(1)
    assert not [text for text in dump(bench) if digest(numbers(1)) in text]


def test_no_two_alike(bench: Bench, keys) -> None:
    """Two campaigns to the same recipients have nothing in Redis that shows it."""
    keys(OLD)
    found = []
    for name in ("first", "second"):
        campaign = bench.start(150, name=name)
        found.append(set(texts(bench.redis, campaign_key(campaign.id, "pages"))) - {"0"})
    (first,), (second,) = found
    assert not set(first.split(" ")[::3]) & set(second.split(" ")[::3])


def test_without_a_key(bench: Bench) -> None:
    """Without a key nothing is kept to seal with."""
    campaign = bench.start(1)
    assert bench.redis.hget(campaign_key(campaign.id), "secret") == ""


@pytest.mark.parametrize("later", [OLD, f"{NEW},{OLD}"], ids=["same", "rotated"])
@pytest.mark.parametrize("complete", [True, False])
def test_found_again(bench: Bench, keys, later, complete) -> None:
    """The same call finds the campaign, or finishes it, with the key that it was begun with, also when that is old."""

    def on_page(_):
        if not complete:
            raise KeyboardInterrupt

    keys(OLD)
    people = numbers(PAGE + 500)
    with suppress(KeyboardInterrupt):
        bench.start(people=people, on_page=on_page)
    keys(later)
    campaign = bench.start(people=people)
    assert campaign.progress().total == PAGE + 500
    assert [row.phone for row in campaign.report()] == people
    with pytest.raises(IdempotencyConflict, match="from line 778 on"):
        bench.start(people=[*people[:777], "13999999999", *people[778:]])


def test_a_key_that_comes_later(bench: Bench, keys) -> None:
    """A campaign that was begun without a key is found with one."""
    campaign = bench.start()
    keys(NEW)
    assert bench.start() == campaign
    assert [row.phone for row in campaign.report()] == numbers(2500)


@pytest.mark.parametrize("later", [NEW, None], ids=["another", "none"])
def test_a_key_that_is_gone(bench: Bench, keys, later) -> None:
    """Without the key that it was begun with a campaign is neither finished nor harmed, and the error names the hint."""

    def dies(_):
        raise KeyboardInterrupt

    keys(OLD)
    with pytest.raises(KeyboardInterrupt):
        bench.start(on_page=dies)
    bench.clock.pass_(60)
    keys(later)
    with pytest.raises(InvalidArguments, match="SMS_PAYLOAD_KEY"):
        bench.start()
    keys(OLD)
    assert bench.start().progress().state == "running"

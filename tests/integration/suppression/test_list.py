"""The list: who is on it, for what, and what a copy of Redis tells."""

import asyncio

import pytest
import redis
from cryptography.fernet import Fernet

from smsjobs import InvalidArguments, Sms, connect
from smsjobs.redis_store import CannotOpen, Seal
from smsjobs.suppression import SuppressedNumbers, Suppression
from smsjobs.testing import connect as in_memory
from support.ledgers import PHONE

OTHER = "85261234567"


@pytest.fixture(params=["redis", "memory"])
def suppression(request: pytest.FixtureRequest, redis_url: str) -> Suppression:
    """The real list, and the one that our users get for their tests."""
    return (connect(broker_url=redis_url) if request.param == "redis" else in_memory()).suppression


def test_scopes(suppression: Suppression) -> None:
    """The scope "all" includes "promotional", and the reverse is not so; each is taken off by itself, or both at once."""
    assert not suppression.has(PHONE)
    assert suppression.add("+86 138-0013-8000")
    assert (suppression.has(PHONE), suppression.has(PHONE, scope="all")) == (True, False)
    assert suppression.add(PHONE, scope="all")
    assert (suppression.has(PHONE), suppression.has(PHONE, scope="all")) == (True, True)
    assert suppression.remove(PHONE, scope="promotional")
    assert (suppression.has(PHONE), suppression.has(PHONE, scope="all")) == (True, True)
    suppression.add(PHONE)
    assert suppression.remove(PHONE)
    assert not suppression.has(PHONE)
    assert not suppression.remove(PHONE)
    assert not suppression.has(OTHER)


def test_added_again(suppression: Suppression) -> None:
    """What is there stays as it is: when and how it came there is the proof of it."""
    suppression.add(PHONE, source="reply", note="退订 by SMS")
    (before,) = suppression.export()
    assert not suppression.add(PHONE, source="manual", note="again")
    assert list(suppression.export()) == [before]
    assert (before.phone, before.scope, before.source, before.note) == (
        PHONE,
        "promotional",
        "reply",
        "退订 by SMS",
    )
    assert PHONE not in repr(before)


def test_moved_elsewhere(suppression: Suppression) -> None:
    """What is exported can be added to another list, thousands at once, with times and sources."""
    there = in_memory().suppression
    many = [Suppression.read(str(13800138000 + n), scope="all", source="import") for n in range(2500)]
    assert suppression.add_all(many) == 2500
    assert suppression.add_all(many[:10]) == 0
    there.add_all(suppression.export())

    assert there.count() == suppression.count() == 2500
    assert sorted(there.export(), key=lambda each: each.phone) == sorted(
        suppression.export(), key=lambda each: each.phone
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"phone": "12345"},
        {"phone": 13800138000},
        {"scope": "bulk"},
        {"scope": None},
        {"source": "A reply"},
        {"source": ""},
        {"note": "x" * 201},
        {"note": "\ud800"},
    ],
    ids=str,
)
def test_wrong_arguments(suppression: Suppression, arguments: dict[str, object]) -> None:
    """What is wrong is named, and nothing is put on the list."""
    given = {"phone": PHONE} | arguments
    with pytest.raises(InvalidArguments) as raised:
        suppression.add(given.pop("phone"), **given)
    assert raised.value.argument == next(iter(arguments))
    assert suppression.count() == 0


def test_without_blocking(suppression: Suppression) -> None:
    """An event loop has a twin of each call."""

    async def calls() -> list[bool]:
        return [
            await suppression.add_async(PHONE, scope="all"),
            await suppression.has_async(PHONE, scope="all"),
            await suppression.remove_async(PHONE),
            await suppression.has_async(PHONE),
        ]

    assert asyncio.run(calls()) == [True, True, True, False]


def test_a_copy_is_no_list_of_people(client: "redis.Redis", sms: Sms) -> None:
    """Nothing in Redis shows a number, and no two lists have the same digests."""
    sms.suppression.add(PHONE)
    first = client.hgetall("sms:{suppressed}:list")
    assert len(first) == 1
    assert not any(PHONE in each for pair in first.items() for each in pair)
    client.delete("sms:{suppressed}:list", "sms:{suppressed}:secret")
    fresh = SuppressedNumbers(client, seal=None)
    fresh.put([Suppression.read(PHONE)])
    assert not client.hgetall("sms:{suppressed}:list").keys() & first.keys()


def test_sealed(client: "redis.Redis") -> None:
    """With SMS_PAYLOAD_KEY the secret is sealed: nobody without the key reads the list, and none believes it to be empty."""
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    SuppressedNumbers(client, seal=Seal(old)).put([Suppression.read(PHONE)])
    for seal in (None, Seal(new)):
        stranger = SuppressedNumbers(client, seal=seal)
        for call in (
            lambda it=stranger: it.among([PHONE], promotional=True),
            lambda it=stranger: it.put([Suppression.read(OTHER)]),
            lambda it=stranger: it.page(0),
        ):
            with pytest.raises(CannotOpen):
                call()
    assert SuppressedNumbers(client, seal=Seal(f"{new},{old}")).among([PHONE], promotional=True) == [0]
    # That has sealed it with the new key, so the old one can go.
    assert SuppressedNumbers(client, seal=Seal(new)).among([OTHER, PHONE], promotional=True) == [1]


@pytest.mark.parametrize("damaged", ["", "zz", "ab c", b"\xff"])
def test_a_damaged_secret(client: "redis.Redis", sms: Sms, damaged: object) -> None:
    """A secret that cannot be read is told as that, and nobody takes it for an empty list."""
    sms.suppression.add(PHONE)
    client.set("sms:{suppressed}:secret", damaged)
    for call in (
        lambda: SuppressedNumbers(client, seal=None).among([PHONE], promotional=True),
        lambda: SuppressedNumbers(client, seal=None).put([Suppression.read(PHONE)]),
    ):
        with pytest.raises(CannotOpen):
            call()


def test_known_to_all_at_once(client: "redis.Redis", listed: SuppressedNumbers) -> None:
    """When the first number of an installation is added, every process knows it as soon as the call returns."""
    others = [SuppressedNumbers(client, seal=None) for _ in range(20)]
    assert [each.among([PHONE], promotional=True) for each in others] == [None] * 20
    listed.put([Suppression.read(PHONE)])
    assert [each.among([PHONE], promotional=True) for each in others] == [[0]] * 20


def test_an_unused_list_costs_nothing(client: "redis.Redis", listed: SuppressedNumbers) -> None:
    """While nobody was ever put on the list, a thousand checks are a read or two."""
    before = client.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"]
    for _ in range(1000):
        assert listed.among([PHONE], promotional=True) is None
    assert client.info("commandstats")["cmdstat_get"]["calls"] - before <= 5


def test_thousands_at_once(listed: SuppressedNumbers) -> None:
    """Each place of a long list of numbers is told right, once, in rising order, whatever its scopes."""
    phones = [str(13800138000 + n) for n in range(2500)]
    listed.put(Suppression.read(phone) for phone in phones[::7])
    listed.put(Suppression.read(phone, scope="all") for phone in phones[::5])
    assert listed.among(phones, promotional=True) == [n for n in range(2500) if not n % 7 or not n % 5]
    assert listed.among(phones, promotional=False) == list(range(0, 2500, 5))


def test_a_damaged_entry_still_counts(client: "redis.Redis", listed: SuppressedNumbers) -> None:
    """An entry that cannot be read keeps its number from being sent to, and is left out of the export."""
    listed.put([Suppression.read(PHONE), Suppression.read(OTHER)])
    for damaged in ("", "x", "AAAAAAAAAAA 1 x", "é é é"):
        for field, value in client.hgetall("sms:{suppressed}:list").items():
            client.hset("sms:{suppressed}:list", field, damaged if len(damaged) < 30 else value)
            break
        assert listed.among([PHONE, OTHER], promotional=True) == [0, 1]
        assert len(listed.page(0)[1]) == 1

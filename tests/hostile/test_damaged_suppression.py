"""A damaged suppression list stops promotional messages only, and an operator is told and can clear it up."""

import json
from collections.abc import Iterator

import pytest
import redis
from click.testing import CliRunner, Result

from smsjobs import InvalidArguments, Sms, connect
from smsjobs.facts import ItemSetAside
from smsjobs.receipts import Receiver
from smsjobs.redis_store import key
from smsjobs.suppression import ListDamaged, SuppressedNumbers, Suppression
from smsjobs_shell.program import program
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.doctor.operation import running
from support.damage import WRONG_TYPES, Damage, replace_by
from support.facts import told
from support.ledgers import PHONE

LIST, SECRET = "sms:{suppressed}:list", "sms:{suppressed}:secret"

OTHER = "13900139000"

DAMAGES: dict[str, tuple[str, Damage]] = {
    **{f"the list is a {kind}": (LIST, replace_by(kind)) for kind in WRONG_TYPES},
    **{f"the secret is a {kind}": (SECRET, replace_by(kind)) for kind in ("list", "hash")},
    "the secret is no number": (SECRET, lambda client, name: client.set(name, "zz")),
    "the secret is bytes": (SECRET, lambda client, name: client.set(name, b"\xff")),
    "the secret is empty": (SECRET, lambda client, name: client.set(name, "")),
    "the secret is lost": (SECRET, lambda client, name: client.delete(name)),
}


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    """A client that decodes nothing."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def sms(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sms]:
    """A producer, with a number on the list."""
    monkeypatch.setenv("SMS_BROKER_URL", redis_url)
    sms = connect(broker_url=redis_url)
    sms.suppression.add(PHONE)
    yield sms
    sms.close()


def run(*words: str) -> Result:
    """A command as it is typed."""
    return CliRunner().invoke(program, [*words, "--json"])


@pytest.mark.parametrize(("name", "damage"), DAMAGES.values(), ids=DAMAGES)
def test_nobody_takes_it_for_empty(sms: Sms, client: "redis.Redis", name: str, damage: Damage) -> None:
    """Whatever is wrong with the list, nobody is told that a number is not on it, or adds to it, until it was dropped."""
    damage(client, name)
    sms.connection.close()
    listed = SuppressedNumbers(sms.connection.redis(), seal=None)
    with told() as facts:
        for promotional in (True, False):
            with pytest.raises(ListDamaged):
                listed.among([PHONE], promotional=promotional)
    assert {each.item for each in facts if isinstance(each, ItemSetAside)} == {"suppressed:list"}
    with pytest.raises(ListDamaged):
        listed.put([Suppression.read(OTHER)])
    assert listed.damage()
    listed.discard()
    listed = SuppressedNumbers(sms.connection.redis(), seal=None)
    assert listed.damage() is None
    assert listed.put([Suppression.read(PHONE)]) == 1
    assert listed.among([OTHER, PHONE], promotional=True) == [1]


def test_an_operator_clears_it_up(sms: Sms, client: "redis.Redis") -> None:
    """`smsjobs set-aside` shows a damaged list, gives it back when it was fixed, and drops it."""
    whole = client.dump(LIST)
    replace_by("string")(client, LIST)
    (item,) = json.loads(run("set-aside", "list").output)["set_aside"]
    assert item["id"] == "suppressed:list"
    assert run("set-aside", "put-back", item["id"]).exit_code == 1
    client.restore(LIST, 0, whole, replace=True)
    assert run("set-aside", "put-back", item["id"]).exit_code == 0
    assert sms.suppression.has(PHONE)
    assert run("set-aside", "drop", item["id"]).exit_code == 1
    replace_by("string")(client, LIST)
    with pytest.raises(InvalidArguments, match="set-aside drop"):
        sms.suppression.has(PHONE)
    assert run("set-aside", "drop", item["id"]).exit_code == 0
    assert client.exists(LIST, SECRET) == 0


def test_doctor(sms: Sms, client: "redis.Redis", redis_url: str) -> None:
    """`smsjobs doctor` says that the list is damaged, what waits for it, and what to do."""
    settings = WorkerSettings.read({"SMS_BROKER_URL": redis_url})
    assert not [each for each in running(settings) if each.subject == "suppression"]
    replace_by("string")(client, LIST)
    (found,) = (each for each in running(settings) if each.subject == "suppression")
    assert found.verdict == "bad"
    assert "suppressed:list" in str(found.hint)
    sms.close()


def test_an_entry_that_is_no_text(sms: Sms, client: "redis.Redis") -> None:
    """Bytes among the entries hide no other one."""
    sms.suppression.add(OTHER)
    client.hset(LIST, b"p\xff", b"\xff")
    assert {each.phone for each in sms.suppression.export()} == {PHONE, OTHER}
    assert sms.suppression.has(PHONE)


@pytest.mark.parametrize("damage", [replace_by("string"), replace_by("list")], ids=["string", "list"])
def test_what_else_a_push_says(sms: Sms, client: "redis.Redis", damage: Damage) -> None:
    """An opt-out that finds no list comes again, and the other replies and items of its push are taken all the same."""
    damage(client, LIST)
    passed: list[object] = []
    receiver = Receiver(sms, pass_on=passed.append)
    stream = key("000000", "events")
    client.xadd(stream, {"type": "x"})
    replies = [
        {"phone_number": OTHER, "content": text, "send_time": "2026-11-28 10:00:00", "sequence_id": number}
        for number, text in enumerate(("TD", "hello"))
    ]
    assert receiver.handle(json.dumps(replies).encode()).status == 503
    assert client.xlen(stream) == 3
    assert len(passed) == 1

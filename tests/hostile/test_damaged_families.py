"""Every family of keys is damaged by a test; here are those that have no other place."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from smsjobs import InvalidArguments, Sms, connect
from smsjobs.contract import LANES, Message, element_tag
from smsjobs.facts import ItemSetAside
from smsjobs.ledger import REPLIES_SECRET, Aside
from smsjobs.presence import _queues
from smsjobs.redis_store import ELEMENTS, OFFERED, key
from smsjobs.replies import LastJobs
from smsjobs.templates import Template, TemplateStore
from smsjobs_shell.program import program
from smsjobs_worker.following.templates import Learning
from smsjobs_worker.provider import Provider
from smsjobs_worker.sending.rate_limit import Permits
from smsjobs_worker.watching.doctor.operation import _set_aside as doctor
from support.damage import Damage, replace_by
from support.facts import told
from support.families import DAMAGED_BY, families
from support.ledgers import PHONE

ELEMENT = "SMS.Example"

#: Each is a wrong type of some key here. That Redis answers the same for all of them is Redis's business.
KINDS = ("string", "list")
TAG = element_tag(ELEMENT)
DAY = "20833"
NOW_S = 20833 * 86_400.0


def test_none_is_forgotten() -> None:
    """Whoever adds a family of keys says here which test damages it, and each test that is named exists."""
    assert families() == set(DAMAGED_BY)
    for each in DAMAGED_BY.values():
        file, _, name = each.rpartition(":") if ":" in each else each.partition(".")
        place = file if ":" in each else f"test_damaged_{file}.py"
        assert f"def {name}(" in Path(__file__).parent.joinpath(place).read_text("utf-8")


@pytest.fixture
def sms(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sms]:
    """A producer."""
    monkeypatch.setenv("SMS_BROKER_URL", redis_url)
    sms = connect(broker_url=redis_url)
    yield sms
    sms.close()


@pytest.fixture
def client(sms: Sms) -> "redis.Redis":
    """The ledger's client."""
    return sms.connection.redis()


def run(*words: str) -> Result:
    """A command as it is typed."""
    return CliRunner().invoke(program, [*words, "--json"])


def named(facts: list[Any]) -> list[str]:
    """What was told to be damaged."""
    return [each.item for each in facts if isinstance(each, ItemSetAside)]


def clear(redis_url: str, item: str) -> None:
    """It is shown by `doctor` and by `set-aside list`, and dropped by an operator."""
    shown = [each.text for each in doctor(redis_url) if each.verdict == "bad"]
    assert [each.partition(": ")[0] for each in shown] == [item]
    assert [each["id"] for each in json.loads(run("set-aside", "list").output)["set_aside"]] == [item]
    assert run("set-aside", "drop", item).exit_code == 0
    assert json.loads(run("set-aside", "list").output)["set_aside"] == []
    assert run("set-aside", "drop", item).exit_code == 1


def send(sms: Sms, **more: Any) -> str:
    """A message that is recorded."""
    return (
        sms.getElement(ELEMENT)
        .sendMessage(**{"phoneList": [PHONE], "params": {"code": "1"}, "verifyTemplateCode": "SMS_1"} | more)
        .id
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [ELEMENTS, OFFERED])
def test_common_keys(sms: Sms, client: "redis.Redis", redis_url: str, name: str, kind: str) -> None:
    """A damaged key that belongs to no element is named once and made anew; an operator sees it, and drops it."""
    send(sms)
    replace_by(kind)(client, name)
    with told() as facts:
        for _ in range(2):
            sms.connection.ledger._places.tags()
            sms.connection.offers.tell([ELEMENT], ["notification"])
    assert named(facts) == [name]
    assert TAG in sms.connection.ledger._places.tags()
    assert sms.connection.offers.lanes() == {"notification"}
    assert run("set-aside", "put-back", name).exit_code == 1
    clear(redis_url, name)
    send(sms)


@pytest.fixture
def last_jobs(client: "redis.Redis") -> LastJobs:
    """A worker's notes for replies."""
    return LastJobs(client, seal=None, now=lambda: NOW_S)


@pytest.mark.parametrize("kind", KINDS)
def test_last_jobs(sms: Sms, client: "redis.Redis", last_jobs: LastJobs, redis_url: str, kind: str) -> None:
    """A day of notes that is of a wrong type is set aside by whoever writes or reads it, and what is noted then is found."""
    send(sms)
    wrong = key(TAG, "last", DAY)
    for touch in (lambda: last_jobs.note(TAG, "x", [PHONE]), lambda: last_jobs.find([PHONE])):
        last_jobs.note(TAG, "w", ["13900139000"])
        replace_by(kind)(client, wrong)
        with told() as facts:
            touch()
        last_jobs.note(TAG, "y", [PHONE])
        assert last_jobs.find([PHONE])[PHONE].job_id == "y"
        assert named(facts) == [f"key:last:{DAY}"]
        clear(redis_url, f"{TAG}:key:last:{DAY}")


SECRETS: dict[str, Damage] = {
    **{f"a {kind}": replace_by(kind) for kind in ("list", "hash")},
    "bytes": lambda client, name: client.set(name, b"\xff"),
    "empty": lambda client, name: client.set(name, ""),
}


@pytest.mark.parametrize("damage", SECRETS.values(), ids=SECRETS)
def test_secret_of_replies(
    sms: Sms, client: "redis.Redis", last_jobs: LastJobs, redis_url: str, damage: Damage
) -> None:
    """A damaged secret of the replies is named once, and replies to jobs that are noted from then on find them."""
    send(sms)
    damage(client, REPLIES_SECRET)
    with told() as facts:
        for _ in range(2):
            last_jobs.note(TAG, "y", [PHONE])
    assert named(facts) == [REPLIES_SECRET]
    assert LastJobs(client, seal=None, now=lambda: NOW_S).find([PHONE])[PHONE].job_id == "y"
    clear(redis_url, REPLIES_SECRET)


KEPT: dict[str, Damage] = {
    **{f"a {kind}": replace_by(kind) for kind in ("list", "hash")},
    "bytes": lambda client, name: client.set(name, b"\xff"),
    "nested": lambda client, name: client.set(name, "[" * 100_000),
}


@pytest.mark.parametrize("damage", KEPT.values(), ids=KEPT)
def test_kept_payload(sms: Sms, client: "redis.Redis", redis_url: str, damage: Damage) -> None:
    """A damaged payload is set aside when it is asked for; its job keeps its outcome, and others are sent again and listed."""
    bad, good = send(sms), send(sms)
    for each in (bad, good):
        assert sms.job(each).cancel()
    damage(client, key(TAG, "retry", bad))
    infos = list(sms.jobs())
    assert {each.id for each in infos} == {bad, good}
    steering = sms.connection.steering
    assert sorted(steering.phones(infos)) == [(), (PHONE,)]
    with told() as facts, pytest.raises(InvalidArguments) as refused:
        sms.job(bad).retry()
    assert refused.value.reason == "job_unreadable"
    assert named(facts) == [f"key:retry:{bad}"]
    assert sms.job(bad).status() == "not_sent"
    assert sms.job(good).retry().status() == "queued"
    clear(redis_url, f"{TAG}:key:retry:{bad}")
    with pytest.raises(InvalidArguments) as refused:
        sms.job(bad).retry()
    assert refused.value.reason == "payload_gone"


HELD: dict[str, Damage] = {
    **{f"a {kind}": replace_by(kind) for kind in ("list", "hash")},
    "bytes": lambda client, name: client.set(name, b"\xff"),
}


@pytest.mark.parametrize("damage", HELD.values(), ids=HELD)
def test_idempotency_key(sms: Sms, client: "redis.Redis", redis_url: str, damage: Damage) -> None:
    """What is under a damaged idempotency key stays until an operator drops it: nothing is sent twice under the key."""
    job_id = send(sms, idempotency_key="login:42")
    name = str(client.hget(key(TAG, "job", job_id), "key"))
    damage(client, name)
    before = client.dump(name)
    for _ in range(2):
        with told() as facts, pytest.raises(InvalidArguments) as refused:
            send(sms, idempotency_key="login:42")
        assert refused.value.argument == "idempotency_key"
        assert client.dump(name) == before
    assert named(facts) == []
    send(sms, idempotency_key="login:43")
    item = f"{TAG}:held:{name.rpartition(':')[2]}"
    assert run("set-aside", "put-back", item).exit_code == 1
    clear(redis_url, item)
    send(sms, idempotency_key="login:42")


@pytest.mark.parametrize("kind", KINDS)
def test_list_of_what_failed(sms: Sms, client: "redis.Redis", redis_url: str, kind: str) -> None:
    """A list of failed jobs that is of a wrong type hides no job from who has its id, and is made anew by the next pass."""
    first, second = send(sms), send(sms)
    sms.job(first).cancel()
    replace_by(kind)(client, key(TAG, "failed"))
    assert sms.job(first).info().outcome == "not_sent"
    assert list(sms.jobs()) == []
    assert sms.connection.ledger.set_keys_aside(TAG)
    assert sms.job(second).cancel()
    assert [each.id for each in sms.jobs()] == [second]
    clear(redis_url, f"{TAG}:key:failed")


WINDOWS: dict[str, Damage] = {
    "a string": replace_by("string"),
    "full of what is no time": lambda client, name: client.rpush(name, *["x"] * 200),
}


@pytest.mark.parametrize("damage", WINDOWS.values(), ids=WINDOWS)
def test_window_of_a_rate(client: "redis.Redis", redis_url: str, damage: Damage) -> None:
    """A damaged window of `maxQps` is named and begins anew: nobody waits for its permits."""
    permits = Permits(redis_url)
    for lane in LANES.values():
        assert permits.take(ELEMENT, lane, 100, within_s=1)
    names = list(client.scan_iter("*qps*"))
    assert len(names) == 3
    for each in names:
        damage(client, each)
    with told() as facts:
        assert all(permits.take(ELEMENT, lane, 100, within_s=1) for lane in LANES.values())
    assert set(named(facts)) == {f"qps:{ELEMENT}"}


def test_twice(sms: Sms, client: "redis.Redis") -> None:
    """A key that is damaged again after it was set aside holds up nothing, and one item tells of both."""
    for _ in range(2):
        replace_by("string")(client, key(TAG, "agenda"))
        sms.connection.ledger.set_keys_aside(TAG)
        send(sms)
    assert [each.id for each in Aside(client, keep_s=3600).items()] == [f"{TAG}:key:agenda"]


ANSWERS: dict[str, Callable[[], Any]] = {
    "text": lambda: "x",
    "a text for a list": lambda: {"w": "sms.bulk"},
    "numbers": lambda: {"w": [1, None, {"name": 5}, {"name": ["x"]}]},
    "nothing": lambda: None,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_answers_of_workers(answer: Callable[[], Any]) -> None:
    """Whatever somebody answers in place of a worker, the shell counts the others."""
    assert list(_queues(answer())) == []
    assert list(_queues({"w": [answer(), {"name": "sms.bulk"}]})) == ["sms.bulk"]


def a_template() -> Template:
    """What Aliyun told of a template just now."""
    return Template(code="SMS_1", text="${code}", state="approved", learned_at=datetime.now(UTC))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["templates", "templates:asked", "templates:lanes", "templates:unapproved"])
def test_what_is_known_of_templates(
    sms: Sms, client: "redis.Redis", redis_url: str, name: str, kind: str
) -> None:
    """A key about templates that is of a wrong type is set aside by whoever reads or writes it, and what is learned then is found."""
    store, wrong = TemplateStore(client), key(TAG, *name.split(":"))
    send(sms)
    touches = [
        lambda: (store.known(ELEMENT, "SMS_1"), store.asked(ELEMENT), store.lanes(ELEMENT)),
        lambda: (store.learn(ELEMENT, a_template()), store.ask(ELEMENT, "SMS_1", lane="bulk")),
    ]
    if name == "templates:lanes":
        touches.append(lambda: store.learn(ELEMENT, replace(a_template(), state="refused")))
    # Figures read the list of those that are not approved, and take what is damaged for nothing.
    for touch in touches[name == "templates:unapproved" :]:
        replace_by(kind)(client, wrong)
        with told() as facts:
            touch()
        assert named(facts) == [f"key:{name}"]
        store.learn(ELEMENT, a_template())
        store.ask(ELEMENT, "SMS_1")
        assert store.known(ELEMENT, "SMS_1") is not None
        assert store.asked(ELEMENT) == ["SMS_1"]
        clear(redis_url, f"{TAG}:key:{name}")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_known_of_signatures(sms: Sms, client: "redis.Redis", redis_url: str, kind: str) -> None:
    """The key of last sends is set aside where it is of a wrong type, by whoever reads or writes it; what is not a time is not known."""
    store, wrong = TemplateStore(client), key(TAG, "templates", "sends")
    send(sms)
    for touch in (
        lambda: store.idle_s(ELEMENT, "示例"),
        lambda: store.note_signature(ELEMENT, "示例", sends=True),
    ):
        replace_by(kind)(client, wrong)
        with told() as facts:
            touch()
        assert named(facts) == ["key:templates:sends"]
        store.note_signature(ELEMENT, "示例", sends=False)
        assert 0 <= (store.idle_s(ELEMENT, "示例") or 0) < 60
        clear(redis_url, f"{TAG}:key:templates:sends")
    client.hset(wrong, "示例", "yesterday")
    assert store.idle_s(ELEMENT, "示例") is None


#: What somebody may write in place of what Aliyun told of a template, by what is wrong with it.
VALUES: dict[str, bytes | dict[str, Any]] = {
    "no text": b"\xff\xfe{",
    "no end": b"{",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "half a character": {"text": "${\ud800}"},
    "before all time": {"learned_at": "0001-01-01T00:00:00+14:00"},
    "after all time": {"learned_at": "9999-12-31T23:59:59-14:00"},
    "from the future": {"learned_at": "2999-01-01T00:00:00+00:00"},
    "a signature that is a number": {"signature": 0},
    "a signature's filing that is a number": {"signature": {"filing": 7}},
    "variables that are numbers": {"variables": [1, 2]},
}


@pytest.mark.parametrize("mode", ["warn", "refuse"])
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values_about_templates(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, value: bytes | dict[str, Any], mode: str
) -> None:
    """What is damaged in place of a template is not known, and stops no message."""
    monkeypatch.setenv("SMS_PREFLIGHT", mode)
    raw = json.dumps(a_template().to_json() | value) if isinstance(value, dict) else value
    with closing(connect(broker_url=redis_url)) as sms:
        client = sms.connection.redis()
        client.hset(key(TAG, "templates"), "SMS_1", raw)
        assert send(sms, params={})
        assert TemplateStore(client).known(ELEMENT, "SMS_1") is None


class Knows(Provider):
    """Knows a template of each code."""

    knows_templates = True

    def send(self, message: Message, *, out_id: str, connect_within_s: float) -> Any:
        """It is not asked."""
        raise AssertionError

    def template(self, code: str) -> Template:
        """One of that code."""
        return replace(a_template(), code=code)


class Alike:
    """The same provider for each element."""

    def provider(self, _: str) -> Provider:
        """The one."""
        return Knows()


def test_members_about_templates(client: "redis.Redis") -> None:
    """A member that is not a valid text hides no other: workers learn of the others, of later elements too."""
    store = TemplateStore(client)
    for name in (ELEMENT, "SMS.Later"):
        store.ask(name, "SMS_1", lane="bulk")
    for name in ("asked", "lanes"):
        client.zadd(key(TAG, "templates", name), {b"bulk \xff": 2e12})
    learning = Learning(store, [ELEMENT, "SMS.Later"], Alike())
    for _ in range(3):
        learning.run_once()
    assert all(store.known(name, "SMS_1") for name in (ELEMENT, "SMS.Later"))
    assert store.lanes(ELEMENT)["SMS_1"] == {"bulk"}
    for value in (b"\xff", "²", "1" * 400):
        client.hset(key(TAG, "templates", "sends"), "示例", value)
        assert store.idle_s(ELEMENT, "示例") is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_turn_without_an_end(client: "redis.Redis", kind: str) -> None:
    """A turn that nothing would end does not keep workers from asking for ever."""
    store, turn = TemplateStore(client), key(TAG, "templates", "turn", "SMS_1")
    replace_by(kind)(client, turn)
    assert not store.take_turn(ELEMENT, "SMS_1", for_s=60)
    assert store.take_turn(ELEMENT, "SMS_1", for_s=60)
    assert not store.take_turn(ELEMENT, "SMS_1", for_s=60)

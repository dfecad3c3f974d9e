"""A message is looked at before it is enqueued, by what workers have learned of its template."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis

from smsjobs import InvalidArguments, connect
from smsjobs.facts import TemplateMisfit, subscribe
from smsjobs.offers import Offers
from smsjobs.redis_store import connect_redis
from smsjobs.settings import ConnectionSettings, SettingsError
from smsjobs.templates import Signature, Template, TemplateStore
from smsjobs_worker.following.templates import Learning
from smsjobs_worker.logs.facts import TemplateNotLearned
from smsjobs_worker.provider import LookupFailed, Provider
from smsjobs_worker.sending.group import Group, Member

ELEMENT, CODE = "SMS.Example", "SMS_123456789"
FITS = {"name": "张三"}
MISFIT = {"phoneList": ["13800138000"], "params": {}, "verifyTemplateCode": CODE}


def template(**more) -> Template:
    given = {"text": "${name}您好", "types": {"name": "name"}, "state": "approved", "kind": "notification"}
    return Template(code=CODE, **{"learned_at": datetime.now(UTC), **given, **more})


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


@pytest.fixture
def store(redis_url: str) -> Iterator[TemplateStore]:
    client = connect_redis(redis_url, timeout_s=5)
    yield TemplateStore(client)
    client.close()


@pytest.fixture
def misfits() -> Iterator[list[TemplateMisfit]]:
    """What was told of messages that do not fit."""
    told: list[TemplateMisfit] = []
    stop = subscribe(lambda fact: told.append(fact) if isinstance(fact, TemplateMisfit) else None)
    yield told
    stop()


@pytest.fixture
def told() -> Iterator[list[TemplateNotLearned]]:
    """What was told of templates that could not be learned."""
    facts: list[TemplateNotLearned] = []
    stop = subscribe(lambda fact: facts.append(fact) if isinstance(fact, TemplateNotLearned) else None)
    yield facts
    stop()


def send(redis_url: str, monkeypatch, mode: str, params: dict[str, str], times: int = 1) -> list[str]:
    monkeypatch.setenv("SMS_PREFLIGHT", mode)
    with closing(connect(broker_url=redis_url)) as sms:
        element = sms.getElement(ELEMENT)
        return [
            element.sendMessage(phoneList=["13800138000"], params=params, verifyTemplateCode=CODE).id
            for _ in range(times)
        ]


@pytest.mark.parametrize("params", [{}, {"name": "张三", "code": "1"}, {"name": "x"}])
def test_refused(redis_url, store, monkeypatch, params):
    """With SMS_PREFLIGHT=refuse a missing, surplus or ill-typed parameter is an error, and nothing is enqueued."""
    store.learn(ELEMENT, template())
    with pytest.raises(InvalidArguments, match=f"params do not fit {CODE}: ") as caught:
        send(redis_url, monkeypatch, "refuse", params)
    assert (caught.value.code, caught.value.argument) == (46001, "params")
    assert not [each for each in store._redis.scan_iter() if ":job" in each]
    assert len(send(redis_url, monkeypatch, "refuse", FITS)) == 1


def test_warned(redis_url, store, monkeypatch, misfits):
    """By default what does not fit is told, without a value, and enqueued."""
    store.learn(ELEMENT, template())
    monkeypatch.delenv("SMS_PREFLIGHT")
    assert ConnectionSettings.read(environ={}).preflight == "warn"
    assert len(send(redis_url, monkeypatch, "warn", {"name": "张三", "13800138000": "837261"})) == 1
    [told] = misfits
    assert (told.element, told.template) == (ELEMENT, CODE)
    assert "13800138000" not in told.problems
    assert "837261" not in told.problems


@pytest.mark.parametrize("mode", ["warn", "refuse"])
def test_nothing_known(redis_url, store, monkeypatch, misfits, mode):
    """Of a template of which nothing is known, or only what is damaged or old, every message passes, and workers are asked to learn."""
    for raw in (None, "{", "[]", template(learned_at=datetime.now(UTC) - timedelta(days=2))):
        store._redis.flushall()
        if isinstance(raw, Template):
            store.learn(ELEMENT, raw)
        elif raw:
            store.learn(ELEMENT, template())
            [name] = [each for each in store._redis.scan_iter() if each.endswith(":templates")]
            store._redis.hset(name, CODE, raw)
        assert len(send(redis_url, monkeypatch, mode, {})) == 1
        assert store.asked(ELEMENT) == [CODE]
    assert misfits == []


def test_recorded_before(redis_url, store, monkeypatch):
    """A job that was recorded before its template was known is given back for its key, and a new one is refused."""
    monkeypatch.setenv("SMS_PREFLIGHT", "refuse")
    with closing(connect(broker_url=redis_url)) as first:
        job = first.getElement(ELEMENT).sendMessage(**MISFIT, idempotency_key="k1")
    store.learn(ELEMENT, template())
    with closing(connect(broker_url=redis_url)) as second:
        element = second.getElement(ELEMENT)
        assert element.sendMessage(**MISFIT, idempotency_key="k1").id == job.id
        for key in ("k2", None):
            with pytest.raises(InvalidArguments, match="do not fit"):
                element.sendMessage(**MISFIT, idempotency_key=key)
        # Workers that have only another element, with a name that is nearly the same, came meanwhile.
        Offers(store._redis).tell([f"{ELEMENT}s"], ["notification"])
        with closing(connect(broker_url=redis_url)) as third:
            element = third.getElement(ELEMENT)
            assert element.sendMessage(**MISFIT, idempotency_key="k1").id == job.id
            with pytest.raises(InvalidArguments, match="the nearest name is"):
                element.sendMessage(**MISFIT, idempotency_key="k2")


def test_lost_answer(redis_url, store, monkeypatch):
    """A job whose recording is repeated, since the answer was lost, is not refused by what was learned meanwhile."""
    monkeypatch.setenv("SMS_PREFLIGHT", "refuse")
    with closing(connect(broker_url=redis_url)) as sms:
        element, record = sms.getElement(ELEMENT), sms.connection.ledger.record
        lost: list[str] = []

        def record_and_lose(job, **more):
            found = record(job, **more)
            if not lost:
                lost.append(found.job_id)
                store.learn(ELEMENT, template())
                sms.connection.preflight._memory.clear()
                sms.suppression.add("13800138000")
                raise redis.ConnectionError
            return found

        monkeypatch.setattr(sms.connection.ledger, "record", record_and_lose)
        assert element.sendMessage(**MISFIT).id == lost[0]


def test_damaged_key(redis_url, store, monkeypatch):
    """Where the key of what was learned is something else, every message passes."""
    store.learn(ELEMENT, template())
    [name] = [each for each in store._redis.scan_iter() if each.endswith(":templates")]
    store._redis.delete(name)
    store._redis.set(name, "x")
    assert len(send(redis_url, monkeypatch, "refuse", {})) == 1


def test_off(redis_url, store, monkeypatch, misfits):
    """With SMS_PREFLIGHT=off nothing is looked at and nothing is asked."""
    store.learn(ELEMENT, template())
    send(redis_url, monkeypatch, "off", {})
    assert (store.asked(ELEMENT), misfits) == ([], [])


def test_not_per_message(redis_url, store, monkeypatch):
    """Many messages with one template look it up once."""
    store.learn(ELEMENT, template())
    store._redis.config_resetstat()
    send(redis_url, monkeypatch, "refuse", FITS, times=50)
    assert store._redis.info("commandstats")["cmdstat_hget"]["calls"] < 10


def test_lanes(redis_url, store, monkeypatch):
    """Workers are told on which lanes a template is used: once for each, and again when it has to be learned again."""
    store.learn(ELEMENT, template())
    monkeypatch.setenv("SMS_PREFLIGHT", "warn")
    calls: list[str | None] = []
    ask = TemplateStore.ask
    monkeypatch.setattr(
        TemplateStore, "ask", lambda *args, **more: (calls.append(more.get("lane")), ask(*args, **more))
    )
    with closing(connect(broker_url=redis_url)) as sms:
        element, now = sms.getElement(ELEMENT), [0.0]
        sms.connection.preflight._clock = lambda: now[0]

        def use(lane: str) -> None:
            element.sendMessage(phoneList=["13800138000"], params=FITS, verifyTemplateCode=CODE, lane=lane)

        for lane in ("bulk", "notification", "bulk", "notification"):
            use(lane)
        assert calls == ["bulk", "notification"]
        assert store.lanes(ELEMENT) == {CODE: {"bulk", "notification"}}
        now[0] = 61
        use("bulk")
        assert len(calls) == 2
        store.learn(ELEMENT, template(learned_at=datetime.now(UTC) - timedelta(hours=2)))
        now[0] = 122
        use("bulk")
        use("notification")
        assert calls[2:] == ["bulk", "notification"]


def test_constant_use(redis_url, store, monkeypatch):
    """A template that is used all the time stays among those that are used, however well it is known: each process tells it hourly."""
    monkeypatch.setenv("SMS_PREFLIGHT", "warn")
    store.learn(ELEMENT, template())
    with closing(connect(broker_url=redis_url)) as sms:
        element, now = sms.getElement(ELEMENT), [0.0]
        sms.connection.preflight._clock = lambda: now[0]
        for now[0], times in ((0, 1), (3500, 0), (3700, 1), (7000, 0), (7400, 1)):
            store._redis.delete(*store._redis.scan_iter("*:templates:lanes"), "x")
            element.sendMessage(phoneList=["13800138000"], params=FITS, verifyTemplateCode=CODE, lane="bulk")
            assert store.lanes(ELEMENT) == ({CODE: {"bulk"}} if times else {})
            assert store.asked(ELEMENT) == [CODE]


def test_redis_comes_back(redis_url, store, monkeypatch):
    """A use that Redis did not take is told again some seconds later."""
    monkeypatch.setenv("SMS_PREFLIGHT", "warn")
    with closing(connect(broker_url=redis_url)) as sms:
        element, now = sms.getElement(ELEMENT), [0.0]
        sms.connection.preflight._clock = lambda: now[0]

        def send_at(seconds: float) -> None:
            now[0] = seconds
            element.sendMessage(phoneList=["13800138000"], params=FITS, verifyTemplateCode=CODE, lane="bulk")

        with monkeypatch.context() as broken:
            broken.setattr(TemplateStore, "ask", unreachable)
            send_at(0)
        store.learn(ELEMENT, template())
        send_at(9)
        assert store.lanes(ELEMENT) == {}
        send_at(11)
        assert store.lanes(ELEMENT) == {CODE: {"bulk"}}


def unreachable(*_, **__) -> None:
    """As Redis is, sometimes."""
    raise redis.ConnectionError


def test_setting():
    """Another word is a wrong setting."""
    with pytest.raises(SettingsError, match="SMS_PREFLIGHT"):
        ConnectionSettings.read(environ={"SMS_PREFLIGHT": "maybe"})


class Known(Provider):
    """Knows one template, and counts how often it is asked."""

    knows_templates = True

    def __init__(self, failure: LookupFailed | None = None, **what) -> None:
        self.asked: list[str] = []
        self.failure = failure
        self.what = what

    def send(self, message, *, out_id, connect_within_s):
        """It is not asked."""
        raise AssertionError

    def template(self, code: str) -> Template:
        """The one."""
        self.asked.append(code)
        if self.failure:
            raise self.failure
        return replace(template(**self.what), code=code)


class Elements:
    """One provider for all."""

    def __init__(self, provider: Provider) -> None:
        self.one = provider

    def provider(self, full_name: str) -> Provider:
        """The one."""
        return self.one


def test_learned_once(redis_url, store):
    """Of two workers one asks Aliyun, and neither asks again while what it knows is fresh; a producer sees it."""
    provider = Known()
    workers = [Learning(store, [ELEMENT], Elements(provider)) for _ in range(2)]
    store.ask(ELEMENT, CODE)
    for _ in range(5):
        for each in workers:
            each.run_once()
    assert provider.asked == [CODE]
    with closing(connect(broker_url=redis_url)) as sms:
        found = sms.getElement(ELEMENT).template(CODE)
    assert (found.text, found.variables) == ("${name}您好", ("name",))


IN_REVIEW = {"state": "in_review"}
UNSIGNED = {"signature": Signature(name="示例", state="refused")}


@pytest.mark.parametrize(("what", "times"), [(IN_REVIEW, 2), (UNSIGNED, 2), ({}, 1)])
def test_looked_at_again(store, what, times):
    """A worker asks again about a minute later where a template or its signature is not approved, and else an hour later."""
    provider, now = Known(**what, learned_at=ago(61)), [0.0]
    learning = Learning(store, [ELEMENT], Elements(provider), clock=lambda: now[0])
    store.ask(ELEMENT, CODE)
    for now[0] in (0, 1, 6, 7):
        learning.run_once()
        for turn in store._redis.scan_iter("*:turn:*"):
            store._redis.delete(turn)
    assert len(provider.asked) == times


def test_each_has_its_turn(store):
    """However many templates are not approved, a worker comes to each."""
    provider, now = Known(**IN_REVIEW, learned_at=ago(61)), [0.0]
    learning = Learning(store, [ELEMENT], Elements(provider), clock=lambda: now[0])
    for number in range(20):
        store.ask(ELEMENT, f"SMS_{number}")
    for now[0] in range(20):
        learning.run_once()
    assert len(set(provider.asked)) == 20


def test_approved_meanwhile(redis_url, store):
    """What was in review a minute ago is learned again by whoever needs it now; without a worker it is what was learned."""
    store.learn(ELEMENT, template(**IN_REVIEW, learned_at=ago(50)))
    with closing(connect(broker_url=redis_url)) as sms, ThreadPoolExecutor() as threads:
        element, began_at = sms.getElement(ELEMENT), time.monotonic()
        assert element.template(CODE, timeout=60).state == "in_review"
        store.learn(ELEMENT, template(**IN_REVIEW, learned_at=ago(61)))
        assert element.template(CODE, timeout=0.5).state == "in_review"
        found = threads.submit(element.template, CODE, timeout=30)
        learning = Learning(store, [ELEMENT], Elements(Known()))
        while not found.done():
            learning.run_once()
            time.sleep(0.05)
        assert found.result().state == "approved"
        assert time.monotonic() - began_at < 30


def test_learned_by_one_at_a_time(store):
    """While one worker asks Aliyun, no other asks about the same."""
    slow, other = Known(), Known()
    second = Learning(store, [ELEMENT], Elements(other))
    ask = slow.template

    def template_meanwhile(code: str) -> Template:
        second.run_once()
        return ask(code)

    slow.template = template_meanwhile
    store.ask(ELEMENT, CODE)
    Learning(store, [ELEMENT], Elements(slow)).run_once()
    assert (slow.asked, other.asked) == ([CODE], [])


def test_group(redis_url, store, monkeypatch):
    """Of a group workers tell what its members have, each of which is asked once; a producer refuses by it."""
    main, spare = Known(), Known()
    members = [Member(element="SMS.Main"), Member(element="SMS.Spare", templates={CODE: "SMS_77"})]
    providers = {"SMS.Main": main, "SMS.Spare": spare}
    providers[ELEMENT] = Group(ELEMENT, members, providers.__getitem__)

    class Each:
        provider = staticmethod(providers.__getitem__)

    learning = Learning(store, [*providers], Each())
    store.ask(ELEMENT, CODE)
    store.ask("SMS.Main", CODE)
    for _ in range(3):
        learning.run_once()
    assert (main.asked, spare.asked) == ([CODE], ["SMS_77"])
    with pytest.raises(InvalidArguments, match=f"do not fit {CODE}: the template's variable name is missing"):
        send(redis_url, monkeypatch, "refuse", {})
    assert store.known("SMS.Main", CODE).text == store.known(ELEMENT, CODE).text


def test_nobody_knows_templates(store, told):
    """A group whose members know nothing of templates is no trouble, and is left alone."""

    class Plain(Known):
        knows_templates = False

        def template(self, code: str) -> Template:
            return Provider.template(self, code)

    group = Group(ELEMENT, [Member(element="SMS.Main")], lambda _: Plain())
    store.ask(ELEMENT, CODE)
    learning = Learning(store, [ELEMENT], Elements(group))
    learning.run_once()
    assert told == []


def test_not_learned(store):
    """A template that cannot be learned is left alone for a while, and changes nothing."""
    provider = Known(LookupFailed("permission", "example"))
    clock = iter(range(0, 10_000, 100))
    learning = Learning(store, [ELEMENT], Elements(provider), clock=lambda: next(clock))
    store.ask(ELEMENT, CODE)
    learning.run_once()
    learning.run_once()
    assert provider.asked == [CODE]
    assert store.known(ELEMENT, CODE) is None


def test_nobody_learns(redis_url):
    """Where no worker learns of a template, asking for it ends in time with nothing."""
    began_at = time.monotonic()
    with closing(connect(broker_url=redis_url)) as sms:
        assert sms.getElement(ELEMENT).template(CODE, timeout=0.5) is None
    assert time.monotonic() - began_at < 5


def test_bounded(store):
    """However many codes are asked for, and learned, what is kept has a bound."""
    for number in range(520):
        store.ask(ELEMENT, f"SMS_{number}")
    assert len(store.asked(ELEMENT)) == 500
    assert all(store._redis.ttl(each) > 0 for each in store._redis.scan_iter())


def test_redis_away(monkeypatch):
    """A look that Redis does not answer refuses nothing by itself."""
    from smsjobs.contract import make_job, new_job_id
    from smsjobs.templates import Preflight

    client = redis.Redis(port=1, socket_connect_timeout=0.2)
    job = make_job(
        id=new_job_id(ELEMENT), element=ELEMENT, phoneList=["13800138000"], params={}, verifyTemplateCode=CODE
    )
    Preflight(TemplateStore(client), "refuse").check(job)

"""Every public argument of a producer: whatever is passed, the call succeeds or raises an error of ours."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsjobs import Element, InvalidArguments, Job, SendResult, Sms, SmsError, connect
from smsjobs.campaign import Order, check
from smsjobs.contract import decode_job, encode_outcome, make_job
from smsjobs.facts import PushNotTaken
from smsjobs.ledger import Granted
from smsjobs.receipts import Receiver
from smsjobs.settings import SettingsError
from smsjobs.verification import Limit
from smsjobs_server.settings import ServerSettings
from smsjobs_worker.process.settings import WorkerSettings
from support.facts import told
from support.redis_server import RedisServer

PHONE = "13800138000"
SECRET = "a secret of enough bytes, for tests only"
GOOD = {"phoneList": [PHONE], "params": {"code": "1"}, "verifyTemplateCode": "SMS_1"}


@dataclass(frozen=True)
class Wrapper:
    """A value as the elements that this stands in for hand it over."""

    value: Any

    def __hash__(self) -> int:
        return 1


def nested(depth: int) -> Any:
    """A list in a list, and so on."""
    found: Any = []
    for _ in range(depth):
        found = [found]
    return found


def shared(depth: int) -> Any:
    """A small list of lists that has 2 to the power of its depth entries to whoever walks it."""
    found: Any = []
    for _ in range(depth):
        found = [found, found]
    return found


#: What is too large to be shown, by its name.
EXTREMES: dict[str, Any] = {
    "a number of 5,001 digits": 10**5000,
    "a range of no length": range(10**30),
    "300,000 characters": "x" * 300_000,
    "5,000 digits": "9" * 5000,
    "nested 31 deep": nested(31),
    "nested 2,000 deep": nested(2000),
    "lists that share lists": shared(60),
    "200,000 entries": ["x"] * 200_000,
    "1,000 numbers": [PHONE] * 1000,
    "1,001 numbers": [PHONE] * 1001,
    "101 names": {f"p{n}": "1" for n in range(101)},
    "17,000 characters of values": {f"p{n}": "1" * 1900 for n in range(9)},
}
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 2**63, float("nan"), float("inf"), 1e308, True]),
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", " ", "\0", "\x1b]0;x\x07", "\ud800", "x" * 600, PHONE]),
)
TIMES = st.datetimes(
    timezones=st.sampled_from([None, timezone(timedelta(hours=-23)), timezone(timedelta(hours=23))])
)
ATOMS = st.one_of(st.none(), NUMBERS, TEXTS, TIMES, st.binary(max_size=9), st.just(object()))
THINGS = st.one_of(
    st.recursive(
        ATOMS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.one_of(TEXTS, NUMBERS), inner, max_size=4),
            st.builds(Wrapper, inner),
            st.builds(lambda key: {Wrapper(key): "x"}, inner),
        ),
        max_leaves=8,
    ),
    st.sampled_from(sorted(EXTREMES)).map(EXTREMES.__getitem__),
)
FIELDS = (*GOOD, "extend", "lane", "expires", "countdown", "eta", "on_unknown", "idempotency_key")


CAMPAIGN = (
    "recipients",
    "verifyTemplateCode",
    "params",
    "strict",
    "template_text",
    "sheet",
    "phone_column",
    "countries",
    "ignore_columns",
)


@pytest.fixture(scope="module")
def sms(redis_server: RedisServer) -> Iterator[Sms]:
    """A producer at a real Redis."""
    producer = connect(broker_url=redis_server.url, redis_url=redis_server.url)
    yield producer
    producer.close()


@pytest.fixture(scope="module")
def element(sms: Sms) -> Element:
    """An element of it."""
    return sms.getElement("SMS.Test")


def attempt(call: Callable[[], Any]) -> None:
    """Make the call; it must succeed, or raise an error of ours whose text is short and that has a code."""
    refused: SmsError | None = None
    try:
        call()
    except SmsError as error:
        refused = error
    if refused is not None:
        assert str(refused).startswith(str(refused.code))
        assert len(str(refused)) < 700
        assert "\x1b" not in str(refused)


quick = settings(
    max_examples=60,
    deadline=10_000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quick
@given(st.dictionaries(st.sampled_from(FIELDS), THINGS, min_size=1, max_size=3))
def test_send_anything(element: Element, arguments: dict[str, Any]) -> None:
    """No argument of sendMessage provokes anything but an error of ours."""
    attempt(lambda: element.sendMessage(**(GOOD | arguments)))


@quick
@given(THINGS, THINGS)
def test_job_of_anything(name: Any, value: Any) -> None:
    """No JSON of a plain client's job provokes anything but an error of ours."""
    attempt(lambda: decode_job(value))
    with contextlib.suppress(TypeError):  # a name that no dict can have
        attempt(lambda: decode_job({**GOOD, "id": "x", "element": "SMS.Test", name: value}))
    for field in ("v", "id", "element"):
        attempt(lambda field=field: decode_job({**GOOD, "id": "x", "element": "SMS.Test", field: value}))


@quick
@given(THINGS)
def test_handles_of_anything(sms: Sms, value: Any) -> None:
    """No name, id or timeout of a handle provokes anything but an error of ours."""
    attempt(lambda: sms.getElement(value))
    attempt(lambda: sms.job(value).status())
    attempt(lambda: sms.job("none").get(timeout=value))
    attempt(lambda: sms.campaign(value).progress())
    attempt(lambda: sms.campaign("none-aaaaaaaaaaaa").wait(timeout=value))


@quick
@given(
    st.dictionaries(
        st.sampled_from((*CAMPAIGN, "at", "promotional")),
        THINGS,
        min_size=1,
        max_size=2,
    ),
    THINGS,
)
def test_campaign_of_anything(element: Element, arguments: dict[str, Any], name: Any) -> None:
    """No argument of a campaign provokes anything but an error of ours."""
    good = {"recipients": [PHONE], "verifyTemplateCode": "SMS_1", "params": {"code": "1"}}
    attempt(lambda: element.campaign("a name", **(good | arguments)))
    attempt(lambda: element.campaign(name, **good))


RULES = ("verifyTemplateCode", "ttl", "digits", "param", "max_checks", "per_number", "per_client", "ceiling")


@quick
@given(
    st.dictionaries(st.sampled_from((*RULES, "countries", "guard")), THINGS, min_size=1, max_size=2), THINGS
)
def test_verification_of_anything(element: Element, arguments: dict[str, Any], value: Any) -> None:
    """No rule, number, address or code of a verification provokes anything but an error of ours."""
    good = {"verifyTemplateCode": "SMS_1", "secret": SECRET, "per_number": Limit(), "ceiling": Limit()}
    attempt(lambda: element.verification("login", **(good | arguments)))
    attempt(lambda: element.verification(value, **good))
    attempt(lambda: Limit(minute=value))
    login = element.verification("login", **good)
    attempt(lambda: login.send(value))
    attempt(lambda: login.send(PHONE, value))
    attempt(lambda: login.check(value, "123456"))
    attempt(lambda: login.check(PHONE, value))


@pytest.fixture(scope="module")
def sent(sms: Sms, element: Element) -> Job:
    """A job that was accepted."""
    job = element.sendMessage(**GOOD)
    ledger = sms.connection.ledger
    assert isinstance(ledger.claim(job.id, "token", lease_s=30), Granted)
    done = SendResult(response={"Code": "OK", "BizId": "biz"}, out_id=job.id, attempts=1)
    assert ledger.settle(job.id, "token", encode_outcome(done)).ours
    return job


@quick
@given(THINGS)
def test_deliveries_of_anything(sms: Sms, sent: Job, value: Any) -> None:
    """No number or id that a delivery is asked for provokes anything but an error of ours."""
    attempt(lambda: sent.delivery(value))
    attempt(lambda: sms.job(value).delivery())
    attempt(lambda: sms.job(value).deliveries())
    assert sent.deliveries().total == 1


REPORT = (
    "phone_number",
    "send_time",
    "report_time",
    "success",
    "err_code",
    "sms_size",
    "biz_id",
    "out_id",
)
#: What JSON can say, and some that only Python's does.
PUSHED = st.recursive(
    st.one_of(st.none(), NUMBERS, TEXTS, st.sampled_from(["2026-11-28 12:00:00", "9" * 5000, "x" * 90_000])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def push(sms: Sms, body: bytes) -> None:
    """Push it. It is taken, unless this machine is too slow for the time that Aliyun gives."""
    with told() as facts:
        answer = Receiver(sms).handle(body)
    slow = [each for each in facts if isinstance(each, PushNotTaken) and each.error == "TimeoutError"]
    assert answer.status == (503 if slow else 200)


@quick
@given(st.dictionaries(st.sampled_from(REPORT), PUSHED, max_size=3), PUSHED)
def test_pushes_of_anything(sms: Sms, sent: Job, odd: dict[str, Any], value: Any) -> None:
    """Whatever is pushed is answered, and never by an error; a whole report beside what is odd is taken."""
    usual = {"phone_number": PHONE, "success": True, "err_code": "DELIVERED", "out_id": sent.id}
    for pushed in (value, [usual | odd, value], [value, usual]):
        push(sms, json.dumps(pushed).encode())


@quick
@given(st.binary(max_size=60))
def test_pushes_of_any_bytes(sms: Sms, body: bytes) -> None:
    """No bytes that are pushed provoke anything but an answer."""
    push(sms, body)


@quick
@given(st.dictionaries(st.sampled_from(CAMPAIGN), THINGS, min_size=1, max_size=2), THINGS)
def test_checks_of_anything(arguments: dict[str, Any], value: Any) -> None:
    """No argument of a check, and no value of a recipient's, provokes anything but an error of ours."""
    good = {"recipients": [PHONE], "template": "SMS_1", "params": {"code": "1"}}
    arguments = {{"verifyTemplateCode": "template"}.get(name, name): each for name, each in arguments.items()}
    # Reading these takes its time, as any file of so many rows does.
    long = (EXTREMES["a range of no length"], EXTREMES["200,000 entries"])
    if not any(arguments.get("recipients") is each for each in long):
        attempt(lambda: check(Order.read(**(good | arguments)), template_text="${code}"))
    attempt(lambda: check(Order.read([{"phone": PHONE, "code": value}], "SMS_1")))
    attempt(lambda: check(Order.read([(PHONE, {"code": value}), value], "SMS_1")))
    attempt(lambda: check(Order.read([PHONE], "SMS_1"), template_text=value, sign=value))


WORKERS = (
    "SMS_LEASE",
    "SMS_SWEEP",
    "SMS_PATIENCE",
    "SMS_VISIBILITY",
    "SMS_REMOTE_SHUTDOWN",
    "SMS_PULLS",
    "SMS_PULL_QPS",
    "SMS_PULL_CAMPAIGNS",
    "SMS_LOOKUPS_BULK",
    "SMS_LOG",
    "SMS_RETENTION",
    "SMS_REPLICAS",
    "SMS_TIMEOUT",
    "SMS_PAYLOAD_KEY",
)
WRITTEN = st.one_of(
    TEXTS, NUMBERS.map(str), st.lists(NUMBERS, max_size=3).map(lambda each: ",".join(map(str, each)))
)


@pytest.mark.parametrize("name", ["SMS_PULLS", "SMS_LOOKUPS_BULK"])
@pytest.mark.parametrize(
    "text", ["inf", "nan", "1,nan", "1e300", "30,99999999", "2,1", "1,1", "0", "-1,2", ","]
)
def test_times_without_end(name: str, text: str) -> None:
    """Times of look-ups and pulls that Redis cannot count with are refused when the worker starts."""
    with pytest.raises(SettingsError, match=name):
        WorkerSettings.read({"SMS_BROKER_URL": "redis://127.0.0.1:1/0", name: text})


@quick
@given(st.sampled_from(WORKERS), WRITTEN, st.text(max_size=20), st.integers())
def test_environments_of_anything(name: str, text: str, host: str, port: int) -> None:
    """No setting of a worker or of the server provokes anything but an error that names it; what is taken is finite."""
    usual = {"SMS_BROKER_URL": "redis://127.0.0.1:1/0"}
    with contextlib.suppress(SettingsError):
        found = WorkerSettings.read({**usual, name: text})
        times = (
            found.lease_s,
            found.sweep_s,
            found.patience_s,
            found.visibility_s,
            found.pull_qps,
            *found.pulls_s,
        )
        assert all(0 <= each < 1e9 for each in (*times, *found.lanes["bulk"].lookups_s))
    with contextlib.suppress(SettingsError):
        ServerSettings.read(host=host, port=port, environ={"SMS_RECEIPT_SECRET": text})


@quick
@given(THINGS)
def test_settings_of_anything(value: Any) -> None:
    """No setting of a producer, and no secret, provokes anything but an error of ours."""
    for name in ("broker_url", "redis_url", "timeout"):
        with contextlib.suppress(SettingsError):
            connect(**{"broker_url": "redis://127.0.0.1:1/0", name: value})


@pytest.mark.parametrize(
    ("arguments", "bound", "remark"),
    [
        ({"params": {"code": "1" * 2001}}, "2000", "a value"),
        ({"params": {"code": "1" * 30_000_000}}, "2000", "a value of 30 MB"),
        ({"params": {f"p{n}": "1" * 1500 for n in range(7)}}, "10000", "all values together"),
        ({"params": {f"p{n}": "1" for n in range(101)}}, "100", "names"),
        ({"params": {"n" * 101: "1"}}, "100", "the length of a name"),
        ({"params": nested(40)}, "32", "depth"),
        ({"phoneList": shared(20)}, "100000", "entries"),
        ({"phoneList": [PHONE] * 1001}, "1000", "numbers"),
        ({"verifyTemplateCode": "S" * 101}, "100", "a template's code"),
        ({"idempotency_key": "k" * 513}, "512", "a key"),
        ({"id": "i" * 65}, "64", "an id"),
        ({"element": "SMS." + "e" * 197}, "200", "an element's name"),
        ({"expires": 10**400}, "2592000", "a number that no float can be"),
        ({"countdown": float("inf")}, "2592000", "infinity"),
    ],
)
def test_bound_is_named(arguments: dict[str, Any], bound: str, remark: str) -> None:
    """What is beyond a bound is refused with 46001, and the text has the bound and not the value."""
    given_ = {"id": "x", "element": "SMS.Test", **GOOD, **arguments}
    with pytest.raises(InvalidArguments) as caught:
        make_job(**given_)
    assert caught.value.code == 46001
    assert bound in caught.value.message, remark
    assert "1111" not in caught.value.message
    assert len(caught.value.message) < 300

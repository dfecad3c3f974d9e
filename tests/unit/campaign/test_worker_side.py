"""What a worker decides about chunks."""

import time

import pytest

from smsjobs.contract import (
    AliyunRejected,
    InvalidArguments,
    RequestFailed,
    check_message,
    make_chunk,
    pack,
    pack_campaign,
    pack_recipients,
)
from smsjobs.ledger import Granted, Wait
from smsjobs.redis_store import CannotOpen
from smsjobs_worker.aliyun import CODES, Account, AliyunSms, find_code
from smsjobs_worker.aliyun.scrub import contents
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.provider import AnswerLost, NotSent, Provider
from smsjobs_worker.sending.rate_limit import bulk_window, windows
from smsjobs_worker.sending.run import Halve, Run, StopCampaign
from smsjobs_worker.sending.sender import _sealed, _unreadable


def granted(**more):
    given = {
        "job_id": "c-1",
        "token": "t",
        "state": "sending",
        "job": "",
        "attempts": 0,
        "lost_from_ms": 0,
        "lost_to_ms": 0,
        "expires_ms": 10_000,
        "now_ms": 1,
        "interrupted": False,
        "resent": False,
        "chunk": ("", ""),
    }
    return Granted(**given | more)


JOB = make_chunk("c-1", pack_campaign("SMS.Test", "SMS_1", {}), pack_recipients([2], ["13800138000"]), "")


class Permits:
    """There is always one."""

    def take(self, *_, **__):
        """Take one."""
        return True


class Plain(Provider):
    """A type that says nothing about campaigns: ends each request as told."""

    def __init__(self, end=None):
        self.end = end

    def send(self, message, *, out_id, connect_within_s):
        """One request."""
        if isinstance(self.end, Exception):
            raise self.end
        return {"Code": "OK"}


class Aliyun(AliyunSms):
    """The official type, without a network."""

    def __init__(self, end):
        super().__init__(Account(access_key="example", access_secret="example", sign="示例"))
        self.end = end

    send = Plain.send


def a_run(*, job=JOB, may_be_sent=lambda: True, **more):
    return Run(
        job=job,
        lane=WorkerSettings.read({}).lanes["bulk"],
        granted=granted(**{"expires_ms": 10**15} | more),
        claimed_at=time.monotonic(),
        holds=lambda: True,
        permits=Permits(),
        may_be_sent=may_be_sent,
    )


def stops(provider, **more):
    return isinstance(a_run(**more).send(provider), StopCampaign)


@pytest.mark.parametrize(
    ("end", "stopped"),
    [
        (InvalidArguments(reason="element_invalid"), True),
        (InvalidArguments(reason="element_not_found"), True),
        (InvalidArguments(), False),
        (AnswerLost("no_answer", "x"), False),
        (NotSent("connect_failed", "x", retry_after=60), False),
        (AliyunRejected(advice="operator"), True),
        (AliyunRejected(advice="later"), False),
        (AliyunRejected(advice="never"), False),
        (None, False),
    ],
)
def test_what_stops_a_campaign(end, stopped):
    """A campaign is stopped by what every other chunk would meet too; a type that says nothing, by its advice."""
    assert stops(Plain(end)) is stopped
    assert not stops(Plain(end), chunk=None), "the job is no chunk"


def test_an_element_that_is_missing_stops_a_campaign():
    """A chunk whose element cannot be had, or which nobody can read, stops its campaign; another job does not."""
    error = InvalidArguments("x", reason="element_not_found")
    assert isinstance(a_run().without_provider(error), StopCampaign)
    assert isinstance(a_run(chunk=None).without_provider(error), InvalidArguments)
    assert isinstance(_unreadable(granted(), "x"), StopCampaign)
    assert isinstance(_unreadable(granted(chunk=None), "x"), InvalidArguments)
    assert isinstance(_unreadable(granted(lost_to_ms=5), "x"), RequestFailed)


def refused(code):
    """The official type, which refuses as the table has it."""
    known = find_code(code)
    return Aliyun(AliyunRejected("no", reason=known.reason, aliyun_code=code, advice=known.advice))


#: What only an operator can fix stops a campaign, and besides it these.
ALWAYS = [
    "isv.DAY_LIMIT_CONTROL",
    "isv.MONTH_LIMIT_CONTROL",
    "isv.TEMPLATE_MISSING_PARAMETERS",
    "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL",
    "MissingAccessKeyId",
    "UnsupportedHTTPMethod",
    "InvalidApi.NotFound",
    "InvalidVersion",
    "InvalidAction.NotFound",
]

#: These stop it where all recipients get the same text.
SAME_TEXT = [
    "isv.TEMPLATE_PARAMS_ILLEGAL",
    "isv.PARAM_LENGTH_LIMIT",
    "isv.PARAM_NOT_SUPPORT_URL",
    "isv.INVALID_JSON_PARAM",
    "isv.SMS_CONTENT_ILLEGAL",
    "isv.UNSUPPORTED_CONTENT",
    "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
]

OPERATOR = [each.code for each in CODES.values() if each.advice == "operator"]
REST = [
    each.code
    for each in CODES.values()
    if each.ended == "rejected" and each.code not in {*ALWAYS, *SAME_TEXT, *OPERATOR}
]


@pytest.mark.parametrize("code", [*OPERATOR, *ALWAYS, "isv.NEVER_HEARD_OF"])
def test_refusals_of_every_chunk(code):
    """A refusal for the account's, the signature's or the template's sake stops a campaign, whatever its texts are."""
    assert stops(refused(code))
    assert stops(refused(code), chunk=("rows", "params"))


@pytest.mark.parametrize("code", SAME_TEXT)
def test_refusals_of_the_text(code):
    """A refusal of the text stops a campaign whose recipients all get the same, and no other."""
    assert stops(refused(code))
    assert not stops(refused(code), chunk=("rows", "params"))


@pytest.mark.parametrize("code", REST)
def test_refusals_of_one_request(code):
    """A refusal for a number's sake, or one that may be for its sake, is its chunk's own."""
    assert not stops(refused(code))


def test_which_refusals_are_left():
    """What does not stop a campaign is about numbers, or too vague to be sure."""
    assert set(REST) == {
        "isv.BUSINESS_LIMIT_CONTROL",
        "BUSINESS_LIMIT_CONTROL",
        "biz.FREQUENCY",
        "FREQUENCY_FAIL",
        "isv.MOBILE_NUMBER_ILLEGAL",
        "MOBILE_NUMBER_ILLEGAL",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.CUSTOMER_REFUSED",
        "InvalidParameter.Format",
        "isv.INVALID_PARAMETERS",
        "PARAMS_ILLEGAL",
    }


#: Refused for one recipient's number; together with those of the text, all that may be one recipient's.
NUMBER = [
    "isv.MOBILE_NUMBER_ILLEGAL",
    "isv.BLACK_KEY_CONTROL_LIMIT",
    "isv.CUSTOMER_REFUSED",
    "isv.BUSINESS_LIMIT_CONTROL",
]


def three(*, same_text):
    """The job of a chunk with three recipients, and what is claimed with it."""
    shared = pack_campaign("SMS.Test", "SMS_1", {}, ["name"])
    phones = pack_recipients([2, 3, 4], ["13800138000", "13800138001", "13800138002"])
    params = pack([{"name": "a"}] if same_text else [{"name": "a"}, {"name": "b"}, {"name": "b"}])
    return {"job": make_chunk("c-1", shared, phones, params), "chunk": (phones, params)}


def halves(code, **more):
    return isinstance(a_run(**more).send(refused(code)), Halve)


@pytest.mark.parametrize("code", NUMBER)
def test_halved_for_a_number(code):
    """A chunk that is refused for a number is halved, whatever its texts are."""
    assert halves(code, **three(same_text=True))
    assert halves(code, **three(same_text=False))


@pytest.mark.parametrize("code", SAME_TEXT)
def test_halved_for_a_text(code):
    """A chunk that is refused for a text is halved only if its recipients get different ones: else all are guilty."""
    assert halves(code, **three(same_text=False))
    assert not halves(code, **three(same_text=True))


def test_what_is_halved():
    """No other refusal can be one recipient's, so a chunk is not halved for it."""
    codes = {code for code in CODES if halves(code, **three(same_text=False))}
    assert codes == {*NUMBER, *SAME_TEXT}
    assert not isinstance(a_run(**three(same_text=False)).send(Plain(AliyunRejected(advice="never"))), Halve)


@pytest.mark.parametrize("code", [*NUMBER, *SAME_TEXT])
def test_what_is_not_halved(code):
    """One recipient's chunk is refused for good, and so is a job that is no chunk, or may have been sent before."""
    whole = three(same_text=False)
    assert not halves(code, job=JOB, chunk=("rows", "params"))
    assert not halves(code, **whole | {"chunk": None})
    assert not halves(code, **whole, lost_to_ms=5)


def test_what_may_have_been_sent_is_not_given_back():
    """A chunk of which a request may have been accepted is settled, whatever is said of a later one."""
    assert not stops(Plain(AliyunRejected(advice="operator")), lost_to_ms=5)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1, 1.9, 2, 3, 5, 9, 10, 50, 1000])
def test_share_of_the_rate(rate):
    """At every rate a campaign may use two thirds or more of what all but codes may use, and never all of it."""
    _, others = windows(rate)
    bulk = bulk_window(rate)
    share = (bulk.amount / bulk.get_expiry()) / (others.amount / others.get_expiry())
    assert 2 / 3 <= share <= 3 / 4


def test_held_after_the_permit():
    """A chunk whose campaign was paused while it waited for a permit is given back without a request."""
    step = a_run(may_be_sent=lambda: False).send(Plain(AssertionError()))
    assert isinstance(step, Wait)
    assert (step.state, step.attempts) == ("queued", 0)


def test_type_without_batches():
    """A type that cannot send parameters of each is given no such chunk: it would send all of them the same text."""
    shared = pack_campaign("SMS.Test", "SMS_1", {}, ["name"])
    phones = pack_recipients([2, 3], ["13800138000", "13800138001"])
    job = make_chunk("c-1", shared, phones, pack([{"name": "a"}, {"name": "b"}]))
    step = a_run(job=job).send(Plain(AssertionError()))
    assert isinstance(step, StopCampaign)
    assert step.refusal.reason == "element_invalid"


def test_parameters_of_each_are_kept_out_of_texts():
    """What must not be repeated includes everybody's own parameters."""
    shared = pack_campaign("SMS.Test", "SMS_1", {"event": "shared"}, ["name"])
    phones = pack_recipients([2, 3], ["13800138000", "13800138001"])
    message = make_chunk("c-1", shared, phones, pack([{"name": "first"}, {"name": "second"}])).message
    assert set(contents(message)) == {"13800138000", "13800138001", "shared", "first", "second"}
    assert not check_message(["13800138000"], {}, "SMS_1").params_of_each


@pytest.mark.parametrize(("state", "lost_to_ms"), [("sending", 0), ("looking_up", 5)])
def test_a_sealed_chunk_is_left_to_who_can_open_it(state, lost_to_ms):
    """A worker without the key ends no chunk and stops no campaign: another one can send it, or look it up."""
    chunk = granted(state=state, lost_from_ms=lost_to_ms, lost_to_ms=lost_to_ms)
    step = _sealed(chunk, CannotOpen())
    assert isinstance(step, Wait)
    assert (step.state == "looking_up") is (state == "looking_up")
    assert (step.lost_from_ms, step.lost_to_ms, step.attempts) == (lost_to_ms, lost_to_ms, 0)

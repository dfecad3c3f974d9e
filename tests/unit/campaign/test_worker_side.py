"""What a worker decides about chunks."""

import time

import pytest

from smsjobs.contract import (
    AliyunRejected,
    InvalidArguments,
    RequestFailed,
    SendResult,
    check_message,
    make_chunk,
    pack,
    pack_campaign,
    pack_recipients,
)
from smsjobs.ledger import Granted, Wait
from smsjobs.redis_store import CannotOpen
from smsjobs_worker.aliyun import CODES, find_code
from smsjobs_worker.aliyun.scrub import contents
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.sending.rate_limit import bulk_window, windows
from smsjobs_worker.sending.run import Run
from smsjobs_worker.sending.sender import _sealed, _stops_campaign


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


@pytest.mark.parametrize(
    ("outcome", "stops"),
    [
        (InvalidArguments(reason="element_invalid"), True),
        (InvalidArguments(reason="element_not_found"), True),
        (InvalidArguments(reason="job_unreadable"), True),
        (InvalidArguments(), False),
        (RequestFailed(outcome="unknown"), False),
        (RequestFailed(outcome="not_sent", reason="expired"), False),
        (SendResult(out_id="c-1", attempts=1), False),
    ],
)
def test_what_stops_a_campaign(outcome, stops):
    """A campaign is stopped by what would befall its other chunks too, and by nothing else."""
    assert _stops_campaign(granted(), outcome) is stops


def refused(code):
    """A refusal as the table has it."""
    known = find_code(code)
    return AliyunRejected("no", known.reason, aliyun_code=code, advice=known.advice)


#: What only an operator can mend stops a campaign, and besides it these.
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
def test_refusals_that_befall_everybody(code):
    """A refusal for the account's, the signature's or the template's sake stops a campaign, whatever its texts are."""
    assert _stops_campaign(granted(), refused(code))
    assert _stops_campaign(granted(chunk=("rows", "params")), refused(code))


@pytest.mark.parametrize("code", SAME_TEXT)
def test_refusals_of_the_text(code):
    """A refusal of the text stops a campaign whose recipients all get the same, and no other."""
    assert _stops_campaign(granted(), refused(code))
    assert not _stops_campaign(granted(chunk=("rows", "params")), refused(code))


@pytest.mark.parametrize("code", REST)
def test_refusals_of_one_request(code):
    """A refusal for a number's sake, or one that may be for its sake, is its chunk's own."""
    assert not _stops_campaign(granted(), refused(code))


def test_which_refusals_are_left():
    """What does not stop a campaign is about numbers, or too vague to be sure."""
    assert set(REST) == {
        "isv.BUSINESS_LIMIT_CONTROL",
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.CUSTOMER_REFUSED",
        "InvalidParameter.Format",
        "isv.INVALID_PARAMETERS",
        "PARAMS_ILLEGAL",
    }


@pytest.mark.parametrize("more", [{"lost_to_ms": 5}, {"state": "looking_up"}])
def test_what_may_have_been_sent_is_not_given_back(more):
    """A chunk of which a request may have been accepted is settled, whatever Aliyun says of a later one."""
    assert not _stops_campaign(granted(**more), AliyunRejected(advice="operator"))


@pytest.mark.parametrize("rate", [0.1, 0.5, 1, 1.9, 2, 3, 5, 9, 10, 50, 1000])
def test_share_of_the_rate(rate):
    """At every rate a campaign may use two thirds or more of what all but codes may use, and never all of it."""
    _, others = windows(rate)
    bulk = bulk_window(rate)
    share = (bulk.amount / bulk.get_expiry()) / (others.amount / others.get_expiry())
    assert 2 / 3 <= share <= 3 / 4


def test_held_after_the_permit():
    """A chunk whose campaign was paused while it waited for a permit is given back without a request."""
    job = make_chunk("c-1", pack_campaign("SMS.Test", "SMS_1", {}), pack_recipients([2], ["13800138000"]), "")

    class Provider:
        def send(self, message, *, out_id):
            raise AssertionError

    class Permits:
        def take(self, element, lane, max_qps, *, within_s):
            return True

    run = Run(
        job=job,
        lane=WorkerSettings.read({}).lanes["bulk"],
        granted=granted(expires_ms=10**15),
        claimed_at=time.monotonic(),
        holds=lambda: True,
        permits=Permits(),
        goes_on=lambda: False,
    )
    step = run.send(Provider())
    assert isinstance(step, Wait)
    assert (step.state, step.attempts) == ("queued", 0)


def test_type_without_batches():
    """A type that cannot send parameters of each is given no such chunk: it would send all of them the same text."""
    shared = pack_campaign("SMS.Test", "SMS_1", {}, ["name"])
    phones = pack_recipients([2, 3], ["13800138000", "13800138001"])
    job = make_chunk("c-1", shared, phones, pack([{"name": "a"}, {"name": "b"}]))

    class Provider:
        def send(self, message, *, out_id):
            raise AssertionError

    run = Run(
        job=job,
        lane=WorkerSettings.read({}).lanes["bulk"],
        granted=granted(),
        claimed_at=0,
        holds=lambda: True,
        permits=None,
    )
    outcome = run.send(Provider())
    assert isinstance(outcome, InvalidArguments)
    assert outcome.reason == "element_invalid"
    assert _stops_campaign(granted(), outcome)


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

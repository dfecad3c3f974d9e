"""What answers and exceptions mean."""

import inspect
import ssl
from datetime import UTC, datetime

import darabonba.exceptions as dara
import pytest
import requests.exceptions
import Tea.exceptions as tea
import urllib3.exceptions
from alibabacloud_tea_openapi import exceptions as openapi
from darabonba.policy.retry import RetryPolicyContext

from smsjobs.contract import AliyunRejected
from smsjobs_worker.aliyun.mapping import HANDLERS, Throttled, map_answer, map_exception
from smsjobs_worker.provider import AnswerLost, NotSent

NOW = datetime(2026, 5, 4, 14, 3, 20, tzinfo=UTC)
SECRET = "SignString=POST&PhoneNumbers=13800138000&TemplateParam=384915"


def test_every_exception_of_the_sdk_is_mapped():
    """A class that a new SDK adds to its exceptions fails here, until somebody decides what it means."""
    for module in (openapi, dara, tea):
        found = {
            each
            for _, each in inspect.getmembers(module, inspect.isclass)
            if issubclass(each, Exception) and each.__module__.split(".")[0] == module.__name__.split(".")[0]
        }
        assert len(found) >= 4
        assert {each.__qualname__ for each in found - set(HANDLERS)} == set()


def answer(code, status=200, retry_after=None, **body):
    return map_answer(
        {"Code": code, "RequestId": "R-1", **body}, now=NOW, status=status, retry_after=retry_after
    )


@pytest.mark.parametrize("status", [200, 400, 403, 500, 503])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("isv.OUT_OF_SERVICE", AliyunRejected),
        ("isv.NEW", AliyunRejected),
        ("SignatureDoesNotMatch", AliyunRejected),
        ("Throttling.User", Throttled),
        ("isp.SYSTEM_ERROR", AnswerLost),
        ("isp.NEW", AnswerLost),
        ("SignatureNonceUsed", AnswerLost),
        ("InternalError", AnswerLost),
    ],
)
def test_the_code_decides(code, kind, status):
    """The code in the body decides what an answer means, whatever the HTTP status is."""
    assert type(answer(code, status)) is kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"Code": "Brand.New", "RequestId": "R-1"}, AliyunRejected),
        (404, {"Code": "Brand.New"}, AnswerLost),  # no gateway of Aliyun's: it always names the request
        (408, {"Code": "Brand.New", "RequestId": "R-1"}, AnswerLost),
        (500, {"Code": "Brand.New", "RequestId": "R-1"}, AnswerLost),
        (200, {"Code": "Brand.New", "RequestId": "R-1"}, AnswerLost),
        (None, {"Code": "Brand.New", "RequestId": "R-1"}, AnswerLost),
        (400, {"Code": None, "RequestId": "R-1"}, AnswerLost),
        (400, {"Code": "None", "RequestId": "R-1"}, AnswerLost),  # how the SDK writes no code
        (400, {"Code": "OK", "RequestId": "R-1"}, AnswerLost),  # contradicts itself
        (200, {"Code": "isv.X\n13800138000"}, AnswerLost),
        (200, {"Code": 7}, AnswerLost),
        (200, {}, AnswerLost),
    ],
)
def test_unlisted_codes(status, body, kind):
    """A code nobody listed is a refusal only from a gateway that refuses with 4xx; else the answer is lost."""
    failure = map_answer(body, now=NOW, status=status)
    assert type(failure) is kind
    if kind is AliyunRejected:
        assert (failure.reason, failure.advice) == ("unknown_code", "operator")
    assert "13800138000" not in str(failure)


def test_rejected():
    """A refusal carries Aliyun's code, its text without the request's content, its id, and the wait."""
    failure = map_answer(
        {
            "Code": "isv.BUSINESS_LIMIT_CONTROL",
            "Message": "触发分钟级流控Permits:1 13800138000",
            "RequestId": "R-1",
        },
        now=NOW,
        content=("13800138000",),
    )
    assert isinstance(failure, AliyunRejected)
    assert failure.aliyun_code == "isv.BUSINESS_LIMIT_CONTROL"
    assert failure.aliyun_message == "触发分钟级流控Permits:1 ***"
    assert (failure.request_id, failure.retry_after, failure.advice) == ("R-1", 40.0, "later")
    assert str(failure).startswith("46002 isv.BUSINESS_LIMIT_CONTROL: ")


def test_gateway_text_is_left_out():
    """The text of a gateway's refusal, which can be the signed string itself, is never passed on."""
    failure = answer("SignatureDoesNotMatch", 400, Message=SECRET)
    assert isinstance(failure, AliyunRejected)
    assert "13800138000" not in f"{failure} {failure.args}"
    assert "384915" not in f"{failure} {failure.args}"


@pytest.mark.parametrize(("given", "waited"), [(None, 1.0), (0.01, 1.0), (3.0, 3.0)])
def test_throttled(given, waited):
    """Throttling is waited out as Aliyun asks, and never for less than a second."""
    failure = answer("Throttling.Api", 400, given)
    assert isinstance(failure, Throttled)
    assert (failure.retry_after, failure.reason, failure.aliyun_code) == (
        waited,
        "throttled",
        "Throttling.Api",
    )


def from_sdk(cause):
    """The exception as the SDK raises it around one of `requests`."""
    try:
        try:
            raise cause
        except OSError as error:
            raise dara.RetryError(str(error))  # noqa: B904  as the SDK does
    except dara.RetryError as error:
        return dara.UnretryableException(RetryPolicyContext(exception=error))


def given_up(reason):
    return urllib3.exceptions.MaxRetryError(None, f"/?{SECRET}", reason)


REFUSED = urllib3.exceptions.NewConnectionError(None, "refused")
NO_NAME = urllib3.exceptions.NameResolutionError("host", None, OSError("no such name"))
SLOW = urllib3.exceptions.ConnectTimeoutError(None, "slow")
EXC = requests.exceptions


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (EXC.ConnectTimeout(given_up(SLOW)), NotSent),
        (EXC.ConnectionError(given_up(REFUSED)), NotSent),
        (EXC.ConnectionError(given_up(NO_NAME)), NotSent),
        (EXC.SSLError(given_up(urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("bad")))), NotSent),
        (EXC.SSLError(given_up(urllib3.exceptions.SSLError(ssl.SSLEOFError("eof")))), AnswerLost),
        (EXC.SSLError(ssl.SSLError("while reading")), AnswerLost),
        (EXC.ProxyError(given_up(urllib3.exceptions.ProxyError("p", REFUSED))), NotSent),
        (EXC.ProxyError(given_up(urllib3.exceptions.ProxyError("p", SLOW))), NotSent),
        (EXC.ProxyError(given_up(urllib3.exceptions.ProxyError("p", OSError("407")))), AnswerLost),
        (EXC.ReadTimeout(urllib3.exceptions.ReadTimeoutError(None, "", "slow")), AnswerLost),
        (
            EXC.ConnectionError(urllib3.exceptions.ProtocolError("aborted", ConnectionResetError())),
            AnswerLost,
        ),
        (EXC.ConnectionError(given_up(urllib3.exceptions.ResponseError("many"))), AnswerLost),
        (EXC.ConnectionError(), AnswerLost),
        (EXC.ChunkedEncodingError(), AnswerLost),
        (EXC.TooManyRedirects(), AnswerLost),
        (OSError("other"), AnswerLost),
    ],
)
def test_no_answer(cause, kind):
    """Only what surely happened before the request was written is not sent; all else is an answer lost."""
    failure = map_exception(from_sdk(cause), now=NOW)
    assert type(failure) is kind
    assert failure.reason == ("connect_failed" if kind is NotSent else "no_answer")
    assert "13800138000" not in f"{failure} {failure.args}"


@pytest.mark.parametrize(
    "error",
    [
        dara.UnretryableException(RetryPolicyContext(exception=RuntimeError(SECRET))),
        dara.DaraException({"code": "isv.OUT_OF_SERVICE", "message": SECRET}),
        dara.RequiredArgumentException(SECRET),
        tea.TeaException({"message": SECRET}),
        RuntimeError(SECRET),
        UnicodeEncodeError("latin-1", SECRET, 0, 1, "no"),
        type("NewException", (openapi.AlibabaCloudException,), {})(message=SECRET),
    ],
)
def test_anything_else(error):
    """Whatever else comes out of the SDK is an answer lost, and its text stays out."""
    failure = map_exception(error, now=NOW)
    assert type(failure) is AnswerLost
    assert "13800138000" not in f"{failure} {failure.args}"

"""The table of Aliyun's codes."""

from pathlib import Path

import pytest

from smsjobs_worker.aliyun import CODES, FAMILIES, find_code
from smsjobs_worker.aliyun.codes_page import page

PAGE = Path(__file__).parents[3] / "docs" / "error-codes.md"

#: Every code of Aliyun's lists for SendSms and SendSmsVerifyCode and of its gateway, and what this project decided about it, written
#: down apart from the table: advice, reason, end.
DECIDED = {
    ("later", "throttled", "not_sent"): "Throttling Throttling.User Throttling.Api Throttling.Something",
    (
        "operator",
        "credentials",
        "rejected",
    ): """SignatureDoesNotMatch IncompleteSignature InvalidSignatureMethod
        InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive InvalidSecurityToken.Expired
        InvalidSecurityToken.Malformed InvalidCredentials""",
    ("operator", "clock", "rejected"): "InvalidTimeStamp.Expired InvalidTimeStamp.Format",
    (
        "later",
        "no_answer",
        "answer_lost",
    ): """SignatureNonceUsed InternalError InternalError.Timeout UnknownError
        ServiceUnavailable ServiceUnavailable.Flow isp.SYSTEM_ERROR isp.GATEWAY_ERROR isp.NEW""",
    ("never", "parameters", "rejected"): """MissingAccessKeyId MissingPhoneNumbers InvalidPhoneNumbers
        InvalidParameter.Format UnsupportedHTTPMethod InvalidApi.NotFound InvalidVersion InvalidAction.NotFound
        isv.INVALID_JSON_PARAM isv.INVALID_PARAMETERS PARAMS_ILLEGAL isv.TEMPLATE_MISSING_PARAMETERS
        isv.TEMPLATE_PARAMS_ILLEGAL isv.PARAM_LENGTH_LIMIT isv.PARAM_NOT_SUPPORT_URL""",
    ("operator", "permission", "rejected"): """Forbidden.RAM Forbidden NoPermission isp.RAM_PERMISSION_DENY
        isv.RAM_PERMISSION_DENY""",
    ("later", "flow_control", "rejected"): """isv.BUSINESS_LIMIT_CONTROL BUSINESS_LIMIT_CONTROL biz.FREQUENCY
        FREQUENCY_FAIL""",
    ("later", "quota", "rejected"): "isv.DAY_LIMIT_CONTROL isv.MONTH_LIMIT_CONTROL",
    ("operator", "balance", "rejected"): "isv.OUT_OF_SERVICE isv.AMOUNT_NOT_ENOUGH",
    (
        "operator",
        "account",
        "rejected",
    ): """isv.ACCOUNT_NOT_EXISTS isv.ACCOUNT_ABNORMAL isv.SECURITY_FROZEN_ACCOUNT
        isv.PRODUCT_UN_SUBSCRIPT isv.PRODUCT_UNSUBSCRIBE FUNCTION_NOT_OPENED FunctionNotSubscribed
        isv.VERIFY_SCHEME_NOT_EXIST""",
    ("operator", "region", "rejected"): "isv.DENY_IP_RANGE",
    (
        "operator",
        "signature",
        "rejected",
    ): """isv.SMS_SIGNATURE_ILLEGAL isv.SMS_SIGN_ILLEGAL isv.SIGN_STATE_ILLEGAL
        isv.SMS_SIGN_NAME_ILLEGAL isv.SIGN_NAME_ILLEGAL isv.SMS_SIGN_EMOJI_ILLEGAL isv.SIGN_SOURCE_ILLEGAL
        isv.SIGNATURE_BLACKLIST SIGNATURE_BLACKLIST SignatureNotFound isv.SMS_SIGNATURE_SCENE_ILLEGAL
        PORT_NOT_REGISTERED""",
    (
        "operator",
        "template",
        "rejected",
    ): "isv.SMS_TEMPLATE_ILLEGAL TemplateNotFound template_parameter_count_illegal",
    ("never", "content", "rejected"): """isv.SMS_CONTENT_ILLEGAL isv.UNSUPPORTED_CONTENT
        isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE""",
    (
        "never",
        "number",
        "rejected",
    ): """isv.MOBILE_NUMBER_ILLEGAL MOBILE_NUMBER_ILLEGAL isv.MOBILE_COUNT_OVER_LIMIT
        isv.DOMESTIC_NUMBER_NOT_SUPPORTED""",
    ("never", "blocked", "rejected"): "isv.BLACK_KEY_CONTROL_LIMIT isv.CUSTOMER_REFUSED",
    (
        "operator",
        "extension",
        "rejected",
    ): """isv.EXTEND_CODE_ERROR isv.ONE_CODE_MULTIPLE_SIGN isv.CODE_EXCEED_LIMIT
        isv.CODE_ERROR""",
    ("operator", "test_only", "rejected"): "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT isv.SMS_TEST_NUMBER_LIMIT",
    ("never", "test_only", "rejected"): "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL",
    ("operator", "unknown_code", "rejected"): "isv.SOMETHING_NEW isv.SIGN_COUNT_OVER_LIMIT",
}


@pytest.mark.parametrize(
    ("code", "decided"), [(code, decided) for decided, codes in DECIDED.items() for code in codes.split()]
)
def test_every_code(code, decided):
    """Every code of Aliyun's lists, and every family of unknown ones, has its advice, its word and its end."""
    known = find_code(code)
    assert known is not None
    assert (known.advice, known.reason, known.ended) == decided


def test_nothing_undecided():
    """No row of the table is missing from the decisions above."""
    decided = {code for codes in DECIDED.values() for code in codes.split()}
    assert set(CODES) - decided == {"MissingSecurityToken"}


@pytest.mark.parametrize("code", ["OK", "Other", "ISV.X", "throttling", "x.isv.Y", ""])
def test_no_guess(code):
    """A code of no known family is not guessed at."""
    assert find_code(code) is None


def test_families_do_not_hide_rows():
    """A code's own row comes before its family's, and a longer family before a shorter one."""
    assert find_code("Throttling.User").code == "Throttling.User"
    assert find_code("InvalidAccessKeyId.Other").code == "InvalidAccessKeyId*"
    lengths = [len(each.code) for each in FAMILIES]
    assert lengths == sorted(lengths, reverse=True)


def test_page():
    """The documented table is this one; `python -m smsjobs_worker.aliyun.codes_page` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()

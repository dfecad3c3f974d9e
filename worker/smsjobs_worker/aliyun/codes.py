"""Aliyun's error codes: what each means, what became of the request, and what a caller can do about it.

Codes stay text. Sources: Aliyun's lists of API error codes (help.aliyun.com 101346, 101347) and of gateway codes;
the advice is ours, drawn from the cause and cure that they name. ``docs/error-codes.md`` shows this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["CODES", "FAMILIES", "Advice", "Code", "Ended", "find_code"]

#: ``"never"``: this payload cannot work. ``"later"``: it may. ``"operator"``: somebody has to mend something first.
Advice = Literal["never", "later", "operator"]

#: What became of a request that was answered so. ``"not_sent"``: refused before it was looked at, so that the
#: same may be asked again. ``"answer_lost"``: Aliyun itself does not know whether it took the message.
Ended = Literal["rejected", "not_sent", "answer_lost"]


@dataclass(frozen=True, kw_only=True)
class Code:
    """An error code of Aliyun's, or a family of them."""

    #: The code; a family's ends in ``*``.
    code: str
    #: What it means, and how to mend it.
    meaning: str
    #: Our stable word for the cause.
    reason: str
    #: What a caller can do.
    advice: Advice
    #: What became of the request.
    ended: Ended = "rejected"


def _table(
    reason: str, advice: Advice, rows: Iterable[tuple[str, str]], *, ended: Ended = "rejected"
) -> tuple[Code, ...]:
    return tuple(
        Code(code=code, meaning=meaning, reason=reason, advice=advice, ended=ended) for code, meaning in rows
    )


_ALL: Final = (
    *_table(
        "throttled",
        "later",
        (
            ("Throttling", "too many requests at once"),
            ("Throttling.User", "too many requests of this account at once; set maxQps"),
            ("Throttling.Api", "too many requests of this kind at once; set maxQps"),
            ("Throttling*", "too many requests at once; set maxQps"),
        ),
        ended="not_sent",
    ),
    *_table(
        "credentials",
        "operator",
        (
            ("SignatureDoesNotMatch", "the AccessKey Secret is wrong; mend accessSecret"),
            ("IncompleteSignature*", "the request's signature is malformed; mend accessKey and accessSecret"),
            ("InvalidSignatureMethod", "the signature's method is not supported; upgrade the SDK"),
            ("InvalidAccessKeyId.NotFound", "there is no such AccessKey ID; mend accessKey"),
            ("InvalidAccessKeyId.Inactive", "the AccessKey is disabled; enable it or use another"),
            ("InvalidAccessKeyId*", "the AccessKey ID is not accepted; mend accessKey"),
            ("InvalidSecurityToken*", "the STS token is wrong or has expired; refresh securityToken"),
            ("MissingSecurityToken", "the AccessKey is a temporary one; add securityToken"),
            ("InvalidCredentials", "no AccessKey was given; mend accessKey and accessSecret"),
        ),
    ),
    *_table(
        "clock",
        "operator",
        (
            ("InvalidTimeStamp.Expired", "this machine's clock is more than 15 minutes off; set it"),
            ("InvalidTimeStamp.Format", "the request's time is malformed; upgrade the SDK"),
            ("InvalidTimeStamp*", "the request's time is not accepted; set this machine's clock"),
        ),
    ),
    *_table(
        "no_answer",
        "later",
        (
            # Each request is signed anew. A nonce that was used means that the network sent ours twice, and that
            # the first copy arrived.
            ("SignatureNonceUsed", "the network repeated the request; its first copy may have been accepted"),
            ("InternalError*", "Aliyun failed and cannot say whether it accepted the message"),
            ("UnknownError", "Aliyun failed and cannot say whether it accepted the message"),
            ("ServiceUnavailable*", "Aliyun was unavailable and cannot say whether it accepted the message"),
            ("isp.SYSTEM_ERROR", "Aliyun's system failed and cannot say whether it accepted the message"),
            ("isp.GATEWAY_ERROR", "Aliyun's sending module failed; the message may have been accepted"),
            ("isp.*", "Aliyun failed in a way unknown here; the message may have been accepted"),
        ),
        ended="answer_lost",
    ),
    *_table(
        "parameters",
        "never",
        (
            ("MissingAccessKeyId", "the request lacks the AccessKey ID"),
            ("InvalidParameter.Format", "a parameter is malformed"),
            ("Missing*", "the request lacks a parameter"),
            ("Invalid*", "a parameter is not valid"),
            ("UnsupportedHTTPMethod", "the HTTP method is not supported"),
            ("InvalidApi.NotFound", "the endpoint does not know SendSms; mend endpoint"),
            ("InvalidVersion", "the endpoint does not know this version of the API; mend endpoint"),
            ("InvalidAction.NotFound", "the endpoint does not know SendSms; mend endpoint"),
            ("isv.INVALID_JSON_PARAM", "params is not accepted as JSON; every value must be text"),
            ("isv.INVALID_PARAMETERS", "a parameter is malformed"),
            ("PARAMS_ILLEGAL", "a parameter is malformed"),
        ),
    ),
    *_table(
        "permission",
        "operator",
        (
            ("Forbidden.RAM*", "the AccessKey may not send; grant it AliyunDysmsFullAccess or dysms:SendSms"),
            ("Forbidden*", "the AccessKey may not send; grant it AliyunDysmsFullAccess or dysms:SendSms"),
            ("NoPermission*", "the AccessKey may not send; grant it AliyunDysmsFullAccess or dysms:SendSms"),
            (
                "isp.RAM_PERMISSION_DENY",
                "the AccessKey may not send; grant it AliyunDysmsFullAccess or dysms:SendSms",
            ),
        ),
    ),
    *_table(
        "flow_control",
        "later",
        (("isv.BUSINESS_LIMIT_CONTROL", "the number has had as many messages as Aliyun allows for now"),),
    ),
    *_table(
        "quota",
        "later",
        (
            (
                "isv.DAY_LIMIT_CONTROL",
                "the account's own limit for today is reached; raise it in the console",
            ),
            (
                "isv.MONTH_LIMIT_CONTROL",
                "the account's own limit for this month is reached; raise it in the console",
            ),
        ),
    ),
    *_table(
        "balance",
        "operator",
        (
            ("isv.OUT_OF_SERVICE", "the account is suspended for want of balance; top it up"),
            (
                "isv.AMOUNT_NOT_ENOUGH",
                "the balance is too low, or the package is for another region; top it up",
            ),
        ),
    ),
    *_table(
        "account",
        "operator",
        (
            ("isv.ACCOUNT_NOT_EXISTS", "there is no such account; mend accessKey"),
            ("isv.ACCOUNT_ABNORMAL", "the account is in an abnormal state; ask Aliyun"),
            ("isv.SECURITY_FROZEN_ACCOUNT", "the account is frozen after long disuse; ask Aliyun"),
            ("isv.PRODUCT_UN_SUBSCRIPT", "the account has not activated SMS; activate it in the console"),
            ("isv.PRODUCT_UNSUBSCRIBE", "the account has not activated SMS; activate it in the console"),
        ),
    ),
    *_table(
        "region",
        "operator",
        (("isv.DENY_IP_RANGE", "this machine's IP is outside of mainland China; send from one inside"),),
    ),
    *_table(
        "signature",
        "operator",
        (
            ("isv.SMS_SIGNATURE_ILLEGAL", "the account has no such signature; mend verifySign"),
            ("isv.SMS_SIGN_ILLEGAL", "the signature is not usable; mend verifySign"),
            ("isv.SIGN_STATE_ILLEGAL", "the signature is not approved; look at its state in the console"),
            ("isv.SMS_SIGN_NAME_ILLEGAL", "the signature's name is malformed; mend verifySign"),
            ("isv.SIGN_NAME_ILLEGAL", "the signature's name is malformed; mend verifySign"),
            ("isv.SMS_SIGN_EMOJI_ILLEGAL", "the signature has an emoji; mend verifySign"),
            ("isv.SIGN_SOURCE_ILLEGAL", "the signature's source is not accepted; apply for another"),
            ("isv.SIGNATURE_BLACKLIST", "the signature is banned; apply for another"),
            ("SIGNATURE_BLACKLIST", "the signature is banned; apply for another"),
            ("SignatureNotFound", "the account has no such signature; mend verifySign"),
            (
                "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
                "the signature is for verification codes only; use another one for this template",
            ),
            (
                "PORT_NOT_REGISTERED",
                "the carriers have not yet registered the signature (5 to 10 working days); wait, or ask Aliyun",
            ),
        ),
    ),
    *_table(
        "template",
        "operator",
        (
            (
                "isv.SMS_TEMPLATE_ILLEGAL",
                "the account has no such approved template, or its variables differ; mend verifyTemplateCode",
            ),
            ("TemplateNotFound", "the account has no such template; mend verifyTemplateCode"),
            (
                "template_parameter_count_illegal",
                "a template of verification codes takes one variable; mend the template",
            ),
        ),
    ),
    *_table(
        "parameters",
        "never",
        (
            ("isv.TEMPLATE_MISSING_PARAMETERS", "params lacks a variable of the template"),
            ("isv.TEMPLATE_PARAMS_ILLEGAL", "a value in params does not fit its variable's type"),
            (
                "isv.PARAM_LENGTH_LIMIT",
                "a value in params is too long (verification codes 4 to 6 characters, others 1 to 35)",
            ),
            ("isv.PARAM_NOT_SUPPORT_URL", "a value in params has a URL or other restricted content"),
        ),
    ),
    *_table(
        "content",
        "never",
        (
            ("isv.SMS_CONTENT_ILLEGAL", "the text has forbidden content"),
            (
                "isv.UNSUPPORTED_CONTENT",
                "the text has characters that are not carried (traditional Chinese, emoji, 【】)",
            ),
            (
                "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
                "the text does not fit the template's kind; use a template of the right kind",
            ),
        ),
    ),
    *_table(
        "number",
        "never",
        (
            ("isv.MOBILE_NUMBER_ILLEGAL", "a number is malformed"),
            ("isv.MOBILE_COUNT_OVER_LIMIT", "too many numbers at once; split them"),
            (
                "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
                "an international template does not go to mainland numbers",
            ),
        ),
    ),
    *_table(
        "blocked",
        "never",
        (
            (
                "isv.BLACK_KEY_CONTROL_LIMIT",
                "the number is on Aliyun's blacklist; take it off your list of recipients",
            ),
            ("isv.CUSTOMER_REFUSED", "the recipient opted out; take the number off your list of recipients"),
        ),
    ),
    *_table(
        "extension",
        "operator",
        (
            ("isv.EXTEND_CODE_ERROR", "the extension code is used by another signature"),
            ("isv.ONE_CODE_MULTIPLE_SIGN", "the extension code belongs to several signatures"),
            ("isv.CODE_EXCEED_LIMIT", "there are too many extension codes"),
            ("isv.CODE_ERROR", "the extension code is wrong"),
        ),
    ),
    *_table(
        "test_only",
        "operator",
        (
            (
                "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT",
                "a test signature goes with a test template only; use an approved pair",
            ),
            (
                "isv.SMS_TEST_NUMBER_LIMIT",
                "a test signature sends to the numbers bound in the console only; bind the number",
            ),
        ),
    ),
    *_table(
        "test_only",
        "never",
        (("isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL", "a test template takes a code of 4 to 6 digits only"),),
    ),
    *_table(
        "unknown_code",
        "operator",
        (
            (
                "isv.*",
                "a code unknown here; look it up at Aliyun, and whether the signature is registered at the carriers",
            ),
        ),
    ),
)

#: Every code by its name.
CODES: Final[dict[str, Code]] = {each.code: each for each in _ALL if not each.code.endswith("*")}

#: Families of codes, the longest prefix first.
FAMILIES: Final[tuple[Code, ...]] = tuple(
    sorted((each for each in _ALL if each.code.endswith("*")), key=lambda each: -len(each.code))
)


def find_code(code: str) -> Code | None:
    """What is known about that code: its own row, else its family's, else nothing."""
    if (known := CODES.get(code)) is not None:
        return known
    return next((each for each in FAMILIES if code.startswith(each.code[:-1])), None)

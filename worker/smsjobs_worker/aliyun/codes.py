"""Aliyun's error codes: what each means, what became of the request, what a caller can do, what a campaign does.

Codes stay text. Sources: Aliyun's lists of API error codes (help.aliyun.com 101346, 101347; of the verification
product 85198, 3057504) and of gateway codes. ``biz.FREQUENCY`` is on none of them; applications report it. The
advice and what a campaign does are ours, drawn from the causes that the lists name. ``docs/error-codes.md`` shows this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from smsjobs_worker.provider import Blames, StopsCampaign

__all__ = ["CODES", "FAMILIES", "Advice", "Code", "Ended", "find_code"]

#: ``"never"``: this payload cannot work. ``"later"``: it may. ``"operator"``: somebody has to fix something first.
Advice = Literal["never", "later", "operator"]

#: What became of a request that was answered so. ``"not_sent"``: refused before it was looked at, so that the
#: same may be asked again. ``"answer_lost"``: Aliyun itself does not know whether it took the message.
Ended = Literal["rejected", "not_sent", "answer_lost"]


@dataclass(frozen=True, kw_only=True)
class Code:
    """An error code of Aliyun's, or a family of them."""

    #: The code; a family's ends in ``*``.
    code: str
    #: What it means, and how to fix it.
    meaning: str
    #: Our stable word for the cause.
    reason: str
    #: What a caller can do.
    advice: Advice
    #: What became of the request.
    ended: Ended = "rejected"
    #: Which campaigns it stops when it refuses one of their chunks. All chunks have the same account, signature, template,
    #: endpoint and names of parameters.
    stops_campaign: StopsCampaign
    #: What of one recipient's may be its cause, when it refuses a request to many; None if it concerns all alike.
    blames: Blames | None = None
    #: Whether it is the account's own: its key, balance, signature or limits. Another account may send the message.
    of_account: bool = False


def _table(
    reason: str,
    *,
    rows: Iterable[tuple[str, str]],
    advice: Advice,
    stops_campaign: StopsCampaign,
    ended: Ended = "rejected",
    blames: Blames | None = None,
    of_account: bool = False,
) -> tuple[Code, ...]:
    return tuple(
        Code(
            code=code,
            meaning=meaning,
            reason=reason,
            advice=advice,
            ended=ended,
            stops_campaign=stops_campaign,
            blames=blames,
            of_account=of_account,
        )
        for code, meaning in rows
    )


_MAY_NOT_SEND: Final = (
    "the AccessKey may not send; grant it AliyunDysmsFullAccess or dysms:SendSms (an element of SMS.AliyunVerify: "
    "AliyunDypnsFullAccess or dypns:SendSmsVerifyCode)"
)

_ALL: Final = (
    *_table(
        "throttled",
        advice="later",
        stops_campaign="never",
        ended="not_sent",
        rows=(
            ("Throttling", "too many requests at once"),
            ("Throttling.User", "too many requests of this account at once; set maxQps"),
            ("Throttling.Api", "too many requests of this kind at once; set maxQps"),
            ("Throttling*", "too many requests at once; set maxQps"),
        ),
    ),
    *_table(
        "credentials",
        of_account=True,
        advice="operator",
        stops_campaign="always",
        rows=(
            ("SignatureDoesNotMatch", "the AccessKey Secret is wrong; fix accessSecret"),
            ("IncompleteSignature*", "the request's signature is malformed; fix accessKey and accessSecret"),
            ("InvalidSignatureMethod", "the signature's method is not supported; upgrade the SDK"),
            ("InvalidAccessKeyId.NotFound", "there is no such AccessKey ID; fix accessKey"),
            ("InvalidAccessKeyId.Inactive", "the AccessKey is disabled; enable it or use another"),
            ("InvalidAccessKeyId*", "the AccessKey ID is not accepted; fix accessKey"),
            ("InvalidSecurityToken*", "the STS token is wrong or has expired; refresh securityToken"),
            ("MissingSecurityToken", "the AccessKey is a temporary one; add securityToken"),
            ("InvalidCredentials", "no AccessKey was given; fix accessKey and accessSecret"),
        ),
    ),
    *_table(
        "clock",
        advice="operator",
        stops_campaign="always",
        rows=(
            ("InvalidTimeStamp.Expired", "this machine's clock is more than 15 minutes off; set it"),
            ("InvalidTimeStamp.Format", "the request's time is malformed; upgrade the SDK"),
            ("InvalidTimeStamp*", "the request's time is not accepted; set this machine's clock"),
        ),
    ),
    *_table(
        "no_answer",
        advice="later",
        stops_campaign="never",
        ended="answer_lost",
        rows=(
            # Each request has a nonce of its own. A used one means that the network sent our request twice, and
            # that the first copy arrived.
            ("SignatureNonceUsed", "the network repeated the request; its first copy may have been accepted"),
            ("InternalError*", "Aliyun failed and cannot say whether it accepted the message"),
            ("UnknownError", "Aliyun failed and cannot say whether it accepted the message"),
            ("ServiceUnavailable*", "Aliyun was unavailable and cannot say whether it accepted the message"),
            ("isp.SYSTEM_ERROR", "Aliyun's system failed and cannot say whether it accepted the message"),
            ("isp.GATEWAY_ERROR", "Aliyun's sending module failed; the message may have been accepted"),
            ("isp.*", "Aliyun failed with an unknown code; the message may have been accepted"),
        ),
    ),
    *_table(
        "parameters",
        advice="never",
        stops_campaign="never",  # too vague to be sure
        rows=(
            ("InvalidParameter.Format", "a parameter is malformed"),
            ("Missing*", "the request lacks a parameter"),
            ("Invalid*", "a parameter is not valid"),
            ("isv.INVALID_PARAMETERS", "a parameter is malformed"),
            ("PARAMS_ILLEGAL", "a parameter is malformed"),
        ),
    ),
    *_table(
        "parameters",
        advice="never",
        stops_campaign="always",
        rows=(
            ("MissingAccessKeyId", "the request lacks the AccessKey ID"),
            ("UnsupportedHTTPMethod", "the HTTP method is not supported"),
            ("InvalidApi.NotFound", "the endpoint does not know SendSms; fix endpoint"),
            ("InvalidVersion", "the endpoint does not know this version of the API; fix endpoint"),
            ("InvalidAction.NotFound", "the endpoint does not know SendSms; fix endpoint"),
            ("isv.TEMPLATE_MISSING_PARAMETERS", "params lacks a variable of the template"),
        ),
    ),
    *_table(
        "permission",
        of_account=True,
        advice="operator",
        stops_campaign="always",
        rows=(
            ("Forbidden.RAM*", _MAY_NOT_SEND),
            ("Forbidden*", _MAY_NOT_SEND),
            ("NoPermission*", _MAY_NOT_SEND),
            ("isp.RAM_PERMISSION_DENY", _MAY_NOT_SEND),
            ("isv.RAM_PERMISSION_DENY", _MAY_NOT_SEND),
        ),
    ),
    *_table(
        "flow_control",
        advice="later",
        stops_campaign="never",
        blames="number",
        rows=(
            ("isv.BUSINESS_LIMIT_CONTROL", "the number has had as many messages as Aliyun allows for now"),
        ),
    ),
    *_table(
        "flow_control",
        advice="later",
        stops_campaign="never",
        rows=(
            ("BUSINESS_LIMIT_CONTROL", "the number has had as many codes as Aliyun allows for now"),
            ("biz.FREQUENCY", "the number has just had another code"),
            ("FREQUENCY_FAIL", "the number has just had another code"),
        ),
    ),
    *_table(
        "quota",
        of_account=True,
        advice="later",
        stops_campaign="always",  # every chunk would be refused until the day or month ends
        rows=(
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
        of_account=True,
        advice="operator",
        stops_campaign="always",
        rows=(
            ("isv.OUT_OF_SERVICE", "the account is suspended because its balance is too low; top it up"),
            (
                "isv.AMOUNT_NOT_ENOUGH",
                "the balance is too low, or the package is for another region; top it up",
            ),
        ),
    ),
    *_table(
        "account",
        of_account=True,
        advice="operator",
        stops_campaign="always",
        rows=(
            ("isv.ACCOUNT_NOT_EXISTS", "there is no such account; fix accessKey"),
            ("isv.ACCOUNT_ABNORMAL", "the account is in an abnormal state; ask Aliyun"),
            ("isv.SECURITY_FROZEN_ACCOUNT", "the account is frozen after long disuse; ask Aliyun"),
            ("isv.PRODUCT_UN_SUBSCRIPT", "the account has not activated SMS; activate it in the console"),
            ("isv.PRODUCT_UNSUBSCRIBE", "the account has not activated SMS; activate it in the console"),
            ("FUNCTION_NOT_OPENED", "the account has not activated the product; activate it in the console"),
            (
                "FunctionNotSubscribed",
                "the account has not activated the product; activate it in the console",
            ),
            (
                "isv.VERIFY_SCHEME_NOT_EXIST",
                "the verification product has no such scheme; fix schemeName, or leave it out",
            ),
        ),
    ),
    *_table(
        "region",
        advice="operator",
        stops_campaign="always",
        rows=(("isv.DENY_IP_RANGE", "this machine's IP is outside of mainland China; send from one inside"),),
    ),
    *_table(
        "signature",
        of_account=True,
        advice="operator",
        stops_campaign="always",
        rows=(
            ("isv.SMS_SIGNATURE_ILLEGAL", "the account has no such signature; fix verifySign"),
            ("isv.SMS_SIGN_ILLEGAL", "the signature is not usable; fix verifySign"),
            ("isv.SIGN_STATE_ILLEGAL", "the signature is not approved; look at its state in the console"),
            ("isv.SMS_SIGN_NAME_ILLEGAL", "the signature's name is malformed; fix verifySign"),
            ("isv.SIGN_NAME_ILLEGAL", "the signature's name is malformed; fix verifySign"),
            ("isv.SMS_SIGN_EMOJI_ILLEGAL", "the signature has an emoji; fix verifySign"),
            ("isv.SIGN_SOURCE_ILLEGAL", "the signature's source is not accepted; apply for another"),
            ("isv.SIGNATURE_BLACKLIST", "the signature is banned; apply for another"),
            ("SIGNATURE_BLACKLIST", "the signature is banned; apply for another"),
            ("SignatureNotFound", "the account has no such signature; fix verifySign"),
            (
                "PORT_NOT_REGISTERED",
                "the carriers have not yet registered the signature (5 to 10 working days); wait, or ask Aliyun",
            ),
        ),
    ),
    *_table(
        "signature",
        advice="operator",
        stops_campaign="always",
        rows=(
            (
                "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
                "the signature is for verification codes only; use another one for this template",
            ),
        ),
    ),
    *_table(
        "template",
        advice="operator",
        stops_campaign="always",
        rows=(
            (
                "isv.SMS_TEMPLATE_ILLEGAL",
                "the account has no such approved template, or its variables differ; fix verifyTemplateCode",
            ),
            ("TemplateNotFound", "the account has no such template; fix verifyTemplateCode"),
            (
                "template_parameter_count_illegal",
                "a template of verification codes takes one variable; fix the template",
            ),
        ),
    ),
    *_table(
        "parameters",
        advice="never",
        stops_campaign="same_text",
        blames="values",
        rows=(
            ("isv.INVALID_JSON_PARAM", "params is not accepted as JSON; every value must be text"),
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
        advice="never",
        stops_campaign="same_text",
        blames="values",
        rows=(
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
        advice="never",
        stops_campaign="never",
        blames="number",
        rows=(("isv.MOBILE_NUMBER_ILLEGAL", "a number is malformed"),),
    ),
    *_table(
        "number",
        advice="never",
        stops_campaign="never",
        rows=(
            ("MOBILE_NUMBER_ILLEGAL", "a number is malformed"),
            ("isv.MOBILE_COUNT_OVER_LIMIT", "too many numbers at once; split them"),
            (
                "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
                "an international template does not go to mainland numbers",
            ),
        ),
    ),
    *_table(
        "blocked",
        advice="never",
        stops_campaign="never",
        blames="number",
        rows=(
            (
                "isv.BLACK_KEY_CONTROL_LIMIT",
                "the number is on Aliyun's blacklist; take it off your list of recipients",
            ),
            ("isv.CUSTOMER_REFUSED", "the recipient opted out; take the number off your list of recipients"),
        ),
    ),
    *_table(
        "extension",
        advice="operator",
        stops_campaign="always",
        rows=(
            ("isv.EXTEND_CODE_ERROR", "the extension code is used by another signature"),
            ("isv.ONE_CODE_MULTIPLE_SIGN", "the extension code belongs to several signatures"),
            ("isv.CODE_EXCEED_LIMIT", "there are too many extension codes"),
            ("isv.CODE_ERROR", "the extension code is wrong"),
        ),
    ),
    *_table(
        "test_only",
        advice="operator",
        stops_campaign="always",
        rows=(
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
        advice="never",
        stops_campaign="always",
        rows=(
            ("isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL", "a test template takes a code of 4 to 6 digits only"),
        ),
    ),
    *_table(
        "unknown_code",
        advice="operator",
        stops_campaign="always",
        rows=(
            (
                "isv.*",
                "an unknown code; look it up at Aliyun, and check whether the carriers have registered the signature",
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

"""SendSms, SendBatchSms and SendSmsVerifyCode: the checks, in order, and the acceptance."""

import json
from collections.abc import Mapping
from typing import Any

from aliyun_sms_simulator.codes import refusal
from aliyun_sms_simulator.gateway import DYPNS, Call
from aliyun_sms_simulator.phone import is_domestic, normal
from aliyun_sms_simulator.record import Acceptance
from aliyun_sms_simulator.template import Kind
from aliyun_sms_simulator.world import World

__all__ = ["send_batch_sms", "send_sms", "send_sms_verify_code"]

_MOST_NUMBERS = 1_000
_MOST_BATCH_NUMBERS = 100
#: Aliyun documents "less than 256" for SendBatchSms. We assume that SendSms has the same limit.
_OUT_ID_LIMIT = 256
#: seconds between two codes to a number, unless the request says otherwise
_INTERVAL_S = 60


def send_sms(world: World, call: Call) -> Acceptance:
    """Accept a SendSms, or refuse it as a whole.

    Raises:
        Refusal: as Aliyun would answer.
    """
    _require(call, "PhoneNumbers", "SignName", "TemplateCode")
    if len(call.phones) > _MOST_NUMBERS:
        raise refusal("isv.MOBILE_COUNT_OVER_LIMIT")
    extend = call.params.get("SmsUpExtendCode")
    return _send(
        world,
        call,
        sign_names=(call.params["SignName"],),
        params=(_template_params(call.params.get("TemplateParam") or "{}"),),
        extend_codes=[extend] if extend else [],
    )


def send_batch_sms(world: World, call: Call) -> Acceptance:
    """Accept a SendBatchSms, or refuse it as a whole.

    Raises:
        Refusal: as Aliyun would answer.
    """
    _require(call, "PhoneNumberJson", "SignNameJson", "TemplateCode")
    phones = _texts(call.params["PhoneNumberJson"])
    if len(phones) > _MOST_BATCH_NUMBERS:
        raise refusal("isv.MOBILE_COUNT_OVER_LIMIT")
    sign_names = _texts(call.params["SignNameJson"])
    params = [_checked_params(entry) for entry in _array(call.params.get("TemplateParamJson") or "[]")]
    extend_codes = _texts(call.params.get("SmsUpExtendCodeJson") or "[]")
    if not phones or len(sign_names) != len(phones):
        raise refusal("isv.INVALID_PARAMETERS")
    if any(optional and len(optional) != len(phones) for optional in (params, extend_codes)):
        raise refusal("isv.INVALID_PARAMETERS")
    return _send(
        world, call, sign_names=tuple(sign_names), params=tuple(params) or ({},), extend_codes=extend_codes
    )


def send_sms_verify_code(world: World, call: Call) -> Acceptance:
    """Accept a SendSmsVerifyCode, or refuse it. The code is the caller's own: ``##code##`` is not replaced.

    Raises:
        Refusal: as Aliyun would answer.
    """
    _require(call, "PhoneNumber", "SignName", "TemplateCode", "TemplateParam")
    if len(call.phones) != 1 or not is_domestic(call.phones[0]):
        raise refusal("isv.MOBILE_NUMBER_ILLEGAL")
    interval = call.params.get("Interval") or str(_INTERVAL_S)
    if not (interval.isascii() and interval.isdigit()):
        raise refusal("isv.INVALID_PARAMETERS")
    if world.settings.flow_control:
        now_s = world.clock.now()
        before = world.record.of_phone(call.account, call.phones[0])
        if any(each.action == call.action and now_s - each.at_s < int(interval) for each in before):
            raise refusal("biz.FREQUENCY")
    return _send(
        world,
        call,
        sign_names=(call.params["SignName"],),
        params=(_template_params(call.params["TemplateParam"]),),
        extend_codes=[],
    )


def _send(
    world: World,
    call: Call,
    *,
    sign_names: tuple[str, ...],
    params: tuple[Mapping[str, str], ...],
    extend_codes: list[str],
) -> Acceptance:
    if len(call.out_id) >= _OUT_ID_LIMIT:
        raise refusal("isv.INVALID_PARAMETERS")
    if any(not (code.isascii() and code.isdigit()) for code in extend_codes):
        raise refusal("isv.EXTEND_CODE_ERROR")
    template_code = call.params["TemplateCode"]
    given = call.product == DYPNS
    kind = world.catalogue.kind(template_code, params[0], given=given)
    _check_phones(call.phones, kind, lenient=world.catalogue.templates is None)
    accepted = Acceptance(
        biz_id="",
        action=call.action,
        account=call.account,
        out_id=call.out_id,
        phones=call.phones,
        sign_names=sign_names,
        template_code=template_code,
        params=params,
        at_s=world.clock.now(),
    )
    for index in range(max(len(sign_names), len(params))):
        world.catalogue.check_signature(accepted.sign_name(index), kind)
        world.catalogue.check_params(template_code, accepted.sign_name(index), accepted.params_of(index))
    if world.settings.flow_control and not given:
        _admit(world, accepted, kind)
    return world.accept(accepted)


def _admit(world: World, accepted: Acceptance, kind: Kind) -> None:
    numbers = enumerate(accepted.phones)
    world.flow.admit(
        account=accepted.account,
        kind=kind,
        template_code=accepted.template_code,
        messages=[(accepted.sign_name(index), phone) for index, phone in numbers if is_domestic(phone)],
        now_s=accepted.at_s,
    )


def _require(call: Call, *names: str) -> None:
    for name in names:
        if not call.params.get(name):
            raise refusal(f"Missing{name}")


def _check_phones(phones: tuple[str, ...], kind: Kind, *, lenient: bool) -> None:
    for phone in phones:
        domestic = is_domestic(phone)
        if normal(phone) is None or not (domestic or lenient or kind == "international"):
            # Like Aliyun's own message, this one contains the number. So a test can find an application that logs it.
            raise refusal("isv.MOBILE_NUMBER_ILLEGAL", f"{phone}invalid mobile number")
        if domestic and kind == "international":
            raise refusal("isv.DOMESTIC_NUMBER_NOT_SUPPORTED")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise refusal("isv.INVALID_JSON_PARAM") from None


def _array(text: str) -> list[Any]:
    value = _json(text)
    if not isinstance(value, list):
        raise refusal("isv.INVALID_JSON_PARAM")
    return value


def _texts(text: str) -> list[str]:
    values = _array(text)
    if not all(isinstance(value, str) for value in values):
        raise refusal("isv.INVALID_JSON_PARAM")
    return values


def _template_params(text: str) -> Mapping[str, str]:
    return _checked_params(_json(text))


def _checked_params(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise refusal("isv.INVALID_JSON_PARAM")
    return value

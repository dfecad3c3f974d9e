"""QuerySendDetails of both products: the sending record, by number, Beijing date and page."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from aliyun_sms_simulator.clock import BEIJING, beijing_date, beijing_text
from aliyun_sms_simulator.codes import refusal
from aliyun_sms_simulator.gateway import DYPNS, Call
from aliyun_sms_simulator.phone import bare
from aliyun_sms_simulator.record import Acceptance
from aliyun_sms_simulator.world import World

__all__ = ["query_send_details", "query_verify_details"]

_LARGEST_PAGE = 50
_DAYS_KEPT = 30
_WAITING, _FAILED, _DELIVERED = 1, 2, 3


def query_send_details(world: World, call: Call) -> dict[str, Any]:
    """Return the fields of an answer, without Code, Message and RequestId. The newest message comes first.

    Raises:
        Refusal: as Aliyun would answer.
    """
    total, details = _page(world, call)
    return {"TotalCount": str(total), "SmsSendDetailDTOs": {"SmsSendDetailDTO": details}}


def query_verify_details(world: World, call: Call) -> dict[str, Any]:
    """Return the same of Dypnsapi, where the count is a number. It has what SendSmsVerifyCode sent, and nothing else.

    Raises:
        Refusal: as Aliyun would answer.
    """
    total, details = _page(world, call)
    return {"TotalCount": total, "Model": details}


def _page(world: World, call: Call) -> tuple[int, list[dict[str, Any]]]:
    for name in ("PhoneNumber", "SendDate", "PageSize", "CurrentPage"):
        if not call.params.get(name):
            raise refusal(f"Missing{name}")
    phone, date = call.params["PhoneNumber"], call.params["SendDate"]
    if not bare(phone):
        raise refusal("isv.MOBILE_NUMBER_ILLEGAL", f"{phone}invalid mobile number")
    now_s = world.clock.now()
    _check_date(date, now_s)
    size = _whole(call.params["PageSize"], _LARGEST_PAGE)
    first = (_whole(call.params["CurrentPage"], None) - 1) * size
    found = [
        accepted
        for accepted in world.record.of_phone(call.account, phone)
        if _visible(world, accepted, now_s)
        and beijing_date(accepted.at_s) == date
        and (accepted.action == "SendSmsVerifyCode") == (call.product == DYPNS)
        and call.params.get("BizId", "") in ("", accepted.biz_id)
    ]
    return len(found), [_detail(world, accepted, phone, now_s) for accepted in found[first : first + size]]


def _check_date(text: str, now_s: float) -> None:
    try:
        day = datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise refusal("isv.INVALID_PARAMETERS") from None
    today = datetime.fromtimestamp(now_s, BEIJING).date()
    if len(text) != len("20250601") or day < today - timedelta(days=_DAYS_KEPT):
        raise refusal("isv.INVALID_PARAMETERS")


def _whole(text: str, most: int | None) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1 or (most is not None and int(text) > most):
        raise refusal("isv.INVALID_PARAMETERS")
    return int(text)


def _visible(world: World, accepted: Acceptance, now_s: float) -> bool:
    lag_s = world.settings.lookup_lag_s if accepted.lookup_lag_s is None else accepted.lookup_lag_s
    return not math.isinf(lag_s) and now_s - accepted.at_s >= lag_s


def _detail(world: World, accepted: Acceptance, phone: str, now_s: float) -> dict[str, Any]:
    index = accepted.phones.index(phone)
    detail = {
        "PhoneNum": phone,
        "SendStatus": _WAITING,
        "ErrCode": "",
        "Content": world.catalogue.text(
            accepted.template_code, accepted.sign_name(index), accepted.params_of(index)
        ),
        "SendDate": beijing_text(accepted.at_s),
        "TemplateCode": accepted.template_code,
        "OutId": accepted.out_id,
    }
    reported_s = accepted.reported_s(phone, world.settings.delivery_delay_s)
    if now_s < reported_s:
        return detail
    code = accepted.receipt_of(phone).code
    return {
        **detail,
        "SendStatus": _DELIVERED if code == "DELIVERED" else _FAILED,
        "ErrCode": code,
        "ReceiveDate": beijing_text(reported_s),
    }

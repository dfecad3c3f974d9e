"""What the inbox reads out of an entry of the simulator's."""

from decimal import Decimal
from typing import Any

import pytest

from smsjobs_server.inbox.breaking import BREAKS, REPORTS
from smsjobs_server.inbox.messages import Message, read_message

PHONE = "13800138000"


def read(text: str | None = "【示例公司】您好", params: dict | None = None, **more: Any) -> Message:
    entry = {
        "id": 1,
        "kind": "message",
        "phone": PHONE,
        "at_s": 1.0,
        "text": text,
        "out_id": "job-1",
        "sign_name": "示例公司",
        "template_code": "SMS_1",
        "params": params or {},
        "code": "OK",
        "message": "",
        "fault": None,
        "biz_id": "1^0",
        "err_code": None,
        "reported_s": None,
        "due_s": 4.0,
    }
    return read_message(entry | more, Decimal("0.045"))


@pytest.mark.parametrize(
    ("text", "params", "code"),
    [
        pytest.param(None, {"code": "123456"}, "123456", id="named so"),
        pytest.param(None, {"name": "张三", "smsCode": "a1b2"}, "a1b2", id="its name ends so"),
        pytest.param(None, {"x": "8888"}, "8888", id="the only parameter"),
        pytest.param(None, {"name": "Tom"}, None, id="a name is none"),
        pytest.param(None, {"name": "Tomas"}, None, id="a code has a digit"),
        pytest.param(None, {"order": "20261128", "name": "x"}, None, id="an order's number is none"),
        pytest.param("【示例公司】验证码246810,请勿泄露", {}, "246810", id="the text says so"),
        pytest.param("【示例公司】金额1234.50元", {}, None, id="an amount is none"),
        pytest.param("【示例公司】验证码已发往13800138000", {}, None, id="a number is none"),
    ],
)
def test_the_code_in_a_message(text: str | None, params: dict, code: str | None) -> None:
    """The verification code is found in parameters or text, and nothing else is taken for one."""
    assert read(text, params).code == code


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("【示例公司】您好", ()),
        ("【示例公司】见 shop.example.com/a", ("link",)),
        ("【示例公司】见HTTPS://例子", ("link",)),
        ("【示例公司】【会员】您好", ("brackets",)),
        ("【示例公司】" + "长" * 64, ()),
        ("【示例公司】" + "长" * 65, ("long",)),
    ],
)
def test_warnings(text: str, warnings: tuple) -> None:
    """A link, a second pair of brackets and a second part are warned of; the signature's own brackets are not."""
    assert read(text).warnings == warnings


@pytest.mark.parametrize(
    ("text", "phone", "parts", "cost"),
    [
        pytest.param("【示例公司】您好", PHONE, 1, Decimal("0.045"), id="one"),
        pytest.param("【示例公司】" + "长" * 65, PHONE, 2, Decimal("0.090"), id="two"),
        pytest.param("【示例公司】hello", "85261234567", 1, None, id="abroad"),
        pytest.param(None, PHONE, None, None, id="a text that is not known"),
    ],
)
def test_parts_and_cost(text: str | None, phone: str, parts: int | None, cost: Decimal | None) -> None:
    """Parts are those that Aliyun bills, with the signature; a price is told for the mainland only."""
    message = read(text, phone=phone)
    assert (message.parts, message.cost) == (parts, cost)


@pytest.mark.parametrize(
    ("err_code", "due_s", "delivery", "by_hand"),
    [
        (None, 4.0, "waiting", False),
        (None, None, "waiting", True),
        ("DELIVERED", 4.0, "delivered", False),
        ("MOBILE_IN_BLACK", 4.0, "failed", False),
    ],
)
def test_delivery(err_code: str | None, due_s: float | None, delivery: str, by_hand: bool) -> None:
    """A message waits until the carrier has reported, and is reported by hand where no report will come by itself."""
    message = read(err_code=err_code, due_s=due_s)
    assert (message.delivery, message.by_hand) == (delivery, by_hand)


def test_a_repr_has_no_number_and_no_text() -> None:
    """Neither number nor text nor code of a message is in its repr."""
    shown = repr(read("【示例公司】验证码246810", message="13800138000"))
    assert (PHONE in shown, "246810" in shown, "验证码" in shown) == (False, False, False)


def test_what_can_be_chosen_is_known(simulator_process: Any) -> None:
    """Each way in which the next request can go wrong is one that the simulator knows, and each code too."""
    for each in BREAKS.values():
        simulator_process.fault(**each.fault)
    simulator_process.clear_faults()
    assert "DELIVERED" not in REPORTS

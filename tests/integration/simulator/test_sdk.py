"""The unmodified SDK against the simulator, when all is well or refused."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests
from alibabacloud_dysmsapi20170525 import models
from alibabacloud_tea_openapi.exceptions import ClientException

from aliyun_sms_simulator import Simulator

from .conftest import Sdk

PAIRS = [("a", "13800138000"), ("b", "13800138001")]


def test_send_is_accepted_and_recorded(simulator, sdk):
    """SendSms through the SDK is accepted, and the record holds what was sent, encoding and all."""
    body = sdk.send(
        "+8613800138000",
        "13800138001",
        out_id="a b*~+/中",
        params={"name": "张三", "event": "50% off & more"},
    )
    assert (body.code, body.message) == ("OK", "OK")
    (accepted,) = simulator.accepted(out_id="a b*~+/中")
    assert accepted["biz_id"] == body.biz_id
    assert accepted["phones"] == ["13800138000", "13800138001"]
    assert accepted["params"] == {"name": "张三", "event": "50% off & more"}
    assert simulator.accepted_count("a b*~+/中") == 1
    assert [request["code"] for request in simulator.requests()] == ["OK"]


def test_async_send_is_accepted(simulator, sdk):
    """The SDK's asynchronous call works as well."""
    body = asyncio.run(sdk.client.send_sms_async(sdk.request())).body
    assert (body.code, simulator.accepted_count("out-1")) == ("OK", 1)


def test_a_thousand_numbers_fit(simulator, sdk):
    """The longest request Aliyun allows comes through."""
    body = sdk.send(*(f"13800138{index:03d}" for index in range(1000)))
    assert (body.code, simulator.about()["accepted_numbers"]) == ("OK", 1000)


def test_batch(simulator, sdk):
    """SendBatchSms, whose arguments travel in the body, is verified and accepted."""
    request = models.SendBatchSmsRequest(
        phone_number_json=json.dumps([phone for _, phone in PAIRS]),
        sign_name_json=json.dumps([sign for sign, _ in PAIRS]),
        template_code="SMS_1",
        template_param_json=json.dumps([{"name": "张三"}, {"name": "李四"}]),
        out_id="batch-1",
    )
    assert sdk.client.send_batch_sms(request).body.code == "OK"
    (accepted,) = simulator.accepted()
    assert accepted["sign_name"] == ["a", "b"]
    assert accepted["params"] == [{"name": "张三"}, {"name": "李四"}]


def test_query_finds_the_out_id(simulator, sdk):
    """QuerySendDetails through the SDK gives the OutId back, and progress by the clock."""
    sdk.send()
    detail = sdk.query().sms_send_detail_dtos.sms_send_detail_dto[0]
    assert (detail.out_id, detail.phone_num, detail.send_status) == ("out-1", "13800138000", 1)
    simulator.set(delivery_delay_s=0)
    found = sdk.query()
    assert found.total_count == "1"
    assert found.sms_send_detail_dtos.sms_send_detail_dto[0].send_status == 3


def test_business_refusal_is_a_plain_answer(simulator, sdk):
    """A business code arrives with HTTP 200, raises nothing and carries no BizId."""
    body = sdk.send("1380013800")
    assert (body.code, body.biz_id) == ("isv.MOBILE_NUMBER_ILLEGAL", None)
    assert simulator.accepted() == []


def test_flow_control_and_clock(simulator, sdk):
    """With flow control on, the second code in a clock minute is refused, and the next minute is free."""
    simulator.set(flow_control=True)
    simulator.set_clock("2026-06-01T14:03:58", frozen=True)
    assert sdk.send().code == "OK"
    body = sdk.send()
    assert (body.code, body.message) == ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1")
    simulator.advance_clock(2)
    assert sdk.send().code == "OK"


@pytest.mark.parametrize(
    ("key", "secret", "code"),
    [
        ("your_access_key", "wrong", "SignatureDoesNotMatch"),
        ("nobody", "your_access_secret", "InvalidAccessKeyId.NotFound"),
    ],
)
def test_wrong_credentials(simulator, key, secret, code):
    """A wrong secret and an unknown key are gateway errors, which the SDK raises."""
    with pytest.raises(ClientException) as caught:
        Sdk.to(simulator.url, key, secret).send()
    assert caught.value.code == code
    assert [request["code"] for request in simulator.requests(action="SendSms")] == [code]


def test_clock_skew(simulator, sdk):
    """A gateway whose clock is 16 minutes ahead refuses the time stamp, and shows its clock in the Date header."""
    simulator.set(gateway_skew_s=16 * 60)
    with pytest.raises(ClientException) as caught:
        sdk.send()
    assert caught.value.code == "InvalidTimeStamp.Expired"
    answer = requests.get(simulator.url, timeout=5)
    assert parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC) > timedelta(minutes=15)


def test_catalogue_and_accounts():
    """A simulator with a catalogue and an account of its own keeps to them."""
    catalogue = {"signatures": [{"name": "your_signature"}], "templates": [{"code": "SMS_1", "content": "x"}]}
    with Simulator(catalogue=catalogue, accounts={"ak": "sk"}, delivery_delay_s=0) as own:
        assert Sdk.to(own.url, "ak", "sk").send().code == "isv.SMS_TEMPLATE_ILLEGAL"


def test_record_comes_in_pages(simulator, sdk, monkeypatch):
    """The client fetches a long record page by page, and loses and repeats nothing."""
    monkeypatch.setattr("aliyun_sms_simulator.client._PAGE", 3)
    for index in range(7):
        sdk.send(out_id=f"o{index}")
    assert [accepted["out_id"] for accepted in simulator.accepted()] == [f"o{index}" for index in range(7)]
    assert len(simulator.requests()) == 7

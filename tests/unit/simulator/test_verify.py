"""The verification product: what SendSmsVerifyCode takes, and what its QuerySendDetails shows."""

import json

import pytest

from aliyun_sms_simulator.catalogue import Catalogue
from aliyun_sms_simulator.gateway import DYPNS, DYSMS, Call
from aliyun_sms_simulator.service import handle
from aliyun_sms_simulator.settings import Settings
from aliyun_sms_simulator.world import World

PHONE = "13800138000"
GIVEN = {
    "templates": [
        {"code": "100001", "kind": "verification", "content": "验证码${code}，${min}分钟内有效。"},
        {"code": "SMS_1", "content": "您好"},
    ]
}


def ask(world, action, product=DYPNS, **params):
    phones = (params["PhoneNumber"],) if "PhoneNumber" in params else (PHONE,)
    call = Call(
        action=action,
        account="your_access_key",
        params=params,
        phones=phones,
        out_id=params.get("OutId", ""),
        product=product,
    )
    return json.loads(handle(world, call).body)


def send(world, **more):
    usual = {
        "PhoneNumber": PHONE,
        "SignName": "速通互联验证码",
        "TemplateCode": "100001",
        "TemplateParam": '{"code":"123456","min":"5"}',
    }
    return ask(world, "SendSmsVerifyCode", **usual | more)


def query(world, product=DYPNS):
    return ask(
        world,
        "QuerySendDetails",
        product,
        PhoneNumber=PHONE,
        SendDate="20260601",
        PageSize="50",
        CurrentPage="1",
    )


@pytest.fixture
def world():
    """No catalogue, at noon on 1 June 2026 in Beijing."""
    world = World(Catalogue(), Settings())
    world.clock.freeze(frozen=True)
    world.clock.set(1780286400)
    return world


def test_answer_and_record(world):
    """The answer has its ids in Model, and the record has the message with its OutId under a count that is a number."""
    answer = send(world, OutId="job-1")
    assert (answer["Code"], answer["Success"], answer["Model"]["OutId"]) == ("OK", True, "job-1")
    found = query(world)
    assert found["TotalCount"] == 1
    [row] = found["Model"]
    assert (row["OutId"], row["PhoneNum"], row["TemplateCode"]) == ("job-1", PHONE, "100001")


def test_the_phone_saw_it(world):
    """A code that this product sends is in the inbox of its phone too."""
    send(world)
    [entry] = world.inbox.of_phone(PHONE)
    assert (entry.kind, entry.params["code"]) == ("message", "123456")


def test_records_are_apart(world):
    """Each product's record has what that product sent, and nothing else."""
    send(world, OutId="job-1")
    sms = {
        "PhoneNumbers": PHONE,
        "SignName": "阿里云",
        "TemplateCode": "SMS_1",
        "TemplateParam": "{}",
        "OutId": "job-2",
    }
    ask(world, "SendSms", DYSMS, **sms)
    assert [row["OutId"] for row in query(world)["Model"]] == ["job-1"]
    [row] = query(world, DYSMS)["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
    assert row["OutId"] == "job-2"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"PhoneNumber": "85261234567"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"SignName": ""}, "MissingSignName"),
        ({"TemplateParam": ""}, "MissingTemplateParam"),
        ({"TemplateParam": '{"code":1}'}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateCode": "login"}, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"Interval": "soon"}, "isv.INVALID_PARAMETERS"),
    ],
)
def test_refusals(world, change, code):
    """What it does not take is refused, and not accepted."""
    assert send(world, **change)["Code"] == code
    assert not world.record.accepted_requests


def test_given_template(world):
    """A template that Aliyun gives takes its code and minutes; SendSms does not know it."""
    world.catalogue = Catalogue.from_json(GIVEN)
    assert send(world)["Code"] == "OK"
    assert send(world, TemplateParam='{"code":"123456"}')["Code"] == "isv.TEMPLATE_MISSING_PARAMETERS"
    sms = {"PhoneNumbers": PHONE, "SignName": "x", "TemplateCode": "100001", "TemplateParam": "{}"}
    assert ask(world, "SendSms", DYSMS, **sms)["Code"] == "isv.SMS_TEMPLATE_ILLEGAL"


def test_interval(world):
    """With flow control a second code within the interval is refused; without, it is not."""
    world.change({"flow_control": True})
    assert [send(world)["Code"] for _ in range(2)] == ["OK", "biz.FREQUENCY"]
    world.clock.advance(2)
    assert send(world, Interval="1")["Code"] == "OK"
    world.change({"flow_control": False})
    assert send(world)["Code"] == "OK"


def test_actions_of_the_other_product(world):
    """Neither endpoint knows the other product's sends."""
    assert ask(world, "SendSms", DYPNS)["Code"] == "InvalidAction.NotFound"
    assert ask(world, "SendSmsVerifyCode", DYSMS)["Code"] == "InvalidAction.NotFound"

"""A world without a network, and calls as the gateway would let them through."""

import json
from dataclasses import dataclass
from datetime import datetime

import pytest

from aliyun_sms_simulator.catalogue import Catalogue
from aliyun_sms_simulator.clock import BEIJING
from aliyun_sms_simulator.gateway import Call
from aliyun_sms_simulator.phone import normal
from aliyun_sms_simulator.service import handle
from aliyun_sms_simulator.settings import Settings
from aliyun_sms_simulator.world import World

CATALOGUE = {
    "signatures": [
        {"name": "阿里云"},
        {"name": "登录", "verification_only": True},
        {"name": "未审", "approved": False},
    ],
    "templates": [
        {"code": "SMS_1", "kind": "verification", "content": "您的验证码为${code}，请勿泄露。"},
        {"code": "SMS_2", "content": "${name}您好，${event}将于今晚进行。", "variables": {"name": "name"}},
        {"code": "SMS_3", "kind": "international", "content": "Your order ${order} is ready"},
        {"code": "SMS_4", "content": "未过审", "approved": False},
        {"code": "SMS_5", "kind": "verification", "content": "${name}的验证码为${code}"},
        {"code": "SMS_6", "content": "金额${money}元", "variables": {"money": "money"}},
        {"code": "SMS_7", "content": "长" * 480 + "${tail}"},
    ],
}


@dataclass
class Caller:
    """Sends calls to a world and gives the bodies of its answers."""

    world: World

    def __call__(self, action, *, account="your_access_key", phones=None, **params):
        """Call an action, and give the body of the answer."""
        raw = phones if phones is not None else [params.get("PhoneNumber", "")]
        call = Call(
            action=action,
            account=account,
            params={name: value for name, value in params.items() if value is not None},
            phones=tuple(normal(phone) or phone for phone in raw),
            out_id=params.get("OutId") or "",
        )
        return json.loads(handle(self.world, call).body)

    def sms(self, *phones, sign="阿里云", template="SMS_1", params='{"code":"1234"}', **more):
        """Call SendSms."""
        numbers = phones or ("13800138000",)
        return self(
            "SendSms",
            phones=numbers,
            PhoneNumbers=",".join(numbers),
            SignName=sign,
            TemplateCode=template,
            TemplateParam=params,
            **more,
        )

    def batch(self, phones, signs, params, template="SMS_2", **more):
        """Call SendBatchSms."""
        return self(
            "SendBatchSms",
            phones=phones,
            PhoneNumberJson=json.dumps(phones),
            SignNameJson=json.dumps(signs),
            TemplateParamJson=json.dumps(params),
            TemplateCode=template,
            **more,
        )

    def query(self, phone="13800138000", date="20260601", size="50", page="1", **more):
        """Call QuerySendDetails."""
        return self(
            "QuerySendDetails", PhoneNumber=phone, SendDate=date, PageSize=size, CurrentPage=page, **more
        )

    def at(self, text):
        """Stop the clock at a Beijing time."""
        self.world.clock.freeze(frozen=True)
        self.world.clock.set(datetime.fromisoformat(text).replace(tzinfo=BEIJING).timestamp())


@pytest.fixture
def call():
    """A strict world, its clock stopped at noon on 1 June 2026 in Beijing."""
    caller = Caller(World(Catalogue.from_json(CATALOGUE), Settings()))
    caller.at("2026-06-01T12:00:30")
    return caller


@pytest.fixture
def lenient():
    """A world with no catalogue."""
    caller = Caller(World(Catalogue(), Settings()))
    caller.at("2026-06-01T12:00:30")
    return caller

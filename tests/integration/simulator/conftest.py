"""A simulator, and the real SDK pointed at it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_dysmsapi20170525 import models
from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_tea_openapi.utils_models import Config

from aliyun_sms_simulator import Simulator

READ_TIMEOUT_MS = 400


@dataclass
class Sdk:
    """The SDK with short time-outs."""

    client: Any

    @classmethod
    def to(cls, url, key="your_access_key", secret="your_access_secret"):
        """Point it at a simulator."""
        config = Config(
            access_key_id=key,
            access_key_secret=secret,
            endpoint=url.removeprefix("http://"),
            protocol="http",
            connect_timeout=2_000,
            read_timeout=READ_TIMEOUT_MS,
        )
        return cls(Client(config))

    def request(self, *phones, out_id="out-1", params=None):
        """Return a SendSms request."""
        return models.SendSmsRequest(
            phone_numbers=",".join(phones or ("13800138000",)),
            sign_name="your_signature",
            template_code="SMS_123456789",
            template_param=json.dumps(params or {"code": "123456"}, ensure_ascii=False),
            out_id=out_id,
        )

    def send(self, *phones, **more):
        """Send, and give the body of the answer."""
        return self.client.send_sms(self.request(*phones, **more)).body

    def query(self, phone="13800138000", page=1):
        """Look a number up, today in Beijing."""
        beijing = datetime.now(UTC) + timedelta(hours=8)
        request = models.QuerySendDetailsRequest(
            phone_number=phone, send_date=beijing.strftime("%Y%m%d"), page_size=50, current_page=page
        )
        return self.client.query_send_details(request).body


@pytest.fixture(scope="session")
def running():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running):
    running.reset()
    return running


@pytest.fixture
def sdk(simulator):
    return Sdk.to(simulator.url)

"""The plain Celery task that `smsjobs demo --compare` runs beside smsjobs. Do not send by it.

It is what the SDK's sample and Celery's page about `autoretry_for` show when they are put together. An answer that was
lost raises an exception like any other failure, so the message is sent again.
"""

from __future__ import annotations

import json
import os
from typing import Any

from alibabacloud_dysmsapi20170525 import models
from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from celery import Celery

app = Celery("plain_celery", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


def create_client() -> Client:
    """A client, as the SDK's sample makes it."""
    return Client(
        Config(
            access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            endpoint=os.environ["ALIYUN_SMS_ENDPOINT"],
            protocol="http",  # the simulator's
        )
    )


@app.task(autoretry_for=(Exception,), retry_kwargs={"max_retries": 5, "countdown": 1})  # type: ignore[untyped-decorator]  # celery ships no types
def send_code(phone: str, code: str) -> dict[str, Any]:
    """Send a verification code, and return Aliyun's answer."""
    request = models.SendSmsRequest(
        phone_numbers=phone,
        sign_name="示例公司",
        template_code="SMS_100000001",
        template_param=json.dumps({"code": code}),
    )
    answer: dict[str, Any] = create_client().send_sms(request).body.to_map()
    return answer

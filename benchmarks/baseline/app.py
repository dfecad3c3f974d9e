"""A plain Celery worker: default settings, a new client for each call, and a retry after every exception.

It is what the SDK's sample and Celery's first pages show when they are put together. It keeps none of the promises: a
time-out is sent again, a killed worker loses its messages, numbers and codes are in the broker and in tracebacks.

    celery -A benchmarks.baseline.app worker -P prefork -c 16
    celery -A benchmarks.baseline.app worker -P threads -c 32
"""

from __future__ import annotations

import json
import os
from typing import Any

from alibabacloud_dysmsapi20170525 import models
from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from celery import Celery
from darabonba.runtime import RuntimeOptions

REDIS_URL = os.environ["BENCH_REDIS_URL"]

app = Celery("plain", broker=REDIS_URL, backend=REDIS_URL)


def create_client() -> Client:
    """A client, as the SDK's sample makes it for each call."""
    return Client(
        Config(
            access_key_id=os.environ["BENCH_ACCESS_KEY"],
            access_key_secret=os.environ["BENCH_ACCESS_SECRET"],
            endpoint=os.environ["BENCH_ENDPOINT"],
            protocol="http",
        )
    )


@app.task(autoretry_for=(Exception,))  # type: ignore[untyped-decorator]  # celery ships no types
def send_message(phone: str, sign: str, template: str, params: dict[str, str]) -> dict[str, Any]:
    """Send one message, and return Aliyun's body as the result."""
    request = models.SendSmsRequest(
        phone_numbers=phone, sign_name=sign, template_code=template, template_param=json.dumps(params)
    )
    body: dict[str, Any] = create_client().send_sms_with_options(request, RuntimeOptions()).body.to_map()
    return body

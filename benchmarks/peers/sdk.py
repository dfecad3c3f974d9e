"""What every peer's task does: one SendSms by Aliyun's SDK, with a client that is kept.

It stands in a peer's own virtual environment, so it imports nothing of smsjobs.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from alibabacloud_dysmsapi20170525 import models
from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions

__all__ = ["REDIS_URL", "arguments", "send", "send_async"]

REDIS_URL = os.environ["BENCH_REDIS_URL"]

_kept = threading.local()


def arguments() -> list[tuple[str, str, str, dict[str, str]]]:
    """The arguments of every job that is to be enqueued, as many as the environment says."""
    message = json.loads(os.environ["BENCH_MESSAGE"])
    count = int(os.environ["BENCH_COUNT"])
    return [
        (f"138{number:08d}", message["sign"], message["template"], message["params"])
        for number in range(count)
    ]


def send(phone: str, sign: str, template: str, params: dict[str, str]) -> dict[str, Any]:
    """Send one message with this thread's client, and return Aliyun's body."""
    response = _client().send_sms_with_options(_request(phone, sign, template, params), RuntimeOptions())
    return response.body.to_map()


async def send_async(phone: str, sign: str, template: str, params: dict[str, str]) -> dict[str, Any]:
    """Send one message with the SDK's own coroutine, and return Aliyun's body."""
    request = _request(phone, sign, template, params)
    response = await _client().send_sms_with_options_async(request, RuntimeOptions())
    return response.body.to_map()


def _request(phone: str, sign: str, template: str, params: dict[str, str]) -> models.SendSmsRequest:
    return models.SendSmsRequest(
        phone_numbers=phone, sign_name=sign, template_code=template, template_param=json.dumps(params)
    )


def _client() -> Client:
    if not hasattr(_kept, "client"):
        _kept.client = Client(
            Config(
                access_key_id=os.environ["BENCH_ACCESS_KEY"],
                access_key_secret=os.environ["BENCH_ACCESS_SECRET"],
                endpoint=os.environ["BENCH_ENDPOINT"],
                protocol="http",
            )
        )
    return _kept.client

"""The same task on huey: RedisHuey, which stores results."""

from __future__ import annotations

from typing import Any

import sdk
from huey import RedisHuey

huey = RedisHuey("bench", url=sdk.REDIS_URL)


@huey.task()
def send_message(phone: str, sign: str, template: str, params: dict[str, str]) -> dict[str, Any]:
    """Send one message; its result is Aliyun's body."""
    return sdk.send(phone, sign, template, params)


def enqueue() -> None:
    """Enqueue all jobs."""
    for each in sdk.arguments():
        send_message(*each)

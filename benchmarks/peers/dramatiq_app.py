"""The same task on dramatiq: Redis broker, results stored in Redis."""

from __future__ import annotations

from typing import Any

import dramatiq
import sdk
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url=sdk.REDIS_URL)
broker.add_middleware(Results(backend=RedisBackend(url=sdk.REDIS_URL)))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def send_message(phone: str, sign: str, template: str, params: dict[str, str]) -> dict[str, Any]:
    """Send one message; its result is Aliyun's body."""
    return sdk.send(phone, sign, template, params)


def enqueue() -> None:
    """Enqueue all jobs."""
    for each in sdk.arguments():
        send_message.send(*each)

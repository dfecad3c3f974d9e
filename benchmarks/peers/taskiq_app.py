"""The same task on taskiq: Redis streams with acknowledgement, results stored in Redis."""

from __future__ import annotations

import asyncio
from typing import Any

import sdk
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

broker = RedisStreamBroker(url=sdk.REDIS_URL).with_result_backend(
    RedisAsyncResultBackend(redis_url=sdk.REDIS_URL)
)


@broker.task
async def send_message(phone: str, sign: str, template: str, params: dict[str, str]) -> dict[str, Any]:
    """Send one message; its result is Aliyun's body."""
    return await sdk.send_async(phone, sign, template, params)


async def _enqueue() -> None:
    await broker.startup()
    jobs = sdk.arguments()
    for begin in range(0, len(jobs), 20):
        await asyncio.gather(*(send_message.kiq(*each) for each in jobs[begin : begin + 20]))
    await broker.shutdown()


def enqueue() -> None:
    """Enqueue all jobs, some at a time."""
    asyncio.run(_enqueue())

"""The same task on arq: coroutines, results kept in Redis."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import sdk
from arq import create_pool
from arq.connections import RedisSettings


async def send_message(
    context: dict[str, Any], phone: str, sign: str, template: str, params: dict[str, str]
) -> dict[str, Any]:
    """Send one message; its result is Aliyun's body."""
    del context
    return await sdk.send_async(phone, sign, template, params)


class WorkerSettings:
    """What `arq` reads."""

    functions: ClassVar = [send_message]
    redis_settings = RedisSettings.from_dsn(sdk.REDIS_URL)
    max_jobs = 64


async def _enqueue() -> None:
    pool = await create_pool(WorkerSettings.redis_settings)
    jobs = sdk.arguments()
    for begin in range(0, len(jobs), 20):
        await asyncio.gather(*(pool.enqueue_job("send_message", *each) for each in jobs[begin : begin + 20]))
    await pool.aclose()


def enqueue() -> None:
    """Enqueue all jobs, some at a time."""
    asyncio.run(_enqueue())

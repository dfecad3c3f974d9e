"""Pushes receipts and replies over HTTP, or puts them into queues, as Aliyun does."""

import asyncio
import contextlib
import json

import aiohttp

from aliyun_sms_simulator.pushes import Push
from aliyun_sms_simulator.world import World

__all__ = ["Pusher"]

#: seconds between two looks at what is due
_LOOK_S = 0.02
#: requests at the same time
_CONNECTIONS = 8


class Pusher:
    """Pushes what is due of one World, or puts it into queues, in a task of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End. What is being pushed may not arrive."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(_LOOK_S)
                world = self._world
                if world.settings.queue_account:
                    world.fill_queues()
                elif world.settings.callback_url:
                    for push in world.pushes.take(world.clock.now(), world.settings):
                        group.create_task(self._push(session, push))

    async def _push(self, session: aiohttp.ClientSession, push: Push) -> None:
        world = self._world
        if await self._is_acknowledged(session, push):
            world.pushes.acknowledged(push)
        else:
            world.pushes.failed(push, world.clock.now(), world.settings)

    async def _is_acknowledged(self, session: aiohttp.ClientSession, push: Push) -> bool:
        settings = self._world.settings
        timeout = aiohttp.ClientTimeout(total=settings.callback_timeout_ms / 1_000)
        body = json.dumps(push.items, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json;charset=utf-8"}
        try:
            async with session.post(
                settings.callback_url or "",
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                told = json.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
            return False
        # Aliyun wants status 200 and a number as `code`, whichever.
        code = told.get("code") if isinstance(told, dict) else None
        return answer.status == 200 and isinstance(code, int) and not isinstance(code, bool)

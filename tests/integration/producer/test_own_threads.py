"""The async twins wait in threads of their own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from smsjobs import Element, Job, connect
from support.redis_server import RedisServer

PHONE = "13800138000"
#: More than asyncio's default executor has threads, on any machine.
MANY = 40

CALLS: dict[str, Callable[[Element, Job], Awaitable[Any]]] = {
    "send_message_async": lambda element, _: element.send_message_async([PHONE], {}, "SMS_1"),
    "get_async": lambda _, job: job.get_async(timeout=10),
    "send_async": lambda element, _: _login(element).send_async(PHONE),
    "check_async": lambda element, _: _login(element).check_async(PHONE, "000000"),
}


def _login(element: Element) -> Any:
    return element.verification("login", verifyTemplateCode="SMS_1", secret="s123" * 8)


@pytest.mark.parametrize("call", CALLS)
def test_others_go_on(call: str) -> None:
    """While Redis does not answer, the threads that the application itself asks asyncio for are free."""

    async def use(server: RedisServer) -> float:
        sms = connect(broker_url=server.url, timeout=2)
        element = sms.getElement("SMS.Example")
        job = element.sendMessage([PHONE], {}, "SMS_1")
        server.pause()
        asked = [asyncio.ensure_future(CALLS[call](element, job)) for _ in range(MANY)]
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await asyncio.to_thread(int)
        took = time.monotonic() - begun
        server.resume()
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        sms.close()
        return took

    with RedisServer() as server:
        assert asyncio.run(use(server)) < 0.5

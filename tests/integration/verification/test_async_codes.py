"""The async twins of send and check."""

import asyncio

from smsjobs import connect
from support.code_bench import PHONE, SECRET
from support.redis_server import RedisServer


def test_event_loop_goes_on() -> None:
    """While Redis does not answer, a send and a check wait without blocking the event loop; both end as they should."""

    async def use(server: RedisServer) -> tuple[str, bool, str]:
        sms = connect(broker_url=server.url)
        login = sms.getElement("SMS.Example").verification("login", verifyTemplateCode="SMS_1", secret=SECRET)
        server.pause()
        calls = asyncio.gather(login.send_async(PHONE), login.check_async("13800138001", "000000"))
        for _ in range(20):
            await asyncio.sleep(0.01)
        done = calls.done()
        server.resume()
        sent, checked = await calls
        sms.close()
        return sent.job.status(), done, checked.status

    with RedisServer() as server:
        assert asyncio.run(use(server)) == ("queued", False, "none_sent")

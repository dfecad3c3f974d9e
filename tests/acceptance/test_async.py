"""The asynchronous interface, against a real worker."""

import asyncio
import time

from smsjobs import SendResult
from support.stage import TEMPLATE, Stage, new_phone
from support.worker import WorkerProcess


def test_async_calls_do_not_block_the_event_loop(stage: Stage, worker: WorkerProcess) -> None:
    """Six jobs are sent and waited for at once, while the event loop keeps ticking."""
    element = stage.write("Patient", readTimeoutMs=10_000)

    async def one() -> SendResult:
        phone = new_phone()
        stage.simulator.fault("latency", seconds=3, phone=phone)
        job = await stage.sms.getElement(element).send_message_async(
            phoneList=[phone], params={"code": "123456"}, verifyTemplateCode=TEMPLATE
        )
        return await job.get_async(timeout=20)

    async def tick(longest: list[float]) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest[0] = max(longest[0], time.monotonic() - before)

    async def all_of_them() -> tuple[list[SendResult], float]:
        longest = [0.0]
        ticking = asyncio.create_task(tick(longest))
        results = await asyncio.gather(*(one() for _ in range(6)))
        ticking.cancel()
        return results, longest[0]

    results, longest = asyncio.run(all_of_them())
    assert {each.outcome for each in results} == {"accepted"}
    # A call that blocked would have blocked for as long as the answer took.
    assert longest < 2

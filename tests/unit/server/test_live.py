"""Live fragments: one snapshot for all pages, only what changed, and an end with the client."""

import asyncio
from collections.abc import Mapping

from smsjobs_server.pages import Live


class Browser:
    """A client of one page: collects the events that it is sent."""

    def __init__(self, live: Live, render=lambda snapshot: {"all": str(snapshot)}) -> None:
        self.text = ""
        self.status = 0
        self.news = asyncio.Event()
        self.gone = asyncio.Event()
        self.task = asyncio.create_task(live.answer(render)({"type": "http"}, self.receive, self.send))

    async def receive(self) -> Mapping:
        """Nothing, until it goes."""
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message) -> None:
        """Takes a part of the answer."""
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()
        self.news.set()

    async def has(self, text: str) -> None:
        """Waits until this was sent."""
        while text not in self.text:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 5)


def test_one_reader_for_all_pages() -> None:
    """However many pages are open the snapshot is read once in a while, and not at all when none is."""

    async def run() -> None:
        reads = 0

        async def read() -> int:
            nonlocal reads
            reads += 1
            return 7

        live = Live(read, every_s=3600)
        browsers = [Browser(live) for _ in range(10)]
        for each in browsers:
            await each.has("event: all\ndata: 7\n\n")
        assert reads == 1
        for each in browsers:
            each.gone.set()
            await each.task
        assert (live._pages, live._reader) == (set(), None)

    asyncio.run(run())


def test_only_what_changed_is_sent() -> None:
    """A fragment comes again when it is another, and no line of it ends an event."""

    async def run() -> None:
        values, step = [{"a": "1\r\n\r2", "b": "x"}], asyncio.Event()

        async def read() -> dict:
            if step.is_set():
                return {"a": "3", "b": "x"}
            return values[0]

        browser = Browser(Live(read, every_s=0.01), render=lambda snapshot: snapshot)
        await browser.has("event: a\ndata: 1\ndata: \ndata: 2\n\n")
        step.set()
        await browser.has("event: a\ndata: 3\n\n")
        assert browser.text.count("event: b") == 1
        browser.gone.set()
        await browser.task

    asyncio.run(run())


def test_more_pages_than_it_takes_are_refused() -> None:
    """A further page is answered with 503, and none after the end; the end ends all."""

    async def run() -> None:
        async def read() -> int:
            return 1

        live = Live(read, every_s=0.01, most=1)
        first = Browser(live)
        await first.has("data: 1")
        second = Browser(live)
        await second.task
        live.close()
        await asyncio.wait_for(first.task, 5)
        third = Browser(live)
        await third.task
        assert (first.status, second.status, third.status) == (200, 503, 503)

    asyncio.run(run())


def test_a_failure_ends_the_pages_and_the_next_one_tries_again(caplog) -> None:
    """Where the snapshot cannot be read, pages end and ask again; the log names the class and no more."""

    async def run() -> None:
        broken = [True]

        async def read() -> int:
            if broken[0]:
                raise OSError("13800138000")
            return 1

        live = Live(read)
        await asyncio.wait_for(Browser(live).task, 5)
        broken[0] = False
        await Browser(live).has("data: 1")
        live.close()

    asyncio.run(run())
    assert ("OSError" in caplog.text, "13800138000" in caplog.text) == (True, False)


def test_a_page_that_cannot_be_shown_ends(caplog) -> None:
    """What fails while a fragment is made is told by its class, and the answer ends."""

    async def run() -> None:
        async def read() -> int:
            return 1

        await asyncio.wait_for(Browser(Live(read), render=lambda _: 1 / 0).task, 5)

    asyncio.run(run())
    assert "ZeroDivisionError" in caplog.text

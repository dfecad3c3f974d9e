"""Fragments of a page that change while it is open, as server-sent events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

from starlette.responses import Response

__all__ = ["Live"]

_LOG: Final = logging.getLogger("smsjobs.pages")

T = TypeVar("T")
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
#: A snapshot as fragments of HTML, by the name of their event.
Render = Callable[[T], Mapping[str, str]]

#: Seconds for which an answer goes on. Then the browser asks again, so nothing forgotten stays for ever.
_LIFE_S: Final = 600.0

#: Seconds of silence after which a line is sent that says nothing. So a client that is gone is noticed.
_SILENCE_S: Final = 15.0

#: Milliseconds after which the browser asks again.
_AGAIN_MS: Final = 1_000


class Live(Generic[T]):
    """One snapshot for all open pages. It is read while a page is open, by one reader, however many are open.

    Args:
        read: Gives the snapshot. It is compared by ``==``: what did not change is not sent.
        every_s: Seconds between two readings.
        most: Pages that are served at the same time; further ones are answered with 503 and ask again.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], *, every_s: float = 1.0, most: int = 100) -> None:
        self._read = read
        self._every_s = every_s
        self._most = most
        self._pages: set[asyncio.Event] = set()
        self._latest: tuple[T] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._closed = False

    def answer(self, render: Render[T]) -> Response:
        """The events of one page, until it is closed.

        Args:
            render: Makes the fragments. Those that changed are sent. It runs in the event loop: it must not wait.
        """
        if self._closed or len(self._pages) >= self._most:
            return Response(status_code=503)
        return _Events(self, render)

    def close(self) -> None:
        """End all of it, for good."""
        self._closed = True
        self._wake()

    async def _follow(self, render: Render[T], send: Callable[[str], Awaitable[None]]) -> None:
        """Send one page what changes."""
        changed = asyncio.Event()
        self._pages.add(changed)
        if self._reader is None:
            self._reader = asyncio.create_task(self._keep_reading())
        try:
            await send(f"retry: {_AGAIN_MS}\n\n")
            sent: dict[str, str] = {}
            while not self._closed:
                changed.clear()
                if self._latest is not None:
                    fragments = render(self._latest[0])
                    news = {name: html for name, html in fragments.items() if sent.get(name) != html}
                    sent |= news
                    if news:
                        await send("".join(_event(name, html) for name, html in news.items()))
                if self._reader is None:
                    return
                try:
                    async with asyncio.timeout(_SILENCE_S):
                        await changed.wait()
                except TimeoutError:
                    await send(":\n\n")
        finally:
            self._pages.discard(changed)
            if not self._pages and self._reader is not None:
                self._reader.cancel()
                self._reader = self._latest = None

    async def _keep_reading(self) -> None:
        try:
            while not self._closed:
                snapshot = await self._read()
                if self._latest is None or self._latest[0] != snapshot:
                    self._latest = (snapshot,)
                    self._wake()
                await asyncio.sleep(self._every_s)
        except Exception as error:  # noqa: BLE001  whatever it is: pages end, and ask again a second later
            _LOG.warning("pages cannot be renewed (%s)", type(error).__name__)
            self._reader = None
            self._wake()

    def _wake(self) -> None:
        for each in self._pages:
            each.set()


class _Events(Response):
    """The answer that carries them. It ends with its client, or after a while."""

    media_type = "text/event-stream"

    def __init__(self, live: Live[Any], render: Render[Any]) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._live = live
        self._render = render

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:  # noqa: ARG002  ASGI names all three
        """Send events until the client goes, or time is over."""

        async def told(text: str) -> None:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        async def left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        tasks = [asyncio.create_task(self._live._follow(self._render, told)), asyncio.create_task(left())]  # noqa: SLF001  two halves of one thing
        try:
            await asyncio.wait(tasks, timeout=_LIFE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in tasks:
                each.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ends:
            if isinstance(error, Exception) and not isinstance(error, OSError):
                _LOG.warning("a page's fragments cannot be made (%s)", type(error).__name__)
        with suppress(Exception):  # a client that reads nothing, or has gone
            async with asyncio.timeout(1):
                await send({"type": "http.response.body", "body": b""})


def _event(name: str, html: str) -> str:
    # An empty line ends an event, and a carriage return would end a line too.
    lines = html.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return f"event: {name}\n" + "".join(f"data: {each}\n" for each in lines) + "\n"

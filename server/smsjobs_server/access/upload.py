"""Reads a form with a file, as far as it is taken: bounded in size and in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from smsjobs_server.pages import FormRefused

__all__ = ["read_upload"]

#: Of a form: its fields, and bytes of one that is not a file.
_FIELDS: Final = 60
_LARGEST_FIELD: Final = 65_536

_Message = MutableMapping[str, Any]


@asynccontextmanager
async def read_upload(request: Request, *, most: int, within_s: float) -> AsyncIterator[FormData]:
    """The form. Its file has no name on the disk, and is gone when the block ends.

    Args:
        request: It.
        most: Bytes of the whole body.
        within_s: Seconds for it to arrive.

    Raises:
        FormRefused: It is larger (413), does not arrive (408), or is not a valid form (415).
    """
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and (len(length) > 15 or int(length) > most):
        raise FormRefused(413)
    bounded = Request(request.scope, _bounded(request.receive, most))
    try:
        async with asyncio.timeout(within_s):
            form = await bounded.form(max_files=1, max_fields=_FIELDS, max_part_size=_LARGEST_FIELD)
    except TimeoutError:
        raise FormRefused(408) from None
    except (HTTPException, ClientDisconnect, UnicodeDecodeError):
        raise FormRefused(415) from None
    try:
        yield form
    finally:
        await form.close()


def _bounded(receive: Callable[[], Awaitable[_Message]], most: int) -> Callable[[], Awaitable[_Message]]:
    taken = 0

    async def bounded() -> _Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise FormRefused(413)
        return message

    return bounded

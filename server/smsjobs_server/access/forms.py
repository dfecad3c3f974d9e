"""Reads a form that was sent, as far as it is taken: bounded in size and in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

__all__ = ["FormRefused", "read_form"]

#: Bytes of a form without a file, and seconds for it to arrive.
_SMALL: Final = 64 * 1024
_SMALL_S: Final = 10.0

#: Fields of a form.
_FIELDS: Final = 60

_Message = MutableMapping[str, Any]


class FormRefused(Exception):
    """The form is not taken. ``status`` is the answer's."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@asynccontextmanager
async def read_form(
    request: Request, *, most: int = _SMALL, within_s: float = _SMALL_S, files: int = 0
) -> AsyncIterator[FormData]:
    """The form. A file in it lies in a file without a name, which is gone when the block ends.

    Args:
        most: Bytes of the whole body.
        within_s: Seconds for it to arrive.
        files: How many files it may have.

    Raises:
        FormRefused: It is larger (413), does not arrive (408), or is not a valid form (400).
    """
    length = request.headers.get("Content-Length", "")
    if length.isdecimal() and (len(length) > 15 or int(length) > most):
        raise FormRefused(413)
    bounded = Request(request.scope, _bounded(request.receive, most))
    try:
        async with asyncio.timeout(within_s):
            form = await bounded.form(max_files=files, max_fields=_FIELDS, max_part_size=_SMALL)
    except TimeoutError:
        raise FormRefused(408) from None
    except (HTTPException, ClientDisconnect, UnicodeDecodeError):
        raise FormRefused(400) from None
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

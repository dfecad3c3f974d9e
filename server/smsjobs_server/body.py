"""A request's body, as far as it is taken."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request

__all__ = ["BodyRefused", "read_body"]

#: Seconds for a body to arrive. Aliyun itself waits for less than one.
_BODY_S: Final = 5.0


class BodyRefused(Exception):
    """The body is not taken; the argument is the status."""


async def read_body(request: Request, *, largest: int) -> bytes:
    """The body. Never more than the largest is in memory.

    Args:
        largest: In bytes.

    Raises:
        BodyRefused: It is larger, or does not arrive in time.
        starlette.requests.ClientDisconnect: The client has gone.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                body += part
                if len(body) > largest:
                    raise BodyRefused(413)
    except TimeoutError:
        raise BodyRefused(408) from None
    return bytes(body)

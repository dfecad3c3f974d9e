"""Clients that connect and then send nothing, or a bit at a time, must not hold connections for ever."""

import asyncio
from typing import Final

from aiohttp import web

__all__ = ["BODY_S", "HEADERS_S", "LINGER_S", "SlowClients"]

#: Seconds within which a new connection has sent the headers of its first request.
HEADERS_S: Final = 10.0

#: Seconds within which the body of a request has come.
BODY_S: Final = 10.0

#: Seconds for which the rest of a body is waited for that was answered before it had come.
LINGER_S: Final = 1.0

#: Seconds between two looks.
_LOOK_S: Final = 1.0


class SlowClients:
    """Closes the connections that send no request in time. One that had a request is left to aiohttp."""

    def __init__(self) -> None:
        self._heard: set[object] = set()

    def heard(self, connection: object) -> None:
        """Note that the headers of a request came on this connection."""
        self._heard.add(connection)

    async def close_silent(self, server: web.Server) -> None:
        """Look at the connections of this server for as long as this task runs."""
        began: dict[web.RequestHandler, float] = {}
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_S)
            now = loop.time()
            began = {each: began.get(each, now) for each in server.connections}
            self._heard.intersection_update(began)
            for each, at in began.items():
                if now - at > HEADERS_S and each not in self._heard:
                    each.force_close()

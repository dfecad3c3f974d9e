"""The page that shows the audit log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError
from starlette.routing import Route

from smsjobs import QueueUnavailable
from smsjobs.threads import in_thread

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from smsjobs_server.operating.desk import Desk

__all__ = ["AuditPage"]

_SHOWN: Final = 100

_ID: Final = re.compile(r"[0-9]{1,15}-[0-9]{1,9}", re.ASCII)


class AuditPage:
    """The page.

    Args:
        desk: What the pages share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """Its path."""
        return [Route("/audit", self._desk.access.seen_by("view", self._page), methods=["GET"])]

    async def _page(self, request: Request) -> Response:
        before = request.query_params.get("before", "")
        before = before if _ID.fullmatch(before) else ""
        try:
            entries = await in_thread(lambda: self._desk.audit.newest(_SHOWN + 1, before=before))
        except (RedisError, OSError):
            return self._desk.missing(request, QueueUnavailable())
        more = entries[_SHOWN - 1][0] if len(entries) > _SHOWN else ""
        return self._desk.show(
            request, "audit.html", entries=[each for _, each in entries[:_SHOWN]], more=more
        )

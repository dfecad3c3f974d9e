"""The page about the installation: the elements, and what doctor finds. Both are asked of the worker's side, on a click."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError
from starlette.routing import Route

from smsjobs import QueueUnavailable, RequestFailed, SmsError
from smsjobs.contract import LANES
from smsjobs.offers import Offers
from smsjobs.threads import in_thread
from smsjobs.worker_side import WorkerSideFailed, ask_worker_side
from smsjobs_server.pages import mark

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from smsjobs_server.operating.desk import Desk

__all__ = ["Installation"]


@dataclass(frozen=True, kw_only=True)
class _Report:
    """What the worker's side said last."""

    at_s: float
    elements: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    #: ``good``, ``doubtful`` or ``bad``; empty where it could not be asked.
    verdict: str
    #: Why it could not be asked; empty where it could.
    failed: str


class Installation:
    """The page.

    Args:
        desk: What the pages share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._report: _Report | None = None
        # One at a time: it starts processes, and asks Aliyun.
        self._asking = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Its paths."""
        access = self._desk.access
        return [
            Route("/installation", access.seen_by("view", self._page), methods=["GET"]),
            Route("/installation/check", access.act(self._check), methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        try:
            offered = await in_thread(self._offered)
        except (RedisError, OSError):
            return self._desk.missing(request, QueueUnavailable())
        return self._desk.show(
            request, "installation.html", offered=offered, report=self._report, lanes=list(LANES)
        )

    def _offered(self) -> Mapping[str, list[str]]:
        """The elements that workers have told, each with the lanes."""
        offers, found = Offers(self._desk.sms.connection.redis()), dict[str, list[str]]()
        for lane in LANES:
            for name in offers.elements(lane):
                found.setdefault(name, []).append(lane)
        return dict(sorted(found.items()))

    async def _check(self, request: Request, form: Mapping[str, str]) -> Response:
        del form
        if self._asking.locked():
            text = mark("Somebody is looking already. Reload this page in a moment.")
            return self._desk.back(request, "/installation", text, kind="warn")
        async with self._asking:
            try:
                self._report = await self._desk.act(request, "doctor", "", _ask)
            except SmsError as error:
                return self._desk.back(request, "/installation", self._desk.why(request, error), kind="bad")
        return self._desk.back(request, "/installation", mark("Checked: the result is below."))


def _ask() -> _Report:
    env = dict(os.environ)
    try:
        elements = ask_worker_side("elements", "--app", env.get("SMS_APP", "."), env=env, what="the elements")
        found = ask_worker_side("doctor", env=env, what="the findings")
    except WorkerSideFailed as failure:
        return _Report(at_s=time.time(), elements=[], findings=[], verdict="", failed=str(failure))
    except OSError as error:
        raise RequestFailed("the worker's side could not be started", reason=type(error).__name__) from None
    return _Report(
        at_s=time.time(),
        elements=elements["elements"],
        findings=found["findings"],
        verdict=found["verdict"],
        failed="",
    )

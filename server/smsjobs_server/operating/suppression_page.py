"""The page about numbers that must not be sent to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from smsjobs import InvalidArguments, SmsError
from smsjobs.contract import SCOPES, Scope, check_phone, mask_phone
from smsjobs.threads import in_thread
from smsjobs_server.pages import mark

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from smsjobs_server.operating.desk import Desk

__all__ = ["SuppressionPage"]

#: How the numbers that are put here by hand come onto the list.
_SOURCE: Final = "pages"


class SuppressionPage:
    """The page.

    Args:
        desk: What the pages share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """Its paths."""
        seen, act = self._desk.access.seen_by, self._desk.access.act
        return [
            Route("/suppression", seen("view", self._page), methods=["GET"]),
            Route("/suppression/look", act(self._look, role="view"), methods=["POST"]),
            Route("/suppression/add", act(self._add), methods=["POST"]),
            Route("/suppression/remove", act(self._remove), methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        try:
            count = await in_thread(self._desk.sms.suppression.count)
        except SmsError as error:
            return self._desk.missing(request, error)
        return self._desk.show(request, "suppression.html", count=count, found=None, wrong="")

    async def _look(self, request: Request, form: Mapping[str, str]) -> Response:
        suppression = self._desk.sms.suppression

        def look() -> dict[str, Any]:
            number = check_phone("phone", form.get("phone", "").strip())
            scopes = [scope for scope in SCOPES if suppression.has(number, scope=scope)]
            return {"number": mask_phone(number), "scopes": scopes}

        wrong, found = "", None
        try:
            found = await self._desk.act(request, "search.number", "", look)
        except SmsError as error:
            wrong = self._desk.why(request, error)
        try:
            count = await in_thread(suppression.count)
        except SmsError as error:
            return self._desk.missing(request, error)
        return self._desk.show(
            request, "suppression.html", status=400 if wrong else 200, count=count, found=found, wrong=wrong
        )

    async def _add(self, request: Request, form: Mapping[str, str]) -> Response:
        def add(number: str, scope: Scope) -> bool:
            note = form.get("note", "").strip()
            return self._desk.sms.suppression.add(number, scope=scope, source=_SOURCE, note=note)

        done = mark("The number is on the list now."), mark("It was on the list already.")
        return await self._change(request, form, "suppression.add", add, done)

    async def _remove(self, request: Request, form: Mapping[str, str]) -> Response:
        def remove(number: str, scope: Scope) -> bool:
            return self._desk.sms.suppression.remove(number, scope=scope)

        done = mark("The number is not on the list any more."), mark("It was not on the list.")
        return await self._change(request, form, "suppression.remove", remove, done)

    async def _change(
        self, request: Request, form: Mapping[str, str], name: str, step: Any, done: tuple[str, str]
    ) -> Response:
        scope = form.get("scope", "")
        if form.get("sure") != "yes":
            text = mark("Nothing was changed: the box below the number was not ticked.")
            return self._desk.back(request, "/suppression", text, kind="warn")
        try:
            # Before it is written down: a slip is nothing that was done.
            number = check_phone("phone", form.get("phone", "").strip())
            if scope not in SCOPES:
                raise InvalidArguments.about("scope", "must be promotional or all")
            changed = await self._desk.act(request, name, scope, lambda: step(number, scope))
        except SmsError as error:
            return self._desk.back(request, "/suppression", self._desk.why(request, error), kind="bad")
        return self._desk.back(
            request, "/suppression", done[0 if changed else 1], kind="good" if changed else "warn"
        )

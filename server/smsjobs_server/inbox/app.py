"""The routes: the page, its fragments, what its buttons do, and JSON for tests."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from smsjobs.contract import read_phone
from smsjobs.delivery import explain
from smsjobs.threads import in_thread
from smsjobs_server.inbox.breaking import BREAKS, REPORTS
from smsjobs_server.inbox.messages import Message, read_message
from smsjobs_server.inbox.simulator import Simulator, SimulatorRefused
from smsjobs_server.pages import FormRefused, Forms, Live, Pages

if TYPE_CHECKING:
    from smsjobs import Sms

__all__ = ["Inbox"]

#: How many phones, and how many entries of one, are shown.
_PHONES: Final = 200
_ENTRIES: Final = 200

#: Of how many refused messages the ledger is asked why.
_HINTS: Final = 20

#: The states of a job that will have another one.
_UNSETTLED: Final = ("queued", "sending", "looking_up")

#: Seconds for which a test may wait, between two looks, and how many may wait at the same time.
_LONGEST_WAIT_S: Final = 30.0
_LOOK_S: Final = 0.1
_WAITING: Final = 50

_Handler = Callable[[Request], Awaitable[Response]]


class Inbox:
    """The inbox, as routes for an application.

    Args:
        simulator: Knows what was sent.
        sms: What `smsjobs.connect` gave: its ledger knows why something was not.
        price: Of a part, in yuan.
    """

    def __init__(self, simulator: Simulator, sms: Sms, *, price: Decimal) -> None:
        self._simulator = simulator
        self._sms = sms
        self._price = price
        self._pages = Pages("smsjobs_server.inbox")
        self._forms = Forms()
        self._waiting = 0
        #: Its pages that are open.
        self.live: Live[Mapping[str, Any]] = Live(self._changes, every_s=0.3)
        #: What it answers.
        self.routes: list[BaseRoute] = [
            Route("/", _to_inbox),
            Route("/inbox", _answering(self._page)),
            Route("/inbox/phones", _answering(self._phones)),
            Route("/inbox/conversation", _answering(self._conversation)),
            Route("/inbox/live", self._live),
            *(
                Route(f"/inbox/{name}", _answering(self._acting(act)), methods=["POST"])
                for name, act in self._actions().items()
            ),
            Route("/api/messages", _answering(self._messages)),
            Route("/api/latest", _answering(self._latest)),
            self._pages.static,
        ]

    # The page and its fragments

    async def _page(self, request: Request) -> Response:
        values = await self._list(request) | await self._talk(request)
        return self._pages.answer(request, "inbox/inbox.html", **values)

    async def _phones(self, request: Request) -> Response:
        return self._pages.answer(request, "inbox/phones.html", **await self._list(request))

    async def _conversation(self, request: Request) -> Response:
        return self._pages.answer(request, "inbox/conversation.html", **await self._talk(request))

    async def _live(self, _: Request) -> Response:
        # Pages then ask for their fragments: each shows another phone.
        return self.live.answer(lambda snapshot: {"changed": repr(sorted(snapshot.items()))})

    async def _changes(self) -> Mapping[str, Any]:
        found = await self._simulator.phones(limit=0)
        return {name: found[name] for name in ("change", "faults", "receipts_by_hand")}

    async def _list(self, request: Request) -> dict[str, Any]:
        found = await self._simulator.phones(limit=_PHONES)
        return self._shared(request) | {
            "phones": [(read_message(each, self._price), each["count"]) for each in found["items"]],
            "more_phones": found["more"],
            "unread": found["unread"],
            "faults": [(each, _label(each)) for each in found["faults"]],
            "by_hand": found["receipts_by_hand"],
            "breaks": BREAKS,
        }

    async def _talk(self, request: Request) -> dict[str, Any]:
        phone = _asked(request)
        messages = (await self._seen(phone))[-_ENTRIES:] if phone else []
        hints = await in_thread(self._hints, messages)
        return self._shared(request) | {
            "messages": messages,
            "hints": hints,
            "unsettled": any(status in _UNSETTLED for status, _ in hints.values()),
            "suppressed": bool(phone) and await in_thread(self._is_suppressed, phone),
            "reports": REPORTS,
            "explain": explain,
        }

    def _shared(self, request: Request) -> dict[str, Any]:
        return {"phone": _asked(request), "token": self._forms.token()}

    async def _seen(self, phone: str) -> list[Message]:
        return [read_message(each, self._price) for each in await self._simulator.phone(phone)]

    def _hints(self, messages: Sequence[Message]) -> dict[str, tuple[str, str]]:
        """What the ledger knows of jobs that did not go well, by OutId: their status, and what may fix it."""
        asked = [each.out_id for each in messages if each.kind == "refused" or each.fault]
        hints: dict[str, tuple[str, str]] = {}
        for out_id in asked[-_HINTS:]:
            try:
                info = self._sms.job(out_id).info()
            except Exception:  # noqa: BLE001, S112  not one of our jobs, or Redis is unreachable: no hint
                continue
            hints[out_id] = info.status, info.error.message if info.error else ""
        return hints

    def _is_suppressed(self, phone: str) -> bool:
        try:
            return self._sms.suppression.has(phone, scope="promotional")
        except Exception:  # noqa: BLE001  Redis is unreachable, or it is not a number
            return False

    # What its buttons do

    def _actions(self) -> Mapping[str, Callable[[Mapping[str, str]], Awaitable[None]]]:
        simulator = self._simulator

        async def reply(form: Mapping[str, str]) -> None:
            if form["content"].strip():
                await simulator.reply(form["phone"], form["content"][:500])

        async def report(form: Mapping[str, str]) -> None:
            await simulator.report(form["biz_id"], form["phone"], form["code"])

        async def break_next(form: Mapping[str, str]) -> None:
            await simulator.add_fault(BREAKS[form["how"]].fault)

        async def repair(_: Mapping[str, str]) -> None:
            await simulator.clear_faults()

        async def by_hand(form: Mapping[str, str]) -> None:
            await simulator.report_by_hand(form["by_hand"] == "1")

        async def clear(_: Mapping[str, str]) -> None:
            await simulator.clear()

        return {
            "reply": reply,
            "report": report,
            "break": break_next,
            "repair": repair,
            "by-hand": by_hand,
            "clear": clear,
        }

    def _acting(self, act: Callable[[Mapping[str, str]], Awaitable[None]]) -> _Handler:
        async def acted(request: Request) -> Response:
            form = await self._forms.read(request)
            try:
                await act(form)
            except KeyError:
                return Response(status_code=400)
            if "HX-Request" in request.headers:
                return Response(status_code=204)
            phone = form.get("phone")
            return RedirectResponse("/inbox" + (f"?{urlencode({'phone': phone})}" if phone else ""), 303)

        return acted

    # For tests

    async def _messages(self, request: Request) -> Response:
        found = await self._awaited(request, lambda _: True)
        return JSONResponse({"messages": [each.to_json() for each in found]})

    async def _latest(self, request: Request) -> Response:
        found = await self._awaited(request, lambda message: message.kind == "message")
        if not found:
            return JSONResponse({"error": "no message"}, 404)
        return JSONResponse(found[-1].to_json())

    async def _awaited(self, request: Request, wanted: Callable[[Message], bool]) -> list[Message]:
        """What came to a phone after some message, as soon as there is something, or nothing when the time is over.

        Raises:
            ValueError: A parameter is missing or not valid.
        """
        phone, after = _asked(request), int(request.query_params.get("after", "0"))
        wait_s = float(request.query_params.get("wait", "0"))
        if not phone or not math.isfinite(wait_s):
            raise ValueError
        if self._waiting >= _WAITING:
            return []
        self._waiting += 1
        try:
            end_s = asyncio.get_running_loop().time() + min(_LONGEST_WAIT_S, wait_s)
            while True:
                found = [each for each in await self._seen(phone) if each.id > after and wanted(each)]
                if found or asyncio.get_running_loop().time() >= end_s:
                    return found
                await asyncio.sleep(_LOOK_S)
        finally:
            self._waiting -= 1


def _asked(request: Request) -> str:
    """The number that is asked for, in the form in which the simulator has it."""
    text = request.query_params.get("phone", "").strip()[:40]
    # Another one may have come too: from a program that is not ours.
    return read_phone(text)[0] or text


def _label(fault: Mapping[str, Any]) -> str:
    """What the page calls a fault that waits: by its own word where the page has none."""
    known = {name: value for name, value in fault.items() if name != "times"}
    return next((each.label for each in BREAKS.values() if each.fault == known), fault["kind"])


def _answering(handle: _Handler) -> _Handler:
    """The handler, with an answer for what may go wrong."""

    @wraps(handle)
    async def answered(request: Request) -> Response:
        try:
            return await handle(request)
        except FormRefused as refused:
            return Response(status_code=refused.args[0])
        except (ValueError, SimulatorRefused):
            return PlainTextResponse("A parameter is missing or not valid.\n", 400)
        except ClientDisconnect:
            return Response(status_code=400)
        except OSError:
            return PlainTextResponse("The simulator does not answer.\n", 503)

    return answered


async def _to_inbox(_: Request) -> Response:
    return RedirectResponse("/inbox")

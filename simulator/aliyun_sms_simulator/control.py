"""The control API, by which tests and people query and control the running simulator."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from aliyun_sms_simulator.clock import beijing_text, parse_instant
from aliyun_sms_simulator.endpoint import Endpoint
from aliyun_sms_simulator.fault import Fault
from aliyun_sms_simulator.record import Acceptance, Received
from aliyun_sms_simulator.slow_clients import BODY_S, SlowClients
from aliyun_sms_simulator.world import World

__all__ = ["Control"]

_LARGEST_PAGE = 10_000
_USUAL_PAGE = 1_000
_Item = TypeVar("_Item")


class Control:
    """Handlers of the control API for one World and its endpoints."""

    def __init__(self, world: World, *endpoints: Endpoint) -> None:
        self._world = world
        self._endpoints = endpoints
        #: Who sends nothing.
        self.slow = SlowClients()

    def app(self) -> web.Application:
        """Return the control API as an aiohttp application."""
        app = web.Application(middlewares=[_errors_as_json, _own_callers_only, self._in_time])
        app.add_routes(
            [
                web.get("/", self._about),
                web.get("/accepted", self._accepted),
                web.get("/accepted/counts", self._counts),
                web.get("/receipts", self._receipts),
                web.post("/receipts", self._report),
                web.get("/phones", self._phones),
                web.delete("/phones", self._clear_phones),
                web.get("/phones/{phone}", self._phone),
                web.get("/requests", self._requests),
                web.get("/pushes", self._pushes),
                web.post("/pushes", self._add_push),
                web.get("/queues", self._queues),
                web.get("/faults", self._faults),
                web.post("/faults", self._add_fault),
                web.delete("/faults", self._clear_faults),
                web.get("/settings", self._settings),
                web.patch("/settings", self._change_settings),
                web.get("/clock", self._clock),
                web.put("/clock", self._set_clock),
                web.post("/refuse", self._refuse),
                web.post("/listen", self._listen),
                web.post("/tokens/expire", self._expire_tokens),
                web.post("/reset", self._reset),
            ]
        )
        return app

    @web.middleware
    async def _in_time(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Have the body before anything is done, and do not wait for it for ever."""
        self.slow.heard(request.protocol)
        try:
            async with asyncio.timeout(BODY_S):
                await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        return await handler(request)

    async def _about(self, _: web.Request) -> web.Response:
        record = self._world.record
        return _json(
            {
                "name": "aliyun-sms-simulator",
                "version": _version(),
                "refusing": self._endpoints[0].refusing,
                "accepted_requests": record.accepted_requests,
                "accepted_numbers": record.accepted_numbers,
                "out_ids": len(record.counts),
                "out_ids_accepted_more_than_once": sum(1 for count in record.counts.values() if count > 1),
                "requests": dict(record.actions),
            }
        )

    async def _accepted(self, request: web.Request) -> web.Response:
        world = self._world
        found = world.record.accepted(out_id=request.query.get("out_id"), phone=request.query.get("phone"))
        return _page(request, found, lambda accepted: _shown(world, accepted))

    async def _counts(self, request: web.Request) -> web.Response:
        counts = self._world.record.counts
        if "out_id" in request.query:
            out_id = request.query["out_id"]
            return _json({"counts": {out_id: counts.get(out_id, 0)}})
        least = _whole(request, "min", 1)
        return _json({"counts": {out_id: count for out_id, count in counts.items() if count >= least}})

    async def _receipts(self, request: web.Request) -> web.Response:
        world = self._world
        found = (
            {
                "out_id": accepted.out_id,
                "biz_id": accepted.biz_id,
                "phone": phone,
                "err_code": accepted.receipt_of(phone).code,
            }
            for accepted in world.record.accepted(out_id=request.query.get("out_id"))
            for phone in dict.fromkeys(accepted.phones)
            if accepted.reported_s(phone, world.settings.delivery_delay_s) <= world.clock.now()
        )
        return _page(request, found, lambda item: item)

    async def _report(self, request: web.Request) -> web.Response:
        data = await _body(request)
        if data.keys() != {"biz_id", "phone", "code"} or not all(
            isinstance(each, str) for each in data.values()
        ):
            raise ValueError("a receipt has biz_id, phone and code, each of them text")
        found = self._world.inbox.find(data["biz_id"], data["phone"])
        if found is None or found.acceptance is None:
            raise web.HTTPNotFound
        self._world.report(found.acceptance, data["phone"], data["code"])
        return _json({"reported": data["code"]})

    async def _phones(self, request: web.Request) -> web.Response:
        world = self._world
        when = world.clock.now(), world.settings.delivery_delay_s
        inbox = world.inbox
        return _page(
            request,
            ({**entry.to_json(*when), "count": count} for entry, count in inbox.phones()),
            lambda item: item,
            change=inbox.change(*when),
            unread=inbox.unread(),
            faults=[fault.to_json() for fault in world.faults.rules()],
            receipts_by_hand=world.settings.receipts_by_hand,
        )

    async def _phone(self, request: web.Request) -> web.Response:
        world = self._world
        when = world.clock.now(), world.settings.delivery_delay_s
        found = world.inbox.of_phone(request.match_info["phone"])
        return _json({"items": [each.to_json(*when) for each in found], "change": world.inbox.change(*when)})

    async def _clear_phones(self, _: web.Request) -> web.Response:
        self._world.inbox.clear()
        return _json({"items": []})

    async def _pushes(self, _: web.Request) -> web.Response:
        pushes = self._world.pushes
        words = ("pushes", "acknowledged", "repeated", "dropped", "lost")
        return _json({"waiting": len(pushes)} | {word: pushes.counts[word] for word in words})

    async def _add_push(self, request: web.Request) -> web.Response:
        world, item = self._world, await _body(request)
        world.pushes.add(item, world.clock.now())
        if isinstance(item.get("phone_number"), str) and isinstance(item.get("content"), str):
            world.inbox.add(
                kind="reply", phone=item["phone_number"], at_s=world.clock.now(), text=item["content"]
            )
        return await self._pushes(request)

    async def _queues(self, _: web.Request) -> web.Response:
        return _json({"queues": self._world.queues.to_json()})

    async def _requests(self, request: web.Request) -> web.Response:
        record = self._world.record
        found = record.received(out_id=request.query.get("out_id"), action=request.query.get("action"))
        return _page(request, found, Received.to_json, by_action=dict(record.actions))

    async def _faults(self, _: web.Request) -> web.Response:
        return _json({"faults": [fault.to_json() for fault in self._world.faults.rules()]})

    async def _add_fault(self, request: web.Request) -> web.Response:
        data = await _body(request)
        if data.get("kind") == "refuse":
            await self._refuse_for(_duration(data))
            return _json({"refusing": True})
        self._world.faults.add(Fault.from_json(data))
        return await self._faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._world.faults.clear()
        await self._listen_anew()
        return await self._faults(request)

    async def _settings(self, _: web.Request) -> web.Response:
        return _json(self._world.settings.to_json())

    async def _change_settings(self, request: web.Request) -> web.Response:
        self._world.change(await _body(request))
        return await self._settings(request)

    async def _clock(self, _: web.Request) -> web.Response:
        clock = self._world.clock
        now_s = clock.now()
        return _json(
            {"now_s": now_s, "beijing": beijing_text(now_s), "frozen": clock.frozen_at_s is not None}
        )

    async def _set_clock(self, request: web.Request) -> web.Response:
        data = await _body(request)
        if not data.keys() <= {"now", "advance_s", "frozen", "reset"}:
            raise ValueError("a clock has now, advance_s, frozen and reset")
        clock = self._world.clock
        now = parse_instant(data["now"]) if "now" in data else None
        advance_s = parse_instant(data["advance_s"]) if "advance_s" in data else None
        if data.get("reset"):
            clock.reset()
        if "frozen" in data:
            clock.freeze(frozen=bool(data["frozen"]))
        if now is not None:
            clock.set(now)
        if advance_s is not None:
            clock.advance(advance_s)
        return await self._clock(request)

    async def _refuse(self, request: web.Request) -> web.Response:
        await self._refuse_for(_duration(await _body(request)))
        return _json({"refusing": True})

    async def _listen(self, _: web.Request) -> web.Response:
        for endpoint in self._endpoints:
            await endpoint.listen()
        return _json({"refusing": False})

    async def _expire_tokens(self, _: web.Request) -> web.Response:
        return _json({"expired": self._world.temporary.expire()})

    async def _reset(self, request: web.Request) -> web.Response:
        self._world.reset()
        await self._listen_anew()
        return await self._about(request)

    async def _refuse_for(self, seconds: float | None) -> None:
        for endpoint in self._endpoints:
            await endpoint.refuse(seconds)

    async def _listen_anew(self) -> None:
        for endpoint in self._endpoints:
            endpoint.release()
            await endpoint.listen()


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ValueError as error:
        return _json({"error": str(error)}, status=400)
    except web.HTTPException as error:
        return _json(
            {"error": f"{error.status} {error.reason}: {request.method} {request.path}"}, status=error.status
        )


@web.middleware
async def _own_callers_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse what a browser sends for a page from elsewhere: it has another origin, or a name that was made to lead here."""
    host = request.headers.get("Host", "")
    if not _is_near(host):
        raise web.HTTPForbidden(reason="the Host must be an address, or a name without a dot")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise web.HTTPForbidden(reason="pages from elsewhere are not served")
    return await handler(request)


def _is_near(host: str) -> bool:
    """Whether nobody can have registered that name: it is an address, or has no dot."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return "." not in name or bool(ip_address(name))
    except ValueError:
        return False


def _shown(world: World, accepted: Acceptance) -> dict[str, Any]:
    count = max(len(accepted.sign_names), len(accepted.params))
    texts = [
        world.catalogue.text(accepted.template_code, accepted.sign_name(index), accepted.params_of(index))
        for index in range(count)
    ]
    return {**accepted.to_json(), "text": texts if accepted.action == "SendBatchSms" else texts[0]}


def _page(
    request: web.Request, found: Iterator[_Item], show: Callable[[_Item], Any], **more: Any
) -> web.Response:
    offset, limit = _whole(request, "offset", 0), min(_whole(request, "limit", _USUAL_PAGE), _LARGEST_PAGE)
    items = [show(item) for item in itertools.islice(found, offset, offset + limit)]
    return _json({"items": items, "more": next(found, None) is not None, **more})


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    try:
        data = json.loads(text) if text else {}
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004  one class for bad input
    return data


def _duration(data: dict[str, Any]) -> float | None:
    seconds = data.get("seconds")
    if seconds is not None and (
        isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0
    ):
        raise ValueError("seconds must be a number, not below 0")
    return seconds


def _whole(request: web.Request, name: str, usual: int) -> int:
    text = request.query.get(name, str(usual))
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} must be a whole number, not below 0")
    return int(text)


def _json(data: dict[str, Any], status: int = 200) -> web.Response:
    # JSON can contain half a surrogate pair, but UTF-8 cannot. It becomes a question mark.
    body = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8")


def _version() -> str:
    try:
        return version("smsjobs")
    except PackageNotFoundError:
        return "unknown"

"""The endpoint for the SDK: HTTP in, HTTP out, and the faults of the socket."""

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate

from aiohttp import web

from aliyun_sms_simulator.codes import Refusal, refusal
from aliyun_sms_simulator.fault import Fault
from aliyun_sms_simulator.gateway import DYSMS, Call
from aliyun_sms_simulator.log import LOGGER
from aliyun_sms_simulator.mns import admit_to_queue, longest_wait_s
from aliyun_sms_simulator.record import Received
from aliyun_sms_simulator.service import (
    METADATA_ACTION,
    Answer,
    handle,
    queue_refusal_answer,
    refusal_answer,
    swallow,
)
from aliyun_sms_simulator.slow_clients import BODY_S, LINGER_S, SlowClients
from aliyun_sms_simulator.temporary import METADATA
from aliyun_sms_simulator.world import World

__all__ = ["Endpoint"]

# 1,000 numbers make a request line of about 16,000 characters; aiohttp's own limit is 8,190.
_LONGEST_LINE = 256 * 1024
_BACKLOG = 1_024
_HANG_CHECK_S = 0.05
_PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_REFUSED_CODES = {"500": "InternalError", "503": "ServiceUnavailable"}


class Endpoint:
    """Serves one World on one port. It can refuse connections for a while, and then serve on the same port again.

    Args:
        world: what it serves.
        product: which of Aliyun's products answers here.
    """

    def __init__(self, world: World, product: str = DYSMS) -> None:
        self._world = world
        self._product = product
        self._released = asyncio.Event()
        self._server: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self._held: socket.socket | None = None
        self._return: asyncio.Task[None] | None = None
        self._address = ("", 0)
        self._slow = SlowClients()
        self._looking: asyncio.Task[None] | None = None
        self._busy: set[web.RequestHandler] = set()

    @property
    def port(self) -> int:
        """The port that it serves, even while it refuses connections."""
        return self._address[1]

    @property
    def refusing(self) -> bool:
        """Whether connections are refused now."""
        return self._listener is None

    async def start(self, host: str, port: int) -> None:
        """Start serving.

        Raises:
            OSError: the address cannot be used.
        """
        self._server = web.Server(
            self._track,
            logger=LOGGER,
            access_log=None,
            lingering_time=LINGER_S,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        self._looking = asyncio.create_task(self._slow.close_silent(self._server))
        self._held = _bound(host, port)
        self._address = self._held.getsockname()[:2]
        await self.listen()

    async def stop(self) -> None:
        """Release hanging requests, and close every connection and the port."""
        self.release()
        if self._looking:
            self._looking.cancel()
        await self.refuse()
        if self._held:
            self._held.close()
        if self._server:
            await self._server.shutdown(timeout=1)

    def release(self) -> None:
        """Close the connections of all requests that hang."""
        self._released.set()
        self._released = asyncio.Event()

    async def refuse(self, seconds: float | None = None) -> None:
        """Refuse new connections. Idle ones are closed now, busy ones after their request.

        Args:
            seconds: time until it listens again; None waits for listen().
        """
        self._cancel_return()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            # A port that is bound but not listening refuses connections, and nobody else can take it.
            self._held = _bound(*self._address)
        for connection in self._server.connections if self._server else ():
            if connection in self._busy:
                connection.close()
            else:
                # close() would leave the socket of an idle connection open.
                connection.force_close()
        # asyncio closes the sockets in its next turn. The caller must find them closed.
        await asyncio.sleep(0)
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._return = loop.create_task(self._listen_after(seconds))

    async def listen(self) -> None:
        """Accept connections again, on the same port."""
        self._cancel_return()
        if self._listener is None and self._server and self._held:
            held, self._held = self._held, None
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(self._server, sock=held, backlog=_BACKLOG)

    async def _listen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._return = None
        await self.listen()

    def _cancel_return(self) -> None:
        if self._return:
            self._return.cancel()
            self._return = None

    async def _track(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        self._slow.heard(connection)
        self._busy.add(connection)
        try:
            return await self._handle(request)
        finally:
            self._busy.discard(connection)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            async with asyncio.timeout(BODY_S):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        world = self._world
        if request.rel_url.raw_path.startswith("/queues/"):
            return await self._handle_on_queue(request, body)
        if request.rel_url.raw_path.startswith(METADATA):
            call = _to_metadata(request)
            fault = world.faults.take(call.action, call.phones, call.out_id)
            return await (
                self._respond(handle(world, call)) if fault is None else self._act(request, call, fault)
            )
        try:
            call = world.gateway.admit(
                method=request.method,
                path=request.rel_url.raw_path,
                raw_query=request.rel_url.raw_query_string,
                headers=request.headers,
                body=body,
                now_s=world.gateway_now_s(),
                product=self._product,
            )
        except Refusal as refused:
            world.record.receive(_stranger(request, refused, world.clock.now()))
            world.inbox.add_unread(refused.code, world.clock.now())
            return await self._respond(refusal_answer(refused))
        fault = world.faults.take(call.action, call.phones, call.out_id)
        if fault is None:
            return await self._respond(handle(world, call))
        return await self._act(request, call, fault)

    async def _handle_on_queue(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        world = self._world
        try:
            call = admit_to_queue(
                world,
                method=request.method,
                path=request.rel_url.raw_path,
                raw_query=request.rel_url.raw_query_string,
                headers=request.headers,
                body=body,
            )
        except Refusal as refused:
            world.record.receive(_stranger(request, refused, world.clock.now()))
            return await self._respond(queue_refusal_answer(refused))
        fault = world.faults.take(call.action, call.phones, call.out_id)
        if fault is not None:
            return await self._act(request, call, fault)
        await self._wait_for_message(request, call)
        return await self._respond(handle(world, call))

    async def _wait_for_message(self, request: web.BaseRequest, call: Call) -> None:
        loop, released, queues = asyncio.get_running_loop(), self._released, self._world.queues
        end_s = loop.time() + longest_wait_s(call)
        while (
            loop.time() < end_s
            and not queues.waits(call.params["queue"], self._world.clock.now())
            and request.transport is not None
            and not released.is_set()
        ):
            await _wait(released.wait, _HANG_CHECK_S)

    async def _respond(self, answer: Answer) -> web.Response:
        settings = self._world.settings
        if settings.latency_ms > 0:
            await asyncio.sleep(settings.latency_ms / 1_000)
        headers = {"Content-Type": answer.content_type, answer.id_header: answer.request_id}
        if answer.retry_after_ms is not None:
            headers["x-acs-retry-after"] = str(answer.retry_after_ms)
        if settings.gateway_skew_s:
            headers["Date"] = formatdate(time.time() + settings.gateway_skew_s, usegmt=True)
        return web.Response(body=answer.body, status=answer.status, headers=headers)

    async def _act(self, request: web.BaseRequest, call: Call, fault: Fault) -> web.StreamResponse:
        if fault.kind == "late_accept":
            await asyncio.sleep(_seconds(fault, 1))
            return await self._respond(handle(self._world, call, fault))
        if fault.kind == "throttling":
            code = fault.code or "Throttling.User"
            swallow(self._world, call, fault, code)
            return await self._respond(refusal_answer(refusal(code, fault.message), fault.retry_after_ms))
        effect, _, moment = fault.kind.rpartition("_")
        if moment not in ("before", "after"):
            answer = handle(self._world, call, fault)
            if fault.kind == "latency":
                await asyncio.sleep(_seconds(fault, 1))
            return await self._respond(answer)
        if moment == "before":
            swallow(self._world, call, fault)
            return await self._lose(request, effect, fault, refusal_answer(refusal("UnknownError")))
        return await self._lose(request, effect, fault, handle(self._world, call, fault))

    async def _lose(
        self, request: web.BaseRequest, effect: str, fault: Fault, answer: Answer
    ) -> web.StreamResponse:
        if effect.startswith("http_"):
            return await self._server_error(effect.removeprefix("http_"))
        if effect == "non_json":
            return web.Response(body=_PROXY_PAGE, headers={"Content-Type": "text/html"})
        if effect == "truncated":
            return await _truncate(request, answer)
        if effect == "hang":
            await self._hang(request, fault.seconds)
        _disconnect(request, reset=effect == "reset")
        return web.Response()

    async def _server_error(self, status: str) -> web.Response:
        if code := _REFUSED_CODES.get(status):
            return await self._respond(refusal_answer(refusal(code)))
        return web.Response(body=_PROXY_PAGE, status=int(status), headers={"Content-Type": "text/html"})

    async def _hang(self, request: web.BaseRequest, seconds: float | None) -> None:
        loop, released = asyncio.get_running_loop(), self._released
        end_s = None if seconds is None else loop.time() + seconds
        # aiohttp does not tell a handler that its caller is gone, so look.
        while (
            request.transport is not None and (end_s is None or loop.time() < end_s) and not released.is_set()
        ):
            wait_s = _HANG_CHECK_S if end_s is None else min(_HANG_CHECK_S, max(0.0, end_s - loop.time()))
            await _wait(released.wait, wait_s)


async def _wait(event: Callable[[], Awaitable[object]], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event()
    except TimeoutError:
        pass


async def _truncate(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": answer.content_type})
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    _disconnect(request, reset=False)
    return response


def _disconnect(request: web.BaseRequest, *, reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    if not reset:
        transport.close()
        return
    # Linger for 0 seconds, so that closing sends RST instead of FIN.
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _to_metadata(request: web.BaseRequest) -> Call:
    # Also as from a proxy: a caller that thinks the service is at its own address is led here by HTTP_PROXY.
    params = {"method": request.method, "path": request.rel_url.raw_path}
    token = request.headers.get("x-aliyun-ecs-metadata-token")
    if token is not None:
        params["x-aliyun-ecs-metadata-token"] = token
    return Call(action=METADATA_ACTION, account="", params=params, phones=(), out_id="")


def _seconds(fault: Fault, usual: float) -> float:
    return usual if fault.seconds is None else fault.seconds


def _stranger(request: web.BaseRequest, answer: Refusal, now_s: float) -> Received:
    action = request.headers.get("x-acs-action", "")
    return Received(
        action=action, out_id="", phones=(), code=answer.code, fault=None, accepted=False, at_s=now_s
    )

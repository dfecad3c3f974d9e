"""The routes: receipts under a secret path, figures, and a sign of life."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from smsjobs.facts import ReportsDropped, tell
from smsjobs.receipts import LARGEST_PUSH, Receiver
from smsjobs.threads import in_thread, run_within
from smsjobs_server.body import BodyRefused, read_body
from smsjobs_server.forward import Forwarder, is_signed

if TYPE_CHECKING:
    from smsjobs import Sms
    from smsjobs_server.allowed import AllowedAddresses
    from smsjobs_server.metrics import MetricsPage

__all__ = ["make_app"]

#: Seconds for Redis to give a sign of life.
_ALIVE_S: Final = 1.0


def make_app(
    sms: Sms,
    *,
    secret: str | None,
    allowed: AllowedAddresses | None = None,
    forwarder: Forwarder | None = None,
    forward_secret: str | None = None,
    metrics: MetricsPage | None = None,
    pages: Any = None,
) -> Starlette:
    """The server as an ASGI application, which can be mounted in another one too.

    Args:
        sms: What `smsjobs.connect` gave.
        secret: The last part of the path for receipts. None: receipts are not taken.
        allowed: From which addresses receipts are taken. None: from all.
        forwarder: Passes on what this environment does not know; started and stopped by the caller.
        forward_secret: With which other environments sign what they pass on to this one. None: none of it is taken.
        metrics: Answers for ``/metrics``; started and stopped by the caller. None: there is no such page.
        pages: The operator's pages, an ASGI application that answers whatever nothing else does. None: there are none.
    """
    receiver = Receiver(sms, pass_on=forwarder.pass_on if forwarder else None)
    receiver.prepare()

    async def receipts(request: Request) -> Response:
        told: str = request.path_params["secret"]
        # In constant time, so that nobody finds the secret out letter by letter.
        if secret is None or not hmac.compare_digest(told.encode(), secret.encode()):
            return _not_found()
        if allowed is not None and not allowed.has(request.client.host if request.client else None):
            # It knows the secret, so an operator has to hear of it.
            tell(ReportsDropped(reason="wrong_address"))
            return _not_found()
        try:
            body = await read_body(request, largest=LARGEST_PUSH)
        except BodyRefused as refused:
            return Response(status_code=refused.args[0])
        except ClientDisconnect:
            return Response(status_code=400)
        if is_signed(body, request.headers, forward_secret) is False:
            tell(ReportsDropped(reason="wrong_signature"))
            return Response(status_code=401)
        answer = await receiver.handle_async(body)
        return Response(answer.body, answer.status, media_type=answer.content_type)

    async def alive(_: Request) -> Response:
        try:
            await in_thread(run_within, _ALIVE_S, sms.connection.redis().ping)
        except Exception:  # noqa: BLE001  whatever it is, Redis cannot be asked
            return JSONResponse({"status": "redis_unreachable"}, 503)
        return JSONResponse({"status": "ok"})

    routes: list[BaseRoute] = [
        Route("/receipts/{secret:path}", receipts, methods=["GET", "POST"]),
        Route("/healthz", alive, methods=["GET"]),
    ]
    if metrics:
        routes.append(Route("/metrics", metrics.answer, methods=["GET"]))
    if pages is not None:
        routes.append(Mount("/", app=pages))
    app = Starlette(routes=routes, exception_handlers={404: _any_error, 405: _any_error})
    app.router.redirect_slashes = False
    return app


def _not_found() -> Response:
    return Response(status_code=404)


async def _any_error(_: Request, __: Exception) -> Response:
    # A wrong secret, a wrong path, a wrong method and a wrong address look the same.
    return _not_found()

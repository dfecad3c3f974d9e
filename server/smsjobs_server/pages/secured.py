"""What a browser may do with our answers, and from whose pages it may ask for them."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

__all__ = ["NearOnly", "Secured", "is_same_origin"]

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]

_LOG: Final = logging.getLogger("smsjobs.pages")

#: Whether a traceback may be shown, as in the shell.
_DEBUG: Final = os.environ.get("SMS_DEBUG") == "1"

_HEADERS: Final = {
    # No script and no style within a page: what a stranger wrote into one does nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": a form would come without its origin then.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Pages hold numbers and codes. Scripts and styles are asked for again, and answered with 304.
    "Cache-Control": "no-store",
}
_STATIC: Final = "/static/"


class Secured:
    """An ASGI application whose answers have the headers that keep a page safe. A header of its own stays.

    What fails unexpectedly is answered with 500, and the log names its class only: a traceback of a template holds what is
    shown.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer, with the headers."""
        has_begun = False

        async def with_headers(message: _Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                if scope["path"].startswith(_STATIC):
                    headers.setdefault("Cache-Control", "no-cache")
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:
            _LOG.error("a page failed unexpectedly (%s)", type(error).__name__)
            if _DEBUG:
                raise
            if scope["type"] == "http" and not has_begun:
                await PlainTextResponse("This did not work.\n", 500)(scope, receive, with_headers)


class NearOnly:
    """An ASGI application for this machine's browser, without a password.

    It refuses what a browser sends for a page from elsewhere. Such a page has another origin, or a name that was made to
    lead here (DNS rebinding). So the Host must be an address, or a name without a dot, which nobody can have registered.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer, or refuse."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or (_is_near(headers.get("Host", "")) and is_same_origin(headers)):
            await self._app(scope, receive, send)
            return
        answer = PlainTextResponse("Open this page by its address, such as http://127.0.0.1.\n", 403)
        await answer(scope, receive, send)


def is_same_origin(headers: Headers) -> bool:
    """Whether the request is from one of our own pages, or from no page at all."""
    origin = headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("Host", "").lower():
        return False
    return headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none") or (
        # A link from elsewhere may lead to a page. It may not act.
        headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    )


def _is_near(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return "." not in name or bool(ip_address(name))
    except ValueError:
        return False

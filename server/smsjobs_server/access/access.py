"""Lets requests for pages in, and people log in and out."""

from __future__ import annotations

import functools
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from smsjobs.contract import visible
from smsjobs.facts import tell
from smsjobs_server.access.attempts import Attempts
from smsjobs_server.access.audit import Acted
from smsjobs_server.access.oidc import Oidc, OidcFailed
from smsjobs_server.access.upload import read_upload
from smsjobs_server.access.visitors import Role, Visitor
from smsjobs_server.pages import FormRefused, Forms

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from smsjobs_server.access.settings import AccessSettings
    from smsjobs_server.pages import Pages

__all__ = ["Access"]

#: Seconds after which somebody has to log in again, whatever he did meanwhile.
_SESSION_S: Final = 12 * 3600

#: Most characters of a name.
_LONGEST_NAME: Final = 200

#: The paths to log in, to come back to from the provider, and to log out.
LOGIN: Final = "/login"
_TO_OIDC: Final = "/login/oidc"
_FROM_OIDC: Final = "/login/oidc/back"
LOGOUT: Final = "/logout"

_Endpoint = Callable[[Request], Awaitable[Response]]
_Act = Callable[[Request, Mapping[str, str]], Awaitable[Response]]
_Upload = Callable[[Request, "FormData"], Awaitable[Response]]


class Access:
    """Who may see pages, and who may act there.

    Args:
        settings: The ways in.
        pages: Makes the pages to log in, and of refusals; this room is one of its packages.
        clock: Seconds since 1970.
    """

    def __init__(
        self, settings: AccessSettings, pages: Pages, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._pages = pages
        self._forms = Forms(settings.key.encode())
        self._clock = clock
        self._attempts = Attempts()
        self._oidc = Oidc(settings.oidc, back=f"{settings.url}{_FROM_OIDC}") if settings.oidc else None

    def middleware(self) -> list[Middleware]:
        """What the application of the pages needs around it: signed sessions."""
        # The prefix binds the cookie to this very host. A browser takes it by HTTPS only.
        name = "__Host-smsjobs" if self._settings.is_secure else "smsjobs"
        return [
            Middleware(
                SessionMiddleware,
                secret_key=self._settings.key,
                session_cookie=name,
                max_age=_SESSION_S,
                same_site="lax",
                https_only=self._settings.is_secure,
            )
        ]

    def routes(self) -> list[Route]:
        """The paths to log in and out."""
        routes = [
            Route(LOGIN, self._ask_to_log_in, methods=["GET"]),
            Route(LOGIN, self._log_in, methods=["POST"]),
            Route(LOGOUT, self._log_out, methods=["POST"]),
        ]
        if self._oidc:
            routes += [
                Route(_TO_OIDC, self._to_oidc, methods=["POST"]),
                Route(_FROM_OIDC, self._from_oidc, methods=["GET"]),
            ]
        return routes

    def seen_by(self, role: Role, endpoint: _Endpoint) -> _Endpoint:
        """The endpoint of a page, for those with this role or a higher one."""

        @functools.wraps(endpoint)
        async def guarded(request: Request) -> Response:
            return self._refusal(request, role) or await endpoint(request)

        return guarded

    def act(self, endpoint: _Act, *, role: Role = "operate") -> _Endpoint:
        """The endpoint of a form that does something: for those with this role, from one of our own pages.

        Args:
            endpoint: Gets the request, and the form's fields.
            role: The least that is needed.
        """

        @functools.wraps(endpoint)
        async def guarded(request: Request) -> Response:
            return self._refusal(request, role) or await self._with_form(request, endpoint)

        return guarded

    def upload(self, endpoint: _Upload, *, most: int, within_s: float) -> _Endpoint:
        """The endpoint of a form with a file, for those who may operate.

        Args:
            endpoint: Gets the request, and its form.
            most: Bytes of the whole body.
            within_s: Seconds for it to arrive.
        """

        @functools.wraps(endpoint)
        async def guarded(request: Request) -> Response:
            if refusal := self._refusal(request, "operate"):
                return refusal
            try:
                async with read_upload(request, most=most, within_s=within_s) as form:
                    self._forms.check(request, str(form.get("csrf", "")), self._session(request))
                    return await endpoint(request, form)
            except FormRefused as refused:
                return self._refused(request, refused)

        return guarded

    def visitor(self, request: Request) -> Visitor | None:
        """Who asks, if he is let in."""
        return self._from_proxy(request) or self._from_session(request)

    def form_token(self, request: Request) -> str:
        """What each form of this session has in it, so that another site cannot send one."""
        return self._forms.token(self._session(request))

    def _session(self, request: Request) -> str:
        """What tells this session from others."""
        if "id" not in request.session:
            request.session["id"] = secrets.token_urlsafe(16)
        return cast("str", request.session["id"])

    def _refusal(self, request: Request, role: Role) -> Response | None:
        visitor = self.visitor(request)
        if visitor is None:
            return self._log_in_first(request)
        request.state.visitor = visitor
        if role == "operate" and not visitor.may_operate:
            return self._pages.answer(request, "refused.html", status=403, why="role")
        return None

    def _log_in_first(self, request: Request) -> Response:
        # Only what shows something is come back to. A stream, or a part of a page, has no use for a form.
        is_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if not is_page or request.headers.get("HX-Request"):
            return Response(status_code=401)
        request.session["next"] = request.url.path
        return RedirectResponse(LOGIN, 303)

    def _from_proxy(self, request: Request) -> Visitor | None:
        settings = self._settings
        if settings.user_header is None or settings.proxies is None:
            return None
        if not settings.proxies.has(request.client.host if request.client else None):
            return None
        told = request.headers.getlist(settings.user_header)
        # Two of them: one may be what somebody sent to the proxy.
        if len(told) != 1 or not told[0].strip():
            return None
        name = told[0].strip()
        role = settings.roles.of([name])
        return _visitor(name, role, "proxy")

    def _from_session(self, request: Request) -> Visitor | None:
        told = request.session.get("visitor")
        if told is None:
            return None
        name, role, via, since = told
        if not 0 <= self._clock() - since < _SESSION_S:
            request.session.clear()
            return None
        return _visitor(name, role, via)

    def _let_in(self, request: Request, visitor: Visitor) -> Response:
        target = request.session.get("next", "/")
        # Nothing that somebody else put into the session stays in it.
        request.session.clear()
        request.session["visitor"] = [visitor.name, visitor.role, visitor.via, int(self._clock())]
        tell(Acted(by=visitor.name, via=visitor.via, act="login"))
        # It came from this site's own path, and two slashes would lead to another one.
        return RedirectResponse(f"/{target.lstrip('/')}", 303)

    async def _ask_to_log_in(self, request: Request) -> Response:
        if self.visitor(request):
            return RedirectResponse("/", 303)
        return self._login_page(request)

    def _login_page(self, request: Request, why: str = "", *, status: int = 200) -> Response:
        return self._pages.answer(
            request,
            "login.html",
            status=status,
            ways=self._settings.ways,
            why=why,
            csrf=self.form_token(request),
        )

    async def _log_in(self, request: Request) -> Response:
        return await self._with_form(request, self._try_token)

    async def _try_token(self, request: Request, form: Mapping[str, str]) -> Response:
        if not self._attempts.allow(self._client(request)):
            refused = self._login_page(request, "often", status=429)
            refused.headers["Retry-After"] = "60"
            return refused
        given = form.get("token", "").strip().encode("utf-8", "replace")
        role: Role | None = None
        tokens: tuple[tuple[Role, str | None], ...] = (
            ("view", self._settings.view_token),
            ("operate", self._settings.operate_token),
        )
        for each, token in tokens:
            # In constant time, so that nobody finds a token out letter by letter.
            if token is not None and hmac.compare_digest(given, token.encode()):
                role = each
        if role is None:
            tell(Acted(by="-", via="token", act="login", failed="wrong_token"))
            return self._login_page(request, "wrong", status=401)
        return self._let_in(request, Visitor(name=role, role=role, via="token"))

    async def _to_oidc(self, request: Request) -> Response:
        return await self._with_form(request, self._begin_oidc)

    async def _begin_oidc(self, request: Request, _: Mapping[str, str]) -> Response:
        if not self._attempts.allow(self._client(request)):
            return self._login_page(request, "often", status=429)
        assert self._oidc is not None  # noqa: S101  else there is no such route
        # An attempt that was given up leaves nothing behind: the cookie would grow.
        for name in set(request.session) - {"next", "id"}:
            del request.session[name]
        try:
            return await self._oidc.send_there(request)
        except OidcFailed as error:
            return self._oidc_failed(request, error)

    async def _from_oidc(self, request: Request) -> Response:
        assert self._oidc is not None  # noqa: S101  else there is no such route
        try:
            names = await self._oidc.names(request)
        except OidcFailed as error:
            return self._oidc_failed(request, error)
        visitor = _visitor(names[0], self._settings.roles.of(names), "oidc") if names else None
        if visitor is None:
            tell(
                Acted(
                    by=visible(names[0])[:_LONGEST_NAME] if names else "-",
                    via="oidc",
                    act="login",
                    failed="no_role",
                )
            )
            return self._login_page(request, "role", status=403)
        return self._let_in(request, visitor)

    def _oidc_failed(self, request: Request, error: Exception) -> Response:
        tell(Acted(by="-", via="oidc", act="login", failed=visible(str(error))[:_LONGEST_NAME]))
        return self._login_page(request, "provider", status=502)

    async def _log_out(self, request: Request) -> Response:
        return await self._with_form(request, self._end)

    async def _end(self, request: Request, _: Mapping[str, str]) -> Response:
        request.session.clear()
        return RedirectResponse(LOGIN, 303)

    async def _with_form(self, request: Request, endpoint: _Act) -> Response:
        try:
            fields = await self._forms.read(request, self._session(request))
        except FormRefused as refused:
            return self._refused(request, refused)
        except ClientDisconnect:
            return Response(status_code=400)
        return await endpoint(request, fields)

    def _refused(self, request: Request, refused: FormRefused) -> Response:
        status = refused.args[0]
        return self._pages.answer(request, "refused.html", status=status, why=f"form_{status}")

    def _client(self, request: Request) -> str | None:
        """The address of whoever asks: behind a proxy of ours, the one that it names last."""
        host = request.client.host if request.client else None
        proxies = self._settings.proxies
        if proxies is not None and proxies.has(host):
            told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            return told or host
        return host


def _visitor(name: str, role: Role | None, via: str) -> Visitor | None:
    if role is None:
        return None
    return Visitor(name=visible(name)[:_LONGEST_NAME], role=role, via=via)

"""Who may see pages and act there: by token, by a proxy's header, by an OpenID Connect provider; and what is written of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
from redis import Redis
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from smsjobs_server.access import Access, AccessSettings, Audit, Visitor
from smsjobs_server.pages import Pages as Templates
from support.facts import told
from support.oidc_provider import CLIENT, SECRET, OidcProvider

VIEW = "nv4Yw-2kTzq8Rb0LmXe6"
OPERATE = "Zr7Qd-9sHvp3Uc1KnWa5"
TOKENS = {"SMS_PAGES_VIEW_TOKEN": VIEW, "SMS_PAGES_OPERATE_TOKEN": OPERATE}
PROXY = {
    "SMS_PAGES_USER_HEADER": "X-Forwarded-Email",
    "SMS_PAGES_PROXIES": "192.0.2.0/24",
    "SMS_PAGES_VIEWERS": "*",
    "SMS_PAGES_OPERATORS": "li@example.com",
}
HTML = {"Accept": "text/html"}


def csrf_of(page: httpx.Response) -> str:
    """What its form has in it."""
    return re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]


class Pages:
    """Two pages and a form behind the access, for one visitor with his cookies."""

    def __init__(
        self, environ: Mapping[str, str], *, url: str = "http://127.0.0.1", client: str = "127.0.0.1"
    ) -> None:
        settings = AccessSettings.read(dict(environ), host="127.0.0.1")
        assert settings is not None
        self.now = 1_000_000.7
        self.acted: list[str] = []
        self.access = Access(settings, Templates("smsjobs_server.access"), clock=lambda: self.now)
        routes = [
            Route("/", self.access.seen_by("view", self._home)),
            Route("/secret", self.access.seen_by("operate", self._home)),
            Route("/act", self.access.act(self._act), methods=["POST"]),
            Route("/upload", self.access.upload(self._upload, most=50_000, within_s=5), methods=["POST"]),
        ]
        self.app = Starlette(routes=[*self.access.routes(), *routes], middleware=self.access.middleware())
        self.client = TestClient(self.app, base_url=url, client=(client, 5), follow_redirects=False)

    async def _home(self, request: Request) -> Response:
        visitor: Visitor = request.state.visitor
        told = {"name": visitor.name, "role": visitor.role, "via": visitor.via}
        return JSONResponse({**told, "csrf": self.access.form_token(request)})

    async def _act(self, request: Request, form: Mapping[str, str]) -> Response:
        self.acted.append(request.state.visitor.name)
        return PlainTextResponse(str(form.get("what")))

    async def _upload(self, _: Request, form: FormData) -> Response:
        file: Any = form["file"]
        return PlainTextResponse(str(len(await file.read())))

    def token(self) -> str:
        """What a form of this session has in it."""
        return csrf_of(self.client.get("/login"))

    def log_in(self, token: str) -> httpx.Response:
        """Log in by a token, as by the form."""
        return self.client.post("/login", data={"token": token, "csrf": self.token()})


@pytest.fixture
def pages() -> Pages:
    return Pages(TOKENS)


def test_nobody(pages: Pages) -> None:
    """Who is not let in sees no page and cannot act; a browser is led to the login, and back to where it wanted."""
    asked = pages.client.get("/secret", headers=HTML)
    assert (asked.status_code, asked.headers["Location"]) == (303, "/login")
    assert pages.client.get("/").status_code == 401
    assert pages.client.get("/", headers={**HTML, "HX-Request": "true"}).status_code == 401
    assert pages.client.post("/act", data={"csrf": pages.token()}, headers=HTML).status_code == 401
    assert pages.acted == []
    assert pages.log_in(OPERATE).headers["Location"] == "/secret"


@pytest.mark.parametrize(("token", "role"), [(VIEW, "view"), (OPERATE, "operate")])
def test_tokens(pages: Pages, token: str, role: str) -> None:
    """A token lets in with its role, until the person logs out."""
    assert pages.log_in(f" {token}\n").status_code == 303
    home = pages.client.get("/").json()
    assert (home["role"], home["via"]) == (role, "token")
    assert pages.client.post("/logout", data={"csrf": home["csrf"]}).status_code == 303
    assert pages.client.get("/").status_code == 401


@pytest.mark.parametrize("token", ["", VIEW[:-1], VIEW + "x", "é", VIEW.lower()])
def test_wrong_token(pages: Pages, token: str) -> None:
    """A wrong token lets nobody in, and is not written down."""
    with told() as facts:
        refused = pages.log_in(token)
    assert refused.status_code == 401
    assert pages.client.get("/").status_code == 401
    assert [each.failed for each in facts] == ["wrong_token"]
    assert len(token) < 5 or token not in repr(facts)


def test_viewer_cannot_act(pages: Pages) -> None:
    """A viewer with everything else in order is refused where somebody acts, before the form is looked at."""
    pages.log_in(VIEW)
    csrf = pages.client.get("/").json()["csrf"]
    assert pages.client.post("/act", data={"csrf": csrf, "what": "x"}).status_code == 403
    assert pages.client.get("/secret").status_code == 403
    assert pages.acted == []


def test_another_site(pages: Pages) -> None:
    """A form without the session's token, or with that of another session, does nothing."""
    pages.log_in(OPERATE)
    csrf = pages.client.get("/").json()["csrf"]
    other = Pages(TOKENS)
    other.log_in(OPERATE)
    for wrong in ("", "x", "é", csrf[:-1], other.client.get("/").json()["csrf"]):
        assert pages.client.post("/act", data={"csrf": wrong}).status_code == 403
        files = {"file": b"x"}
        assert pages.client.post("/upload", data={"csrf": wrong}, files=files).status_code == 403
    assert pages.client.post("/logout", data={"x": ""}).status_code == 403
    assert pages.acted == []
    assert pages.client.post("/act", data={"csrf": csrf, "what": "x"}).text == "x"
    assert pages.acted == ["operate"]


def test_login_of_another_site(pages: Pages) -> None:
    """Another site cannot log somebody in, nor keep the token of the session that was there before."""
    assert pages.client.post("/login", data={"token": VIEW}).status_code == 403
    before = pages.token()
    pages.log_in(OPERATE)
    assert pages.client.post("/act", data={"csrf": before}).status_code == 403


def test_many_attempts(pages: Pages) -> None:
    """After ten attempts in a minute a client has to wait, even with the right token, and others need not."""
    csrf = pages.token()
    for _ in range(10):
        assert pages.client.post("/login", data={"token": "wrong", "csrf": csrf}).status_code == 401
    late = pages.client.post("/login", data={"token": OPERATE, "csrf": csrf})
    assert (late.status_code, late.headers["Retry-After"]) == (429, "60")
    other = TestClient(
        pages.app, client=("192.0.2.9", 1), base_url="http://127.0.0.1", follow_redirects=False
    )
    theirs = csrf_of(other.get("/login"))
    assert other.post("/login", data={"token": OPERATE, "csrf": theirs}).status_code == 303


def test_cookie() -> None:
    """The session's cookie is closed to scripts and to other sites, and where people come by TLS goes by TLS only."""
    plain = Pages(TOKENS).log_in(VIEW).headers["Set-Cookie"].lower()
    assert plain.startswith("smsjobs=")
    assert {"httponly", "samesite=lax", "path=/"} <= {each.strip() for each in plain.split(";")}
    assert "secure" not in plain
    secure = Pages(TOKENS | {"SMS_PAGES_URL": "https://sms.example.com"}, url="https://sms.example.com")
    cookie = secure.log_in(VIEW).headers["Set-Cookie"].lower()
    assert cookie.startswith("__host-smsjobs=")
    assert "secure" in {each.strip() for each in cookie.split(";")}


def test_forged_session(pages: Pages) -> None:
    """A session that was not signed here, or was changed, is none."""
    pages.log_in(VIEW)
    good = pages.client.cookies["smsjobs"]
    other = Pages(TOKENS)  # another process, with a key of its own
    other.log_in(OPERATE)
    for forged in (other.client.cookies["smsjobs"], good[:-2], f"e30{good}", "x"):
        pages.client.cookies.clear()
        pages.client.cookies.set("smsjobs", forged)
        assert pages.client.get("/").status_code == 401


def test_end_of_session(pages: Pages) -> None:
    """A session ends twelve hours after the login, however busy it was."""
    pages.log_in(VIEW)
    for _ in range(11):
        pages.now += 3600
        assert pages.client.get("/").status_code == 200
    pages.now += 3601
    assert pages.client.get("/").status_code == 401


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        ("192.0.2.7", [("X-Forwarded-Email", "li@example.com")], "operate"),
        ("192.0.2.7", [("X-Forwarded-Email", "zhao@example.com")], "view"),
        ("198.51.100.7", [("X-Forwarded-Email", "li@example.com")], None),  # not the proxy
        ("192.0.2.7", [], None),
        ("192.0.2.7", [("X-Forwarded-Email", " ")], None),
        (
            "192.0.2.7",
            [("X-Forwarded-Email", "li@example.com"), ("X-Forwarded-Email", "x@example.com")],
            None,
        ),
        ("192.0.2.7", [("X-Forwarded-User", "li@example.com")], None),
    ],
)
def test_proxy(client: str, headers: list[tuple[str, str]], expected: str | None) -> None:
    """A proxy's header is believed from the proxy's addresses only, and only where it stands once."""
    answer = Pages(PROXY, client=client).client.get("/", headers=headers)
    assert answer.status_code == (401 if expected is None else 200)
    if expected:
        assert (answer.json()["role"], answer.json()["via"]) == (expected, "proxy")


def test_proxy_header_is_forged_elsewhere(pages: Pages) -> None:
    """Where no proxy is named, the header lets nobody in."""
    assert pages.client.get("/", headers={"X-Forwarded-Email": "li@example.com"}).status_code == 401


def test_large_form(pages: Pages) -> None:
    """A form that is larger than it may be is refused while it comes, with or without its length told."""
    pages.log_in(OPERATE)
    csrf = pages.client.get("/").json()["csrf"]
    send = pages.client.post
    assert send("/act", data={"csrf": csrf, "what": "x" * 70_000}).status_code == 413
    parts = iter([b"what=", *[b"x" * 10_000] * 10])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert send("/act", content=parts, headers=headers).status_code == 413
    assert send("/upload", data={"csrf": csrf}, files={"file": b"x" * 40_000}).text == "40000"
    assert send("/upload", data={"csrf": csrf}, files={"file": b"x" * 60_000}).status_code == 413
    two = [("file", b"x"), ("file", b"y")]
    assert send("/upload", data={"csrf": csrf}, files=two).status_code == 415
    assert send("/act", data={f"f{n}": "x" for n in range(200)}).status_code == 415
    assert pages.acted == []


@pytest.fixture(scope="module")
def running_provider() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def provider(running_provider: OidcProvider) -> OidcProvider:
    running_provider.claims, running_provider.denies = {}, False
    running_provider.told_issuer, running_provider.signs_with = running_provider.issuer, running_provider.key
    return running_provider


def by_oidc(provider: OidcProvider, *, forget: bool = False) -> tuple[Pages, httpx.Response]:
    """Log in by the provider, as a browser does."""
    pages = Pages(
        {
            "SMS_PAGES_OIDC_ISSUER": provider.issuer,
            "SMS_PAGES_OIDC_CLIENT_ID": CLIENT,
            "SMS_PAGES_OIDC_CLIENT_SECRET": SECRET,
            "SMS_PAGES_OPERATORS": "li@example.com group:sms",
            "SMS_PAGES_VIEWERS": "8f3a",
            "SMS_PAGES_URL": "http://127.0.0.1",
        }
    )
    there = pages.client.post("/login/oidc", data={"csrf": pages.token()})
    if there.status_code != 302:
        return pages, there
    back = httpx.get(there.headers["Location"]).headers["Location"]
    if forget:
        pages.client.cookies.clear()
    return pages, pages.client.get(f"{urlsplit(back).path}?{urlsplit(back).query}")


@pytest.mark.parametrize(
    ("claims", "name", "role"),
    [
        ({"email": "Li@example.com", "email_verified": True}, "Li@example.com", "operate"),
        ({"email": "li@example.com", "email_verified": False}, "8f3a", "view"),
        ({"email": "li@example.com", "email_verified": "true"}, "8f3a", "view"),  # a text proves nothing
        ({"email": "li@example.com"}, "8f3a", "view"),
        ({"groups": ["sms", 3]}, "8f3a", "operate"),
        ({"sub": "other"}, None, None),
        ({"sub": "li@example.com", "groups": "sms"}, "li@example.com", "operate"),
        ({"sub": "*"}, None, None),
    ],
)
def test_oidc(provider: OidcProvider, claims: dict[str, Any], name: str | None, role: str | None) -> None:
    """Whoever a provider signs in has the role of a verified address, of his id, or of a group of his."""
    provider.claims = claims
    pages, answer = by_oidc(provider)
    if name is None:
        assert answer.status_code == 403
        assert pages.client.get("/").status_code == 401
        return
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    home = pages.client.get("/").json()
    assert (home["name"], home["role"], home["via"]) == (name, role, "oidc")


@pytest.mark.parametrize(
    "claims",
    [{"iss": "http://127.0.0.1:1"}, {"aud": "other-client"}, {"exp": 1}, {"nonce": "other"}, {"sub": None}],
)
def test_token_for_others(provider: OidcProvider, claims: dict[str, Any]) -> None:
    """A token of another issuer, for another client, of another time or another login lets nobody in."""
    provider.claims = claims
    pages, answer = by_oidc(provider)
    assert answer.status_code == 502
    assert pages.client.get("/").status_code == 401


def test_unsigned_token(provider: OidcProvider) -> None:
    """A token that nobody signed, or somebody else, lets nobody in, even where the provider says that it permits them."""
    provider.signs_with = None
    assert by_oidc(provider)[1].status_code == 502
    provider.signs_with = type(provider.key).generate_key(2048, {"kid": "one"})
    assert by_oidc(provider)[1].status_code == 502


def test_provider_denies(provider: OidcProvider) -> None:
    """Where the provider says no, is another one than was set, or the login began in another browser, nobody is let in."""
    provider.denies = True
    assert by_oidc(provider)[1].status_code == 502
    provider.denies = False
    assert by_oidc(provider, forget=True)[1].status_code == 502
    provider.told_issuer = "http://127.0.0.1:1"
    assert by_oidc(provider)[1].status_code == 502


def test_audit(redis_url: str) -> None:
    """What somebody does is written down with who and when, the newest first, as a line of the log too; no text harms it."""
    with Redis.from_url(redis_url, decode_responses=True) as redis, told() as facts:
        audit = Audit(redis)
        li = Visitor(name="li@example.com", role="operate", via="oidc")
        audit.note(li, "job.retry", "k3qv7a-1")
        audit.note(li, "job.retry", "k3qv7a-1", failed="payload_gone")
        audit.note(li, "campaign.start", "a\nb\x1b[31m" + "x" * 500)
        redis.xadd("sms:audit", {b"by": b"\xff", b"strange": b"1"})
        entries = [each for _, each in audit.newest(10)]
        assert [each.act for each in entries] == ["", "campaign.start", "job.retry", "job.retry"]
        assert [each.failed for each in entries] == ["", "", "payload_gone", ""]
        assert len(entries[1].target) == 200
        assert not re.search(r"[\x00-\x1f]", entries[1].target)
        first = audit.newest(1)[0][0]
        assert [each.act for _, each in audit.newest(1, before=first)] == ["campaign.start"]
    assert [each.act for each in facts] == ["job.retry", "job.retry", "campaign.start"]


def test_audit_is_bounded(redis_url: str) -> None:
    """The log in Redis keeps the newest ten thousand entries, and some more."""
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        pipe = redis.pipeline(transaction=False)
        for number in range(12_000):
            pipe.xadd("sms:audit", {"act": f"{number}"})
        pipe.execute()
        Audit(redis).note(Visitor(name="li", role="operate", via="token"), "last")
        assert 10_000 <= redis.xlen("sms:audit") < 10_200

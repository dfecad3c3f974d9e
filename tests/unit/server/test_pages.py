"""What all pages stand on: the language, escaping, headers, forms, and who may ask."""

import asyncio

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from smsjobs_server.pages import (
    FormRefused,
    Forms,
    NearOnly,
    Pages,
    Secured,
    chosen_language,
    told,
    translated,
)

PHONE = "13800138000"
ATTACK = "<script>alert(1)</script>\"'{{ 7*7 }}"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        pytest.param(None, "en", id="no header"),
        pytest.param("zh-CN,zh;q=0.9,en;q=0.8", "zh", id="a Chinese browser"),
        pytest.param("en-US,en;q=0.9,zh;q=0.8", "en", id="an English browser that knows Chinese"),
        pytest.param("de, zh-Hant;q=0.4, en;q=0.3", "zh", id="neither first"),
        pytest.param("fr", "en", id="none of ours"),
        pytest.param("zh;q=0, en;q=0.1", "en", id="refused"),
        pytest.param("zh;q=nan;q=,;;=,\x00", "zh", id="rubbish behind it"),
        pytest.param("x" * 100_000 + ",zh", "en", id="too long to be read"),
    ],
)
def test_the_language_is_the_browsers(header: str | None, language: str) -> None:
    """Chinese or English, whichever the browser likes better, and English for whoever likes neither."""
    assert chosen_language(header) == language


def test_errors_are_told_in_the_readers_language() -> None:
    """What the library says of an error is Chinese on a Chinese page, with its values; what nobody knows stays as it is."""
    said = "the endpoint's name does not resolve; the job expires before it could be tried again"
    assert told("zh", said) == "接口地址的域名无法解析；任务在再次尝试之前就会过期"
    assert told("en", said) == said
    assert (
        told("zh", f"a text of another Type's: {ATTACK} %s {{0}}")
        == f"a text of another Type's: {ATTACK} %s {{0}}"
    )


def app() -> Starlette:
    pages, forms = Pages(), Forms(b"key")

    async def page(request: Request):
        return pages.answer(request, "base.html")

    async def act(request: Request):
        try:
            return PlainTextResponse(str(dict(await forms.read(request))))
        except FormRefused as refused:
            return PlainTextResponse("", refused.args[0])

    async def broken(_: Request):
        raise ValueError(PHONE)

    routes = [Route("/", page), Route("/broken", broken), Route("/act", act, methods=["POST"]), pages.static]
    return Starlette(routes=routes)


def ask(
    method: str, path: str, base: str = "http://127.0.0.1:9", *, near: bool = True, **more
) -> httpx2.Response:
    async def asked() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=Secured(NearOnly(app()) if near else app()))
        async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(method, path, **more)

    return asyncio.run(asked())


def test_a_page_in_the_browsers_language() -> None:
    """A page is in the language that was asked for, says so, and forbids everything that it does not need."""
    answer = ask("GET", "/", headers={"Accept-Language": "zh-CN"})
    assert answer.headers["Content-Language"] == "zh"
    assert ('<html lang="zh-CN">' in answer.text, translated("zh", "Skip to the content") in answer.text) == (
        True,
        True,
    )
    policy = answer.headers["Content-Security-Policy"]
    assert ("unsafe" in policy, "default-src 'none'" in policy, "frame-ancestors 'none'" in policy) == (
        False,
        True,
        True,
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["style.css", "page.js", "icon.svg", "vendored/htmx.min.js", "vendored/LICENSE.txt"]
)
def test_what_pages_load_is_there(name: str) -> None:
    """Scripts, styles and the licence of what is not ours are served, and asked for again each time."""
    answer = ask("GET", f"/static/pages/{name}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


def test_every_value_is_escaped() -> None:
    """A value in a page and a value in a text of the catalogue stay text."""
    pages = Pages()
    template = pages._environments["zh"].from_string("{{ value }} {{ _('Said: %(value)s', value=value) }}")
    shown = template.render(value=ATTACK)
    assert ("<script" in shown, "&lt;script&gt;" in shown, "49" in shown) == (False, True, False)


@pytest.mark.parametrize(
    ("base", "headers", "status"),
    [
        pytest.param("http://127.0.0.1:9", {}, 200, id="by address"),
        pytest.param("http://localhost:9", {}, 200, id="by a name without a dot"),
        pytest.param("http://[::1]:9", {}, 200, id="by an address of IPv6"),
        pytest.param("http://evil.example:9", {}, 403, id="a name that was made to lead here"),
        pytest.param(
            "http://127.0.0.1:9", {"Origin": "http://evil.example"}, 403, id="a page from elsewhere"
        ),
        pytest.param("http://127.0.0.1:9", {"Origin": "http://127.0.0.1:10"}, 403, id="another port"),
        pytest.param("http://127.0.0.1:9", {"Origin": "null"}, 403, id="a page without an origin"),
        pytest.param(
            "http://127.0.0.1:9", {"Sec-Fetch-Site": "cross-site"}, 403, id="a script from elsewhere"
        ),
        pytest.param(
            "http://127.0.0.1:9",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
            200,
            id="a link from elsewhere",
        ),
    ],
)
def test_only_near_pages_are_answered(base: str, headers: dict, status: int) -> None:
    """A page from elsewhere gets nothing, by whatever name it asks."""
    assert ask("GET", "/", base, headers=headers).status_code == status


def test_an_unexpected_failure_tells_its_class_only(caplog: pytest.LogCaptureFixture) -> None:
    """What a page could not do is answered with 500 and the headers; neither answer nor log has what it was about."""
    answer = ask("GET", "/broken")
    assert (answer.status_code, "Content-Security-Policy" in answer.headers) == (500, True)
    assert (PHONE in answer.text, PHONE in caplog.text, "ValueError" in caplog.text) == (False, False, True)


TOKEN = Forms(b"key").token()


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        pytest.param({"csrf": TOKEN, "a": "1"}, {}, 200, id="our own form"),
        pytest.param({"a": "1"}, {"X-CSRF-Token": TOKEN}, 200, id="by the header"),
        pytest.param({"a": "1"}, {}, 403, id="no token"),
        pytest.param({"csrf": Forms(b"other").token(), "a": "1"}, {}, 403, id="another server's token"),
        pytest.param({"csrf": Forms(b"key").token("x"), "a": "1"}, {}, 403, id="another session's token"),
        pytest.param({"csrf": "数", "a": "1"}, {}, 403, id="not a token"),
        pytest.param({"csrf": TOKEN}, {"Sec-Fetch-Site": "same-site"}, 403, id="a neighbour's page"),
        pytest.param(
            {"csrf": TOKEN}, {"Content-Type": "text/plain"}, 415, id="as text, which needs no preflight"
        ),
        pytest.param({"csrf": TOKEN, "a": "x" * 70_000}, {}, 413, id="too large"),
        pytest.param({str(each): "" for each in range(200)}, {}, 415, id="too many fields"),
    ],
)
def test_a_form_is_our_own(form: dict, headers: dict, status: int) -> None:
    """A form acts only with the token of its session, from a page of ours."""
    answer = ask("POST", "/act", near=False, data=form, headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.text == "{'a': '1'}"

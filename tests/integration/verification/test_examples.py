"""The example applications, over the stand-ins that they too can be tested with."""

import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import smsjobs
from smsjobs import AliyunRejected, QueueUnavailable, testing
from support.code_examples import CLIENT, FRAMEWORKS, Browser

PHONE = "13800138000"


@pytest.fixture
def sms(monkeypatch: pytest.MonkeyPatch) -> testing.FakeSms:
    sms = testing.connect()
    monkeypatch.setattr(smsjobs, "connect", lambda: sms)
    return sms


@pytest.fixture(params=FRAMEWORKS)
def browser(request: pytest.FixtureRequest, sms: testing.FakeSms) -> Iterator[Browser]:
    return Browser(request.param)


def test_page(browser: Browser) -> None:
    """The page is there, and lets a phone fill in the code."""
    assert "one-time-code" in browser.page()


def test_login(browser: Browser) -> None:
    """A number is logged in by the code that it was sent, once."""
    sent = browser.post("/code", phone=PHONE)
    assert (sent.status, sent.body["retry_after"]) == (202, 60)
    wrong = browser.post("/login", code="x")
    assert (wrong.status, wrong.body) == (403, {"status": "wrong", "tries_left": 4})
    code = browser.module.login.last_code(PHONE)
    assert browser.post("/login", code=code).body["status"] == "ok"
    assert browser.post("/login", code=code).status == 403


def test_one_account_a_number(browser: Browser) -> None:
    """However somebody types the number, it is the same one that is logged in."""
    browser.post("/code", phone=f"+86{PHONE}")
    assert browser.post("/login", code=browser.module.login.last_code(PHONE)).body["status"] == "ok"
    assert browser.session()["user"] == PHONE


def test_login_begins_a_session(browser: Browser) -> None:
    """Of what the session held before the login nothing is left: it may be somebody else's."""
    browser.visited_before()
    assert browser.session() == {"before": "x"}
    browser.post("/code", phone=PHONE)
    assert set(browser.session()) == {"before", "phone", "until"}
    assert browser.post("/login", code=browser.module.login.last_code(PHONE)).status == 200
    assert browser.session() == {"user": PHONE}


def test_forged_request(sms: testing.FakeSms) -> None:
    """Django's page gives its forms what protects them against requests of other sites, and refuses those."""
    from django.test import Client

    module = Browser("django").module
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=CLIENT)
    client.get("/")
    asked = {"path": "/code", "data": {"phone": PHONE}, "content_type": "application/json"}
    assert client.post(**asked).status_code == 403
    assert sms.messages == []
    assert client.post(**asked, headers={"X-CSRFToken": client.cookies["csrftoken"].value}).status_code == 202
    assert module.login.last_code(PHONE)


def test_stranger(browser: Browser) -> None:
    """Who has asked for no code can try none, so that nobody can use up another's tries."""
    answer = browser.post("/login", code="123456")
    assert (answer.status, answer.body["status"]) == (403, "none_sent")


def test_stranger_who_asked_before(
    browser: Browser, sms: testing.FakeSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked for a number's code may try that one, but none that its owner asks for later: neither guess at it, nor
    use up its tries, nor learn that there is one.
    """  # noqa: D205  one sentence
    browser.post("/code", phone=PHONE)
    later = time.time() + 300
    monkeypatch.setattr(time, "time", lambda: later)
    sms.advance(300)
    login = browser.module.login
    login.send(PHONE)
    for code in ("x", login.last_code(PHONE)):
        answer = browser.post("/login", code=code)
        assert (answer.status, answer.body) == (403, {"status": "none_sent"})
    assert login.check(PHONE, "x").tries_left == 4


@pytest.mark.parametrize("ends", ["used", "too_many_tries", "expired"])
def test_end_of_a_code(browser: Browser, sms: testing.FakeSms, ends: str) -> None:
    """Whose code was used, guessed at too often or is over has to ask for another one before trying again."""
    login = browser.module.login
    browser.post("/code", phone=PHONE)
    match ends:
        case "used":
            login.check(PHONE, login.last_code(PHONE))
        case "too_many_tries":
            for _ in range(5):
                login.check(PHONE, "x")
        case "expired":
            sms.advance(300)
    assert browser.post("/login", code="x").body["status"] == ("none_sent" if ends == "used" else ends)
    sms.advance(60)
    login.send(PHONE)
    assert browser.post("/login", code=login.last_code(PHONE)).body == {"status": "none_sent"}
    assert login.check(PHONE, login.last_code(PHONE))


def test_too_soon(browser: Browser) -> None:
    """A resend in the same minute is refused, with the seconds to wait in body and header."""
    browser.post("/code", phone=PHONE)
    again = browser.post("/code", phone=PHONE)
    assert (again.status, again.retry_after) == (429, "60")
    assert again.body == {"code": 46003, "reason": "number_limit", "retry_after": 60}


def test_client_address(browser: Browser, sms: testing.FakeSms) -> None:
    """The visitor's address is counted."""
    statuses = [browser.post("/code", phone=f"138001380{each:02}").status for each in range(11)]
    assert statuses == [202] * 10 + [429]
    assert CLIENT not in repr(sms.messages)


@pytest.mark.parametrize(("proxy", "last"), [(None, 429), ("127.0.0.1", 202)])
def test_forwarded_address_under_uvicorn(
    sms: testing.FakeSms, monkeypatch: pytest.MonkeyPatch, proxy: str | None, last: int
) -> None:
    """Uvicorn believes anybody on its machine who says for whom he asks; the example does only where a proxy is named."""
    monkeypatch.delenv("WEB_PROXY", raising=False)
    if proxy:
        monkeypatch.setenv("WEB_PROXY", proxy)
    app = ProxyHeadersMiddleware(Browser("fastapi").module.app)
    visitor = TestClient(app, client=("127.0.0.1", 50000))
    statuses = [
        visitor.post(
            "/code",
            json={"phone": f"138001380{number:02}"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        ).status_code
        for number in range(11)
    ]
    assert statuses == [202] * 10 + [last]


def test_no_client_address(browser: Browser, sms: testing.FakeSms) -> None:
    """Behind a Unix socket, where a server knows no address until it is told to believe its proxy, nothing is sent rather
    than the limit for addresses dropped.
    """  # noqa: D205  one sentence
    browser.comes_from(None)
    assert browser.post("/code", phone=PHONE).status == 400
    assert sms.messages == []


@pytest.mark.parametrize("phone", [None, "", "12345"])
def test_bad_number(browser: Browser, phone: str | None) -> None:
    """What is no number is the visitor's mistake."""
    answer = browser.post("/code", phone=phone)
    assert answer.status == 400
    assert answer.body["reason"], "the page shows it"


@pytest.mark.parametrize("path", ["/code", "/login"])
@pytest.mark.parametrize("text", ["[1]", "1", "null", "{", pytest.param("[" * 9_000, id="nested")])
def test_bad_body(browser: Browser, path: str, text: str) -> None:
    """A body that is no JSON object is the visitor's mistake, and is told so in JSON."""
    browser.post("/code", phone=PHONE)
    answer = browser.post_text(path, text)
    assert (answer.status, answer.body["reason"]) == (400, "bad_request")


def test_body_of_another_kind(browser: Browser) -> None:
    """A body that does not claim to be JSON is answered in JSON all the same."""
    assert isinstance(browser.post_text("/code", "phone=1", "text/plain").body["reason"], str)


def test_autofilled_number(browser: Browser) -> None:
    """The number as a browser fills it in is understood."""
    assert browser.post("/code", phone="+86 138 0013 8000").status == 202


def test_rejected(browser: Browser, sms: testing.FakeSms) -> None:
    """What Aliyun rejected is told as "try again", with our code."""
    sms.end_next_with(AliyunRejected("no balance", aliyun_code="isv.AMOUNT_NOT_ENOUGH"))
    answer = browser.post("/code", phone=PHONE)
    assert (answer.status, answer.body["code"]) == (503, 46002)


def test_redis_unreachable(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Redis is unreachable the page says so instead of failing."""

    def unreachable(*_: object) -> None:
        raise QueueUnavailable

    monkeypatch.setattr(browser.module.login._store, "issue", unreachable)
    answer = browser.post("/code", phone=PHONE)
    assert (answer.status, answer.body["reason"]) == (503, "queue_unavailable")

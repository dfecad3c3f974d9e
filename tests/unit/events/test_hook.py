"""Handing over by HTTP: signed, bounded in time, redirects not followed."""

import pytest

from smsjobs.events import Hook, InvalidHook
from support.hook_server import SECRET, HookServer
from support.polling import in_time

BODY = '{"type": "job.settled", "name": "张三"}'.encode()


def test_signed_as_standard_webhooks_ask() -> None:
    """What is handed over is what was given, under its id, with a signature that the secret's owner can check."""
    with HookServer() as server:
        assert Hook(url=server.url, secret=SECRET).post("evt_1", BODY) is None
        assert (server.events, server.ids) == ([{"type": "job.settled", "name": "张三"}], ["evt_1"])


def test_another_secret_is_refused() -> None:
    """Who signs with another secret is told so by the other side, and nothing is taken."""
    with HookServer() as server:
        other = "whsec_" + "A" * 32
        assert Hook(url=server.url, secret=other).post("evt_1", BODY) == "status 401"
        assert (server.forged, server.events) == (1, [])


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (500, "status 500"),
        (410, "status 410"),
        ("redirect", "status 307"),
        ("hang", "timeout"),
        ("trickle", "timeout"),
    ],
)
def test_failures(fault: str | int, word: str) -> None:
    """Whatever the other side does, a try ends in its time with a word about it, and no redirect is followed."""
    with HookServer() as server:
        server.fault = lambda _: fault
        with in_time(2):
            assert Hook(url=server.url, secret=SECRET, within_s=0.5).post("evt_1", BODY) == word
        assert server.redirected == 0


def test_nobody_there() -> None:
    """A refused connection, an unknown host and a TLS address that speaks none are failures with a word, too."""
    with HookServer() as server:
        tls = server.url.replace("http://", "https://")
        assert Hook(url=tls, secret=SECRET, within_s=1).post("1", BODY) in ("tls failed", "timeout")
        url = server.url
    assert Hook(url=url, secret=SECRET).post("1", BODY) == "connection refused"
    assert Hook(url="http://does-not-exist.invalid/", secret=SECRET).post("1", BODY) == "unknown host"


def test_down_and_up_again() -> None:
    """After three failures in a row an address rests before its next try; one success makes it well."""
    with HookServer() as server:
        hook = Hook(url=server.url, secret=SECRET)
        server.fault = lambda _: 503
        assert [(hook.post("1", BODY), hook.is_down) for _ in range(3)][-1] == ("status 503", True)
        assert hook.is_resting
        server.fault = lambda _: "ok"
        hook.post("1", BODY)
        assert not hook.is_down
        assert not hook.is_resting


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sms.example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "http://example.com:0x/",
        "http://example.com:99999/",
        "http://user:password@example.com/",
        "http://example.com/#part",
        "http://example.com/a b",
        "http://example.com/\r\nX: y",
        "http://例子.com/",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    """Only http and https, with a host and without a user, are taken; the error does not show the address."""
    with pytest.raises(InvalidHook) as caught:
        Hook(url=url, secret=SECRET)
    assert not url or url not in str(caught.value)


@pytest.mark.parametrize("secret", ["", "whsec_", "short", "whsec_c2hvcnQ=", "whsec_!!!"])
def test_a_secret_that_is_none(secret: str) -> None:
    """A secret that is too short or not base64 is refused with the way to make one."""
    with pytest.raises(InvalidHook, match="token_bytes"):
        Hook(url="http://example.com/", secret=secret)


def test_nothing_shows_address_or_secret() -> None:
    """Neither is in a repr: an address may hold a token."""
    shown = repr(Hook(url="http://example.com/token", secret=SECRET))
    assert "token" not in shown
    assert SECRET not in shown

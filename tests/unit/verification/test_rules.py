"""What `element.verification` takes, and what of a call is checked before anything is counted."""

import asyncio
from typing import Any

import pytest

from smsjobs import InvalidArguments, SettingsError, VerificationRefused, connect, testing
from smsjobs.verification import Attempt, Limit
from smsjobs.verification.client_address import counted_address

PHONE = "13800138000"


def make(**options: Any) -> testing.FakeVerification:
    options = {"verifyTemplateCode": "SMS_1", **options}
    return (
        testing.connect().getElement("SMS.Example").verification(options.pop("purpose", "login"), **options)
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"purpose": ""}, "purpose"),
        ({"purpose": "log in"}, "purpose"),
        ({"purpose": "登录"}, "purpose"),
        ({"purpose": "x" * 65}, "purpose"),
        ({"verifyTemplateCode": None}, "verifyTemplateCode"),
        ({"verifyTemplateCode": " "}, "verifyTemplateCode"),
        ({"ttl": 0}, "ttl"),
        ({"ttl": 3601}, "ttl"),
        ({"ttl": float("nan")}, "ttl"),
        ({"ttl": True}, "ttl"),
        ({"ttl": "300"}, "ttl"),
        ({"digits": 3}, "digits"),
        ({"digits": 7}, "digits"),
        ({"digits": True}, "digits"),
        ({"param": ""}, "params"),
        ({"param": None}, "params"),
        ({"max_checks": 0}, "max_checks"),
        ({"max_checks": 1.5}, "max_checks"),
        ({"per_number": 5}, "per_number"),
        ({"per_client": (1, 2, 3)}, "per_client"),
        ({"ceiling": 5}, "ceiling"),
        # One text would be taken for its characters, and 8 would let half of the world in.
        ({"countries": "86"}, "countries"),
        ({"countries": []}, "countries"),
        ({"countries": ["+86"]}, "countries"),
        ({"countries": [86]}, "countries"),
        ({"countries": 86}, "countries"),
        ({"countries": iter([])}, "countries"),
        ({"ttl": 10**400}, "ttl"),
        ({"ttl": float("inf")}, "ttl"),
        ({"digits": 6.0}, "digits"),
        ({"param": []}, "params"),
        ({"param": 7}, "params"),
        ({"guard": "captcha"}, "guard"),
        ({"guard": False}, "guard"),
    ],
)
def test_bad_rule(options: dict[str, Any], named: str) -> None:
    """A rule that is wrong is refused when it is made, by its name, with 46001."""
    with pytest.raises(InvalidArguments, match=named):
        make(**options)


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "1"])
def test_bad_limit(most: Any) -> None:
    """A limit is a whole number from 1, or none."""
    with pytest.raises(InvalidArguments, match="hour"):
        Limit(hour=most)


def test_real_one_needs_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SMS_CODE_SECRET there are no verification codes, and the error says how to make one."""
    monkeypatch.delenv("SMS_CODE_SECRET", raising=False)
    element = connect(broker_url="redis://127.0.0.1:1").getElement("SMS.Example")
    with pytest.raises(SettingsError, match="SMS_CODE_SECRET is missing"):
        element.verification("login", verifyTemplateCode="SMS_1")


@pytest.mark.parametrize(
    "phone",
    [None, "", "12345", 13800138000, "1380013800O", ["13800138000"], "+", " ", "138" * 1000],
)
def test_bad_phone(phone: Any) -> None:
    """What is not a valid phone number is refused by send and check, without its value."""
    login = make()
    for call in (lambda: login.send(phone), lambda: login.check(phone, "123456")):
        with pytest.raises(InvalidArguments, match=r"phone is not (a valid phone number|text)") as caught:
            call()
        assert "138" not in str(caught.value)


@pytest.mark.parametrize("phone", ["+13105551234", "0013105551234", "+1 (310) 555-1234", "+13800138000"])
def test_north_american_number(phone: str) -> None:
    """A North American number that Aliyun would take for a mainland one is refused by send, check and the fake alike,
    without its value: the code would go to somebody in China.
    """  # noqa: D205  one sentence
    login = make()
    for call in (login.send, lambda each: login.check(each, "123456"), login.last_code):
        with pytest.raises(InvalidArguments, match=r"write \+86") as caught:
            call(phone)
        assert "310" not in str(caught.value) + repr(caught.value)
        assert caught.value.__context__ is None
    with pytest.raises(LookupError):
        login.last_code("13105551234")


@pytest.mark.parametrize("code", [None, 123456, b"123456"])
def test_bad_code(code: Any) -> None:
    """A code that is no text is refused."""
    with pytest.raises(InvalidArguments, match="code must be text"):
        make().check(PHONE, code)


@pytest.mark.parametrize(
    "phone",
    [
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        PHONE,
        # A browser fills a field in like this, and a phone's address book puts invisible marks around it.
        "+86 138 0013 8000",
        "\u2066+86 138\u20110013\u20118000\u2069",
        "(+86) 138-0013-8000\n",
        "\uff0b\uff18\uff16\u3000138.0013.8000",
    ],
)
def test_spellings_of_a_number(phone: str) -> None:
    """However a number is written, it is one number, with one code and one limit."""
    login = make()
    login.send(PHONE)
    with pytest.raises(VerificationRefused):
        login.send(phone)
    assert login.check(phone, login.last_code(PHONE))


@pytest.mark.parametrize(
    "typed",
    ["{}{}", " {}{} ", "{}{}\n", "\u3000{}{}", "\u200b{}{}\ufeff", "\u2066{}{}\u2069", "{}-{}", "{}\u2013{}"],
    ids=ascii,
)
def test_marks_around_a_code(typed: str) -> None:
    """Spaces, invisible marks and a hyphen, as clipboards and messages add them, do no harm."""
    login = make()
    login.send(PHONE)
    code = login.last_code(PHONE)
    assert login.check(PHONE, typed.format(code[:3], code[3:]))


def test_full_width_digits() -> None:
    """Digits of a Chinese keyboard, and a space in the middle, are read as they are meant."""
    login = make()
    login.send(PHONE)
    code = login.last_code(PHONE)
    wide = "".join(chr(ord(digit) - ord("0") + ord("\uff10")) for digit in code)
    assert login.check(PHONE, f"{wide[:3]} {wide[3:]}")


def test_long_text_is_wrong() -> None:
    """The right code at the beginning of a long text is wrong."""
    login = make()
    login.send(PHONE)
    assert login.check(PHONE, login.last_code(PHONE) + " " * 40 + "1").status == "ok"
    login = make()
    login.send(PHONE)
    assert login.check(PHONE, login.last_code(PHONE) + "1" * 10_000).status == "wrong"


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("64:ff9b::203.0.113.7", "203.0.113.7"),
        ("64:ff9b:0:0:1::203.0.113.7", "64:ff9b::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_counted_address(given: str, counted: str) -> None:
    """An IPv4 address counts by itself, also inside IPv6; an IPv6 address counts as its /64."""
    assert counted_address(given) == counted


@pytest.mark.parametrize("address", ["", "unknown", "203.0.113.7, 198.51.100.1", 7, b"\x01\x02\x03\x04"])
def test_bad_address(address: Any) -> None:
    """What is no address is refused rather than left uncounted."""
    with pytest.raises(InvalidArguments, match="client_ip"):
        make().send(PHONE, address)


@pytest.mark.parametrize(
    ("countries", "phone", "permitted"),
    [
        (["86"], PHONE, True),
        (["86"], "13000000000", True),  # the first and
        (["86"], "19900000000", True),  # the last of the mainland's ranges
        (["86"], "85251234567", False),
        (["852"], "85251234567", True),
        (["852"], PHONE, False),
        (["1"], PHONE, False),
        (["1"], "12025550123", True),
        (["86", "852"], "+85251234567", True),
        (["86"], "8801712345678", False),
        (None, "8801712345678", True),
    ],
)
def test_countries(countries: list[str] | None, phone: str, permitted: bool) -> None:
    """A number is sent to only if its country code is on the list; a bare mainland number's is 86."""
    login = make(countries=countries)
    if permitted:
        assert login.send(phone)
        return
    with pytest.raises(VerificationRefused) as caught:
        login.send(phone)
    assert (caught.value.code, caught.value.reason, caught.value.retry_after) == (
        46003,
        "country_not_allowed",
        None,
    )


def test_countries_that_can_be_read_once() -> None:
    """Countries are read when the rules are made, and hold for every number."""
    login = make(countries=iter(["852", "86"]))
    assert login.send(PHONE)
    assert login.send("85251234567")
    with pytest.raises(VerificationRefused):
        login.send("8801712345678")


def test_guard() -> None:
    """The guard sees the attempt and what the application passed on; its word is the reason; nothing is counted."""
    seen: list[Attempt] = []

    def guard(attempt: Attempt) -> str | None:
        seen.append(attempt)
        return None if attempt.context == "solved" else "captcha"

    login = make(guard=guard)
    with pytest.raises(VerificationRefused, match="46003 captcha") as caught:
        login.send("+86" + PHONE, "203.0.113.7")
    assert (caught.value.reason, caught.value.outcome, caught.value.retry_after) == (
        "captcha",
        "not_sent",
        None,
    )
    assert login.send(PHONE, "203.0.113.7", context="solved")
    assert (seen[0].phone, seen[0].client_ip, seen[0].purpose) == (PHONE, "203.0.113.7", "login")
    assert PHONE not in repr(seen)


@pytest.mark.parametrize("answer", [False, True, "", " ", 0, 46003], ids=repr)
def test_guard_that_answers_neither(answer: Any) -> None:
    """A guard that answers neither None nor a word lets nothing through, least of all with False."""
    login = make(guard=lambda _: answer)
    with pytest.raises(InvalidArguments, match="guard must return None"):
        login.send(PHONE)
    with pytest.raises(LookupError):
        login.last_code(PHONE)


def test_asynchronous_guard() -> None:
    """A guard that would have to be awaited lets nothing through, and is told to be wrong."""

    async def guard() -> str | None:
        return None

    undecided = guard()
    login = make(guard=lambda _: undecided)
    with pytest.raises(InvalidArguments, match="guard must return None"):
        asyncio.run(login.send_async(PHONE))
    undecided.close()


def test_guard_that_fails() -> None:
    """A guard that raises lets nothing through."""

    def guard(_: Attempt) -> str | None:
        raise OSError("the captcha's server is unreachable")

    login = make(guard=guard)
    with pytest.raises(OSError, match="unreachable"):
        login.send(PHONE)
    with pytest.raises(LookupError):
        login.last_code(PHONE)


def test_async_twins() -> None:
    """The async calls do what the others do."""

    async def use(login: testing.FakeVerification) -> bool:
        sent = await login.send_async(PHONE, "203.0.113.7", context=None)
        await sent.job.get_async(timeout=1)
        return bool(await login.check_async(PHONE, login.last_code(PHONE)))

    assert asyncio.run(use(make()))


def test_reprs() -> None:
    """No repr shows a number or a code."""
    login = make()
    sent = login.send(PHONE)
    shown = repr((login, sent, login._messages()))
    assert PHONE not in shown
    assert login.last_code(PHONE) not in shown.replace(sent.job.id, "")

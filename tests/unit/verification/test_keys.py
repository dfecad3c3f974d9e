"""What is made of the secret."""

from collections import Counter
from typing import Any

import pytest

from smsjobs import SettingsError
from smsjobs.verification import Keyring
from smsjobs.verification.keys import CodeKey

KEY = CodeKey(b"k123" * 8)
WORDS = ("SMS.Example", "login", "13800138000")


@pytest.mark.parametrize("digits", [4, 5, 6])
def test_length(digits: int) -> None:
    """A code has its digits, leading zeros included."""
    codes = [KEY.code(digits, f"salt-{i}", *WORDS) for i in range(300)]
    assert {len(code) for code in codes} == {digits}
    assert all(code.isascii() and code.isdecimal() for code in codes)
    assert any(code.startswith("0") for code in codes)


def test_uniform() -> None:
    """Each digit is as likely as any other at each place (chi-squared, far beyond chance)."""
    codes = [KEY.code(6, str(i), *WORDS) for i in range(20_000)]
    for place in range(6):
        counts = Counter(code[place] for code in codes)
        # 9 degrees of freedom: 45 is exceeded once in a million fair draws; the salts are fixed, so never by chance.
        assert sum((counts[str(digit)] - 2000) ** 2 / 2000 for digit in range(10)) < 45


def test_incomplete_round_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of the topmost, incomplete round of remainders makes no code, but another draw."""
    draws = iter([b"\xff" * 32, (1_234_567).to_bytes(8, "big") + b"\0" * 24])
    monkeypatch.setattr(CodeKey, "_mac", lambda *_: next(draws))
    assert KEY.code(6, "salt", *WORDS) == "234567"


@pytest.mark.parametrize("index", range(4))
def test_each_word_counts(index: int) -> None:
    """Salt, element, purpose and number each change the code and its proof."""
    words = ["salt", *WORDS]
    other = [*words]
    other[index] += "x"
    assert KEY.code(6, *words) != KEY.code(6, *other)
    assert KEY.proof("123456", *words) != KEY.proof("123456", *other)


def test_uses_differ() -> None:
    """The same words make different bytes for different uses, and another secret makes others."""
    made = {
        KEY.tag("code", *WORDS),
        KEY.tag("number", *WORDS),
        KEY.proof("code", "salt", *WORDS)[:32],
        KEY.send_key("code", 1, *WORDS)[-64:-32],
        CodeKey(b"K" * 32).tag("code", *WORDS),
    }
    assert len(made) == 5


def test_send_keys_differ() -> None:
    """Each send of each code has an idempotency key of its own."""
    assert len({KEY.send_key(salt, send, *WORDS) for salt in "ab" for send in range(5)}) == 10


def test_nothing_readable() -> None:
    """A key's repr holds no secret, and a tag no number."""
    assert "kkk" not in repr(KEY) + repr(Keyring(current=KEY))
    assert WORDS[2] not in KEY.tag("number", *WORDS)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "SMS_CODE_SECRET is missing"),
        ({"SMS_CODE_SECRET": ""}, "SMS_CODE_SECRET is missing"),
        ({"SMS_CODE_SECRET": "s" * 31}, "SMS_CODE_SECRET has 31 bytes"),
        (
            {"SMS_CODE_SECRET": "s123" * 8, "SMS_CODE_SECRET_OLD": "o" * 31},
            "SMS_CODE_SECRET_OLD has 31 bytes",
        ),
    ],
)
def test_bad_secret(environ: dict[str, str], named: str) -> None:
    """A secret that is missing or too short is refused by its name, with the hint and without its value."""
    with pytest.raises(SettingsError, match=named) as caught:
        Keyring.read(environ=environ)
    assert "token_urlsafe" in str(caught.value)
    assert "sss" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("secret", ["", b"s" * 40, 5, [], False], ids=repr)
def test_secret_that_is_no_text(secret: Any) -> None:
    """A secret that is handed in empty or not as text is refused, and not replaced by the environment's in silence."""
    environ = {"SMS_CODE_SECRET": "e123" * 8}
    with pytest.raises(SettingsError, match="SMS_CODE_SECRET") as caught:
        Keyring.read(secret, environ=environ)
    assert "sss" not in str(caught.value)
    if secret != "":
        with pytest.raises(SettingsError, match="SMS_CODE_SECRET_OLD"):
            Keyring.read(None, secret, environ=environ)


def test_secret_of_any_bytes() -> None:
    """A secret of bytes that are no text, as the environment may hold it, is as good as any other."""
    ring = Keyring.read(environ={"SMS_CODE_SECRET": (b"\xff123" * 8).decode("utf-8", "surrogateescape")})
    assert len(ring.current.code(6, "salt", *WORDS)) == 6


def test_good_secret() -> None:
    """32 bytes suffice, an argument comes before the environment, and an old secret that is the new one is none."""
    ring = Keyring.read(
        "a123" * 8, environ={"SMS_CODE_SECRET": "b123" * 8, "SMS_CODE_SECRET_OLD": "a123" * 8}
    )
    assert ring.current.tag("x") == CodeKey(b"a123" * 8).tag("x")
    assert ring.old is None
    assert ring.tags("code", *WORDS)[1] == ""


def test_white_space_of_the_environment() -> None:
    """Secrets of the environment are the same with and without the line end of the file that they came from."""
    plain = Keyring.read(environ={"SMS_CODE_SECRET": "b123" * 8, "SMS_CODE_SECRET_OLD": "a123" * 8})
    marked = Keyring.read(
        environ={"SMS_CODE_SECRET": f" {'b123' * 8}\r\n", "SMS_CODE_SECRET_OLD": f"{'a123' * 8}\n"}
    )
    assert marked.tags("number", "x") == plain.tags("number", "x")
    with pytest.raises(SettingsError, match="SMS_CODE_SECRET has 31 bytes"):
        Keyring.read(environ={"SMS_CODE_SECRET": "s" * 31 + "\n"})
    with pytest.raises(SettingsError, match="SMS_CODE_SECRET is missing"):
        Keyring.read(environ={"SMS_CODE_SECRET": " \n"})


def test_pairs() -> None:
    """Names and proofs come by the current and by the old secret, in this order."""
    ring = Keyring.read("a123" * 8, "b123" * 8, environ={})
    new, old = CodeKey(b"a123" * 8), CodeKey(b"b123" * 8)
    assert ring.tags("code", *WORDS) == (new.tag("code", *WORDS), old.tag("code", *WORDS))
    assert ring.proofs("1234", ("s", "t"), *WORDS) == (
        new.proof("1234", "s", *WORDS),
        old.proof("1234", "t", *WORDS),
    )
    assert ring.which(2) is ring.old

"""Sealing jobs between producer and worker."""

import sys

import pytest
from cryptography.fernet import Fernet

from smsjobs import InvalidArguments, SettingsError
from smsjobs.redis_store import Seal, unseal
from smsjobs.settings import ConnectionSettings

TEXT = '{"params": {"code": "123456"}, "phoneList": ["13800138000"], "name": "张三"}'
NEW, OLD, OTHER = (Fernet.generate_key().decode() for _ in range(3))


def test_there_and_back() -> None:
    """A sealed job shows nothing, and is opened to what it was."""
    sealed = Seal(NEW).close(TEXT)
    assert "123456" not in sealed
    assert "138" not in sealed.removeprefix("sealed:")[:10]
    assert unseal(sealed, Seal(NEW)) == TEXT


@pytest.mark.parametrize("seal", [None, Seal(NEW)])
def test_unsealed(seal: Seal | None) -> None:
    """A job from before the key was set is read as it is."""
    assert unseal(TEXT, seal) == TEXT


def test_rotation() -> None:
    """A new key before the old one: what the old one sealed is opened, and what is sealed needs the new one."""
    both = Seal(f"{NEW}, {OLD}")
    assert unseal(Seal(OLD).close(TEXT), both) == TEXT
    assert unseal(both.close(TEXT), Seal(NEW)) == TEXT
    with pytest.raises(InvalidArguments):
        unseal(both.close(TEXT), Seal(OLD))


@pytest.mark.parametrize(
    ("seal", "sealed"),
    [
        (None, Seal(NEW).close(TEXT)),
        (Seal(OTHER), Seal(NEW).close(TEXT)),
        (Seal(NEW), "sealed:nonsense"),
        (Seal(NEW), "sealed:é"),
        (Seal(NEW), Seal(NEW).close(TEXT)[:-5]),
    ],
    ids=["no key", "another key", "nonsense", "no ASCII", "cut short"],
)
def test_cannot_be_opened(seal: Seal | None, sealed: str) -> None:
    """What cannot be opened is 46001 job_unreadable, and the text names the setting."""
    with pytest.raises(InvalidArguments, match="SMS_PAYLOAD_KEY") as caught:
        unseal(sealed, seal)
    assert caught.value.reason == "job_unreadable"


@pytest.mark.parametrize("keys", ["short", f"{NEW},", "é" * 32], ids=["short", "comma", "no ASCII"])
def test_bad_key(keys: str) -> None:
    """What is no key is refused at the start, with the hint and without its value."""
    with pytest.raises(SettingsError, match="Fernet") as caught:
        ConnectionSettings.read(environ={"SMS_PAYLOAD_KEY": keys})
    assert keys not in str(caught.value)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a key is set and the library is missing, the error says what to install."""
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    with pytest.raises(SettingsError, match=r"smsjobs\[encryption\]"):
        ConnectionSettings.read(environ={"SMS_PAYLOAD_KEY": NEW})


def test_no_key_in_reprs() -> None:
    """Neither the seal nor the settings show the key."""
    settings = ConnectionSettings.read(environ={"SMS_PAYLOAD_KEY": NEW})
    assert NEW not in repr(settings) + repr(settings.seal)

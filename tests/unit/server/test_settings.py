"""The server's settings: from which addresses it takes pushes, and how it writes its log."""

import pytest

from smsjobs import SettingsError
from smsjobs_server import ServerSettings


def _read(**environ: str) -> ServerSettings:
    return ServerSettings.read(host="127.0.0.1", port=0, environ=environ)


@pytest.mark.parametrize(
    ("text", "address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("198.51.100.0/24,203.0.113.7", "198.51.100.9", True),
        (" 198.51.100.0/24\n203.0.113.7 ", "203.0.113.7", True),
        ("198.51.100.9/24", "198.51.100.1", True),  # an address with its network's length
        ("203.0.113.7", "::ffff:203.0.113.7", True),  # as a socket for both families shows it
        ("2001:db8::/32", "2001:db8:1::7", True),
        ("2001:db8::/32", "203.0.113.7", False),
        ("0.0.0.0/0", "2001:db8::7", False),
        ("0.0.0.0/0", None, False),  # a Unix socket has no address
        ("0.0.0.0/0", "", False),
    ],
)
def test_allowed_addresses(text: str, address: str | None, expected: bool) -> None:
    """An address is allowed if it is one of those in SMS_RECEIPT_ADDRESSES, or in one of its networks."""
    allowed = _read(SMS_RECEIPT_ADDRESSES=text).allowed
    assert allowed is not None
    assert allowed.has(address) is expected


@pytest.mark.parametrize("text", ["", "  ", ",", None])
def test_no_list(text: str | None) -> None:
    """Without addresses there is no list, and all may push."""
    assert _read(**({} if text is None else {"SMS_RECEIPT_ADDRESSES": text})).allowed is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMS_RECEIPT_ADDRESSES", "203.0.113.7 example.com"),
        ("SMS_RECEIPT_ADDRESSES", "203.0.113.0/33"),
        ("SMS_RECEIPT_ADDRESSES", "203.0.113.7-9"),
        ("SMS_LOG", "xml"),
    ],
)
def test_wrong_settings(name: str, value: str) -> None:
    """What is not an address, and a format that does not exist, are refused by the setting's name."""
    with pytest.raises(SettingsError, match=name):
        _read(**{name: value})

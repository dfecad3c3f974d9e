"""The parts of one URL. A library that finds a part malformed often takes it for something else; here it is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

__all__ = ["InvalidAddress", "Parts", "check_port", "credentials", "host_and_port", "read_parts"]

_ENCODE: Final = "a password with any of @ : / ? # % ; must be percent-encoded"

_PAIR: Final = re.compile("[A-Za-z_]+=.*", re.DOTALL)


class InvalidAddress(ValueError):
    """An address is malformed. The text says what it must be like, and shows nothing of it."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A URL in its parts, decoded."""

    scheme: str
    username: str = ""
    password: str = field(default="", repr=False)
    host: str = ""
    port: int | None = None
    path: str = ""
    query: dict[str, str] = field(default_factory=dict, repr=False)


def read_parts(url: str) -> Parts:
    """Return the parts of a URL.

    Raises:
        InvalidAddress: Host, port or query is malformed.
    """
    found = check_port(url)
    if found.fragment or any(character.isspace() for character in url):
        raise InvalidAddress(f"it contains a space or a #; {_ENCODE}")
    pairs = found.query.split("&") if found.query else []
    if not all(map(_PAIR.fullmatch, pairs)):
        raise InvalidAddress(f"what follows the ? must be name=value; {_ENCODE}")
    query: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if query.setdefault(name, unquote(value)) != unquote(value):
            raise InvalidAddress(f"it gives two values for {name}")
    return Parts(
        scheme=found.scheme,
        username=unquote(found.username or ""),
        password=unquote(found.password or ""),
        host=unquote(found.hostname or ""),
        port=found.port,
        path=unquote(found.path),
        query=query,
    )


def check_port(url: str) -> SplitResult:
    """Split a URL.

    Raises:
        InvalidAddress: Host or port is malformed.
    """
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError:
        raise InvalidAddress(f"host or port is malformed; {_ENCODE}") from None
    return found


def credentials(username: str, password: str) -> str:
    """Return ``user:password@`` as every library reads it, or nothing."""
    if not username and not password:
        return ""
    return f"{quote(username, safe='')}:{quote(password, safe='')}@"


def host_and_port(host: str, port: int) -> str:
    """Return ``host:port``, with the brackets of an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

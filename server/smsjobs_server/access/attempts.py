"""How often somebody may try to log in."""

from __future__ import annotations

import ipaddress
from typing import Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

__all__ = ["Attempts"]

#: For one client, and for all together: so nobody can fill the memory with addresses, either.
_OF_ONE: Final = parse("10/minute")
_OF_ALL: Final = parse("300/minute")


class Attempts:
    """Counts attempts to log in, in this process."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allow(self, address: str | None) -> bool:
        """Count an attempt, and tell whether it may be made.

        Args:
            address: Where it came from.
        """
        return self._hit(_OF_ONE, _client(address)) and self._hit(_OF_ALL, "all")

    def _hit(self, most: RateLimitItem, name: str) -> bool:
        return self._limiter.hit(most, name)


def _client(address: str | None) -> str:
    """One client: an IPv4 address, or a network of IPv6 that one client may have as a whole."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ipaddress.ip_network((found, 64 if found.version == 6 else 32), strict=False))

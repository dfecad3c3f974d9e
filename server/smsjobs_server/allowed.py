"""Addresses that may do something: push receipts, or say who a visitor is."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final, Self

from smsjobs.settings import SettingsError

__all__ = ["AllowedAddresses"]

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Between addresses.
_SEPARATORS: Final = str.maketrans(",", " ")


class AllowedAddresses:
    """Addresses and networks.

    Args:
        text: They, with blanks or commas between, as in ``203.0.113.7 198.51.100.0/24``. A network may be written with an
            address inside it.

    Raises:
        ValueError: One of them is not an address or a network; the text is that one.
    """

    def __init__(self, text: str) -> None:
        self._networks: Sequence[_Network] = [_network(each) for each in text.translate(_SEPARATORS).split()]

    @classmethod
    def read(cls, environ: Mapping[str, str], name: str, *, example: str) -> Self | None:
        """Those of a setting; None where it is not set.

        Raises:
            SettingsError: One of them is not an address or a network.
        """
        text = environ.get(name, "").strip(" ,")
        if not text:
            return None
        try:
            return cls(text)
        except ValueError as error:
            raise SettingsError(
                f"{name} must be addresses or networks, such as {example}; not {error}"
            ) from None

    def __repr__(self) -> str:
        return f"<AllowedAddresses {len(self._networks)}>"

    def has(self, address: str | None) -> bool:
        """Whether this address is one of them. One that is not known is none of them: it fails closed."""
        try:
            found = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        # A socket for both families shows IPv4 so.
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in each for each in self._networks)


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(text) from None

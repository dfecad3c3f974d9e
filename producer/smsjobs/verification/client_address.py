"""A client's address as it is counted."""

from __future__ import annotations

import ipaddress
from typing import Final

from smsjobs.contract import InvalidArguments

__all__ = ["counted_address"]

#: Where a translator for IPv6-only networks puts IPv4 addresses (RFC 6052): as one /64 the whole Internet would count once.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

#: Bits of an IPv6 address that one customer has to himself: whoever has one address has 2^64 of them.
_ONE_CUSTOMER: Final = 64


def counted_address(client_ip: object) -> str:
    """The IPv4 address, or the /64 network of an IPv6 address.

    Raises:
        InvalidArguments: It is no IP address. Letting it pass uncounted would lift the limit.
    """
    try:
        address = ipaddress.ip_address(client_ip if isinstance(client_ip, str) else "")
    except ValueError:
        raise InvalidArguments.about(
            "client_ip", "must be the text of an IP address, or None where it is not known"
        ) from None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address in _NAT64:
        return str(ipaddress.IPv4Address(address.packed[-4:]))
    return str(ipaddress.ip_network((int(address), _ONE_CUSTOMER), strict=False))

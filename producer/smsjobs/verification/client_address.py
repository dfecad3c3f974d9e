"""The form in which a client's address is counted."""

from __future__ import annotations

import ipaddress
from typing import Final

from smsjobs.contract import InvalidArguments

__all__ = ["counted_address"]

#: Translators for IPv6-only networks put every IPv4 address here (RFC 6052). As one /64 they would all count as one client.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

#: Bits of an IPv6 address that name one customer. Each customer has 2^64 addresses.
_ONE_CUSTOMER: Final = 64


def counted_address(client_ip: object) -> str:
    """Return the IPv4 address, or the /64 network of an IPv6 address.

    Raises:
        InvalidArguments: It is not a valid IP address. Without a count, the limit would not apply to it.
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

"""A number as the list keeps it: a keyed digest by which it is found, and the number itself, hidden by the same secret.

Nobody without the secret can tell the numbers of a list, or whether a number is on it. Whoever has it can read the list,
and move it to another installation. The hiding is that of SIV mode: a keyed digest of the number is the nonce of a pad.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from smsjobs.contract import number_digests

__all__ = ["hide", "show"]

#: Bytes of a hidden number, of up to 17 digits.
_NUMBER: Final = 8


def hide(secret: bytes, digest: str, phone: str) -> str:
    """The number, hidden: eleven characters."""
    plain = int(phone).to_bytes(_NUMBER, "big")
    return base64.urlsafe_b64encode(_padded(secret, digest, plain)).decode("ascii").rstrip("=")


def show(secret: bytes, digest: str, hidden: str) -> str | None:
    """The number that was hidden; None if it is damaged, or hidden with another secret."""
    try:
        padded = base64.urlsafe_b64decode(f"{hidden}=")
    except ValueError:
        return None
    if len(padded) != _NUMBER:
        return None
    phone = str(int.from_bytes(_padded(secret, digest, padded), "big"))
    return phone if number_digests(secret, [phone]) == digest else None


def _padded(secret: bytes, digest: str, text: bytes) -> bytes:
    pad = hashlib.blake2b(digest.encode(), key=secret, digest_size=_NUMBER, person=b"sms hide").digest()
    return bytes(a ^ b for a, b in zip(text, pad, strict=True))

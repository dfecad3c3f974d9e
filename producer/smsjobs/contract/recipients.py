"""Digests of a job's numbers. By them a receipt finds its recipient after the numbers have left Redis.

A digest is so short that many thousand numbers share it. So a copy of Redis does not tell who got a message. Within one
job no two numbers share one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Final

__all__ = [
    "NUMBER_WIDTH",
    "count_recipients",
    "find_recipient",
    "number_digests",
    "recipient_digests",
    "split_delivery",
]

#: Characters of a digest, at 6 bits each: about 40,000 of ten thousand million numbers share one of 3 characters.
_SHORT: Final = 3
#: For jobs in which too many of the short ones would be the same.
_LONG: Final = 4
_MOST_SHORT: Final = 100

#: Characters of a digest by which a number is found across jobs. A multiple of 4, so that none needs padding.
NUMBER_WIDTH: Final = 12

#: What is tried until all digests of a job differ. For 1,000 numbers, 97 of 100 do.
_SALTS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def recipient_digests(job_id: str, phones: Sequence[str]) -> str:
    """The digests of a job's numbers, in their order, each number once. Before them stand their width and their salt."""
    numbers = list(dict.fromkeys(phones))
    width = _SHORT if len(numbers) <= _MOST_SHORT else _LONG
    for salt in _SALTS:
        digests = [_digest(job_id, salt, number)[:width] for number in numbers]
        if len(set(digests)) == len(numbers):
            break
    return f"{width}{salt}{''.join(digests)}"


def split_delivery(delivery: str) -> tuple[str, str, str]:
    """The parts of what an entry has of its deliveries: the digests, the time of their end or "", and the records."""
    before, _, records = delivery.partition(";")
    digests, _, ends = before.partition("@")
    return digests, ends, records


def count_recipients(digests: str) -> int:
    """How many numbers the job has."""
    return (len(digests) - 2) // int(digests[0])


def find_recipient(digests: str, job_id: str, phone: str) -> int | None:
    """The position of a number among the job's, from 0; None where it is not one of them."""
    width = int(digests[0])
    wanted = _digest(job_id, digests[1], phone)[:width]
    at = digests.find(wanted, 2)
    while at >= 0 and (at - 2) % width:
        at = digests.find(wanted, at + 1)
    return None if at < 0 else (at - 2) // width


def number_digests(secret: bytes, phones: Sequence[str]) -> str:
    """Digests by which numbers are found across jobs, `NUMBER_WIDTH` characters each, one behind the other.

    Nobody can try numbers out without the secret. Among ten million numbers two share one in one of 100 million cases.
    """
    empty, digests = hashlib.blake2b(key=secret, digest_size=NUMBER_WIDTH * 3 // 4), bytearray()
    for phone in phones:
        digest = empty.copy()
        digest.update(phone.encode())
        digests += digest.digest()
    return base64.urlsafe_b64encode(digests).decode("ascii")


def _digest(job_id: str, salt: str, phone: str) -> str:
    whole = hashlib.blake2b(phone.encode(), key=job_id.encode(), salt=salt.encode(), digest_size=3).digest()
    return base64.urlsafe_b64encode(whole).decode("ascii")

"""A chunk: a job of a campaign. Its recipients are kept apart from the job, packed.

- What all chunks of a campaign share is kept once (`pack_campaign`).
- A chunk's lines and numbers are kept as long as the campaign's report.
- A chunk's own parameters, where recipients differ, are deleted when the chunk is settled.

Packed means compressed JSON as text. A million numbers take about 8 MB of Redis.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, Final, TypeVar

from smsjobs.contract.arguments import Message
from smsjobs.contract.errors import InvalidArguments
from smsjobs.contract.jobs import JobRecord
from smsjobs.contract.lanes import LANES
from smsjobs.contract.versions import check_version
from smsjobs.contract.wire import VERSION

#: As many numbers as are shorter unpacked.
_FEW: Final = 8

__all__ = [
    "MAX_BATCH",
    "half_of",
    "make_chunk",
    "number_of",
    "pack",
    "pack_campaign",
    "pack_numbers",
    "pack_recipients",
    "unpack",
    "unpack_numbers",
    "unpack_recipients",
    "without",
]

T = TypeVar("T")

#: The most numbers of one SendBatchSms request (Aliyun's limit).
MAX_BATCH: Final = 100


def pack(data: Any) -> str:
    """Compressed JSON as text."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 6)).decode("ascii")


def unpack(text: str) -> Any:
    """What `pack` was given.

    Raises:
        InvalidArguments: The text was not packed (``reason="job_unreadable"``).
    """
    try:
        return json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    except (binascii.Error, zlib.error, ValueError):
        raise InvalidArguments("a chunk's recipients cannot be read", reason="job_unreadable") from None


def pack_recipients(lines: Sequence[int], phones: Sequence[str]) -> str:
    """Pack the recipients' lines of the input, in rising order, and the phone number of each."""
    # Lines are kept as distances: a row of ones compresses to nearly nothing.
    distances = [line - before for before, line in zip([0, *lines], lines, strict=False)]
    return pack([distances, ",".join(phones)])


def unpack_recipients(text: str) -> tuple[list[int], list[str]]:
    """The lines and phone numbers that `pack_recipients` was given.

    Raises:
        InvalidArguments: They cannot be read.
    """
    distances, phones = unpack(text)
    return list(accumulate(distances)), phones.split(",")


def pack_numbers(phones: Sequence[str]) -> str:
    """Pack the numbers of a job whose deliveries are awaited."""
    return ",".join(phones) if len(phones) < _FEW else pack(list(phones))


def unpack_numbers(text: str) -> list[str]:
    """The numbers that `pack_numbers` was given.

    Raises:
        InvalidArguments: They cannot be read.
    """
    numbers = text.split(",") if text[:1].isdigit() else unpack(text)
    if not isinstance(numbers, list) or not all(isinstance(each, str) for each in numbers):
        raise InvalidArguments("a job's numbers cannot be read", reason="job_unreadable")
    return numbers


def pack_campaign(
    element: str,
    template: str,
    params: Mapping[str, str],
    columns: Sequence[str] = (),
    *,
    is_notice: bool = False,
) -> str:
    """What all chunks of a campaign share, as JSON text.

    Args:
        params: The template's parameters that are the same for all recipients.
        columns: The names of the parameters that each recipient has of his own.
        is_notice: Whether the campaign is not promotional.
    """
    shared: dict[str, Any] = {
        "v": VERSION,
        "element": element,
        "verifyTemplateCode": template,
        "params": dict(params),
        "columns": list(columns),
    }
    if is_notice:
        shared["notice"] = True
    return json.dumps(shared, ensure_ascii=False)


def number_of(name: str) -> str:
    """The number of the planned chunk that a chunk is, or is a half of."""
    return name.rstrip("ab")


def half_of(name: str, items: Sequence[T]) -> Sequence[T]:
    """What belongs to a chunk, of a list that has an entry for each recipient of the planned chunk.

    Args:
        name: ``"12"`` is a planned chunk and has all; ``"12a"`` is the first half of it, ``"12ab"`` the second of that.
    """
    for letter in name.removeprefix(number_of(name)):
        # Lua's `halve_chunk` counts so.
        middle = (len(items) + 1) // 2
        items = items[:middle] if letter == "a" else items[middle:]
    return items


def make_chunk(job_id: str, campaign: str, recipients: str, params: str) -> JobRecord:
    """The job of a chunk. Its parts were checked when the campaign was planned.

    Args:
        job_id: As `chunk_id` gives it; its end is the chunk's name.
        campaign: What `pack_campaign` gave.
        recipients: What `pack_recipients` gave for the planned chunk.
        params: A packed list of parameters: one entry for each recipient, or one for all of them. ``""`` where there
            are only the campaign's.

    Raises:
        InvalidArguments: A part cannot be read, or is of a newer version (``reason="job_unreadable"``).
    """
    bulk = LANES["bulk"]
    try:
        shared = json.loads(campaign)
        check_version(shared["v"], "campaign")
        _, phones = unpack_recipients(recipients)
        texts = [shared["params"] | each for each in unpack(params)] if params else [shared["params"]]
        if len(texts) not in (1, len(phones)):
            raise InvalidArguments(
                "a chunk does not have parameters for each of its numbers", reason="job_unreadable"
            )
        name = job_id.rpartition("-")[2]
        own = half_of(name, texts) if len(texts) > 1 else texts
        message = Message(
            phones=tuple(half_of(name, phones)),
            params=own[0] if len(own) == 1 else shared["params"],
            template=shared["verifyTemplateCode"],
            params_of_each=() if len(own) == 1 else tuple(own),
        )
        return JobRecord(
            id=job_id,
            element=shared["element"],
            message=message,
            lane=bulk.name,
            expires_s=bulk.expires_s,
            on_unknown=bulk.on_unknown,
            is_notice=shared.get("notice") is True,
        )
    except (ValueError, KeyError, TypeError):
        raise InvalidArguments("a campaign's record cannot be read", reason="job_unreadable") from None


def without(message: Message, positions: Collection[int]) -> Message:
    """The message without the numbers at these positions, from 0, of which it has more than these."""
    kept = [at for at in range(len(message.phones)) if at not in positions]
    own = [message.params_of_each[at] for at in kept] if message.params_of_each else []
    return replace(
        message,
        phones=tuple(message.phones[at] for at in kept),
        params=own[0] if len(own) == 1 else message.params,
        params_of_each=tuple(own) if len(own) > 1 else (),
    )

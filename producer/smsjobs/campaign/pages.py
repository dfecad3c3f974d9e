"""The pages of a plan, and in each page its chunks. The same recipients always give the same plan.

A page is up to 10,000 recipients in the order of the input, with the rows between them that are left out: as much as
is held in memory, and written in one step. Within a page, recipients with equal parameters share chunks of up to
1,000 (SendSms), and the others fill chunks of up to 100 (SendBatchSms). Mainland and foreign numbers never share a
chunk: Aliyun takes other templates for the two, and refuses a request as a whole.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from smsjobs.campaign.recipients import Row
from smsjobs.contract import MAX_BATCH, MAX_PHONES, country_of, is_mainland

__all__ = ["PAGE", "Chunk", "Page", "plan"]

#: Most recipients of a page; whole chunks of both sizes.
PAGE: Final = 10_000

#: Most rows of a page that are left out.
_SKIPPED: Final = 20_000


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Recipients of one request."""

    #: Where they stand in the input, rising.
    lines: Sequence[int]
    #: Their numbers.
    phones: Sequence[str] = field(repr=False)
    #: The values of each one's own parameters, in the order of `Recipients.names`; where all share them, one.
    values: Sequence[tuple[str, ...]] = field(repr=False)

    @property
    def is_batch(self) -> bool:
        """Whether their parameters differ."""
        return len(self.values) > 1

    @property
    def is_mainland(self) -> bool:
        """Whether all of its numbers are of mainland China; else none is."""
        return is_mainland(self.phones[0])


@dataclass(frozen=True, kw_only=True)
class Page:
    """A part of a plan."""

    #: Its place, from 0.
    number: int
    #: The number of its first chunk, counted over the whole plan.
    first_chunk: int
    chunks: tuple[Chunk, ...]
    #: Rows that are left out.
    skipped: tuple[Row, ...] = field(repr=False)
    #: Lines of all rows in order, and a 16 bit sum of each, by which the first row that differs is found.
    lines: Sequence[int] = field(repr=False)
    prints: array[int] = field(repr=False)
    #: Tells this page from any other.
    digest: str

    @property
    def recipients(self) -> int:
        """How many there are."""
        return sum(len(chunk.phones) for chunk in self.chunks)

    @property
    def countries(self) -> Counter[str]:
        """How many recipients there are by country code."""
        found: Counter[str] = Counter()
        for chunk in self.chunks:
            if chunk.is_mainland:
                found["86"] += len(chunk.phones)
            else:
                found.update(map(country_of, chunk.phones))
        return found

    def count(self, fault: str) -> int:
        """How many rows are left out for being ``"invalid"`` or ``"duplicate"``."""
        return sum(row.fault == fault for row in self.skipped)


def plan(rows: Iterable[Row], page_size: int = PAGE) -> Iterator[Page]:
    """The pages of those rows, one after the other.

    Args:
        rows: What was read.
        page_size: Most recipients of a page; another one than when the campaign was begun is another plan.
    """
    number = first_chunk = 0
    for some in _split(rows, page_size):
        page = _page(some, number, first_chunk)
        yield page
        number, first_chunk = number + 1, first_chunk + len(page.chunks)


def _split(rows: Iterable[Row], page_size: int) -> Iterator[Sequence[Row]]:
    """The rows of each page."""
    some: list[Row] = []
    skipped = 0
    for row in rows:
        some.append(row)
        if row.fault:
            skipped += 1
        if len(some) - skipped == page_size or skipped == _SKIPPED:
            yield some
            some, skipped = [], 0
    if some:
        yield some


def _page(rows: Sequence[Row], number: int, first_chunk: int) -> Page:
    lines = [row.line for row in rows]
    texts = ["\0".join((row.fault, row.phone, *row.values)).encode("utf-8", "surrogatepass") for row in rows]
    whole = b"".join([b"%d\0%b\n" % pair for pair in zip(lines, texts, strict=True)])
    return Page(
        number=number,
        first_chunk=first_chunk,
        chunks=tuple(_chunks([row for row in rows if not row.fault])),
        skipped=tuple(row for row in rows if row.fault),
        lines=lines,
        prints=array("H", [zlib.crc32(text) & 0xFFFF for text in texts]),
        digest=hashlib.blake2b(whole, digest_size=16).hexdigest(),
    )


def _chunks(rows: Sequence[Row]) -> Iterator[Chunk]:
    foreign = [row for row in rows if not is_mainland(row.phone)]
    if foreign:
        rows = [row for row in rows if is_mainland(row.phone)]
    yield from _chunks_of_one_kind(rows)
    yield from _chunks_of_one_kind(foreign)


def _chunks_of_one_kind(rows: Sequence[Row]) -> Iterator[Chunk]:
    counts = Counter([row.values for row in rows])
    alone = len(counts) == 1
    groups: dict[tuple[str, ...], list[Row]] = {}
    rest: list[Row] = []
    for row in rows:
        # Fewer than a batch are better off in one, unless there is nobody else to fill it with.
        if counts[row.values] < MAX_BATCH and not alone:
            rest.append(row)
        else:
            groups.setdefault(row.values, []).append(row)
    for group in groups.values():
        for part in _parts(group, MAX_PHONES):
            if alone or len(part) >= MAX_BATCH:
                yield _chunk(part)
            else:
                rest += part
    for part in _parts(sorted(rest), MAX_BATCH):
        yield _chunk(part)


def _parts(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _chunk(rows: Sequence[Row]) -> Chunk:
    values = [row.values for row in rows]
    same = all(each == values[0] for each in values)
    return Chunk(
        lines=[row.line for row in rows],
        phones=[row.phone for row in rows],
        values=values[:1] if same else values,
    )

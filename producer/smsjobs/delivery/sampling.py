"""A sample of a campaign's recipients."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

__all__ = ["sample"]


def sample(phones: Sequence[str], share: float, seed: str) -> tuple[str, ...]:
    """That share of the numbers, spread over the carriers. The same arguments give the same numbers.

    A number's first digits tell its carrier. So the numbers are taken at equal distances, from a random start, in the order of
    their digits: each carrier has its share of them, and so has each block of a carrier.

    Args:
        share: From 0, nobody, to 1, all.
    """
    if share >= 1:
        return tuple(phones)
    if share <= 0:
        return ()
    ordered, distance = sorted(phones), 1 / share
    at, taken = Random(seed).random() * distance, []
    while at < len(ordered):
        taken.append(ordered[int(at)])
        at += distance
    return tuple(taken)

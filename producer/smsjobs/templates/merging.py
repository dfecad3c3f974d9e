"""What several accounts have of one template, as one: a message may go by any of them, so it has to fit all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from smsjobs.templates.template import Signature, Template

__all__ = ["merged"]

T = TypeVar("T")


def merged(code: str, parts: Sequence[tuple[str, Template]]) -> Template:
    """The template of a group.

    The worst counts: the state of the first member that is not approved, and the signature that most needs somebody. A
    variable has a type only where all members give it the same. It is as old as what has to be learned again first.

    Args:
        code: What the group calls it.
        parts: What each member has, by its name, the most important one first. At least one.
    """
    name, first = parts[0]
    worst_name, worst = _first(parts, lambda each: not each[1].is_good)
    promotional = any(each.kind == "promotional" for _, each in parts)
    signatures = [each.signature for _, each in parts if each.signature is not None]
    return replace(
        first,
        code=code,
        kind="promotional" if promotional else first.kind,
        state=worst.state,
        reason=f"{worst_name}: {worst.reason}" if worst.reason and worst_name != name else worst.reason,
        types={
            variable: kind
            for variable, kind in first.types.items()
            if all(each.types.get(variable) == kind for _, each in parts)
        },
        signature=_worst(signatures) if signatures else None,
        learned_at=_oldest(
            [each for _, each in parts if not each.may_be_sent] or [each for _, each in parts]
        ),
    )


def _oldest(parts: Sequence[Template]) -> datetime:
    return min(each.learned_at for each in parts)


def _worst(signatures: Sequence[Signature]) -> Signature:
    found = _first(signatures, lambda each: not each.is_good)
    if not found.is_good:
        return found
    return _first(signatures, lambda each: not all(filing.is_good for filing in each.filing))


def _first(these: Sequence[T], is_meant: Callable[[T], bool]) -> T:
    """The first that is meant, or the first of all."""
    return next(filter(is_meant, these), these[0])

"""Versions as numbers."""

from __future__ import annotations

__all__ = ["numbers"]


def numbers(text: str) -> tuple[int, ...]:
    """Return the first three numbers of a version, for comparing."""
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())

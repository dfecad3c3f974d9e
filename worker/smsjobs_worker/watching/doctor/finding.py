"""What was looked at, and what is so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "bad", "doubtful", "good"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    #: What was looked at, in a word or two.
    subject: str
    #: ``"bad"``: do not send with it. ``"doubtful"``: it works, but a promise may not hold.
    verdict: Literal["good", "doubtful", "bad"]
    #: What is so.
    text: str
    #: How to fix it; empty where nothing is wrong.
    hint: str = ""


def good(subject: str, text: str) -> Finding:
    """Nothing is wrong with it."""
    return Finding(subject=subject, verdict="good", text=text)


def doubtful(subject: str, text: str, hint: str) -> Finding:
    """It works, but a promise may not hold."""
    return Finding(subject=subject, verdict="doubtful", text=text, hint=hint)


def bad(subject: str, text: str, hint: str) -> Finding:
    """Nobody should send with it."""
    return Finding(subject=subject, verdict="bad", text=text, hint=hint)

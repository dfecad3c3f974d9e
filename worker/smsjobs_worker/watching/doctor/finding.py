"""What was looked at, and what is so.

Each text is a constant sentence with places for values, so that pages can say it in another language: the texts that stand as
literals in a call of `good`, `doubtful`, `bad` or `say` get into the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Finding", "Said", "bad", "doubtful", "good", "say"]


@dataclass(frozen=True)
class Said:
    """A text for people, with values for its ``{name}``."""

    text: str
    #: A value that is such a text itself is translated, too.
    values: Mapping[str, str | int | Said]

    def __str__(self) -> str:
        return self.text.format(**self.values) if self.values else self.text

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        values = {
            name: value.to_json() if isinstance(value, Said) else value for name, value in self.values.items()
        }
        return {"text": self.text, "values": values}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    #: What was looked at, in a word or two.
    subject: str
    #: ``"bad"``: do not send with it. ``"doubtful"``: it works, but a promise may not hold.
    verdict: Literal["good", "doubtful", "bad"]
    #: What is so.
    what: Said
    #: How to fix it; empty where nothing is wrong.
    how: Said

    @property
    def text(self) -> str:
        """What is so, in English."""
        return str(self.what)

    @property
    def hint(self) -> str:
        """How to fix it, in English."""
        return str(self.how)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON: in English, and in parts that can be translated."""
        return {
            "subject": self.subject,
            "verdict": self.verdict,
            "text": self.text,
            "hint": self.hint,
            "parts": {"text": self.what.to_json(), "hint": self.how.to_json()},
        }


def say(text: str, **values: str | int | Said) -> Said:
    """A text with its values."""
    return Said(text, values)


def good(subject: str, text: str | Said, **values: str | int | Said) -> Finding:
    """Nothing is wrong with it."""
    return _finding(subject, "good", text, "", values)


def doubtful(subject: str, text: str | Said, hint: str | Said, **values: str | int | Said) -> Finding:
    """It works, but a promise may not hold."""
    return _finding(subject, "doubtful", text, hint, values)


def bad(subject: str, text: str | Said, hint: str | Said, **values: str | int | Said) -> Finding:
    """Nobody should send with it."""
    return _finding(subject, "bad", text, hint, values)


def _finding(
    subject: str,
    verdict: Literal["good", "doubtful", "bad"],
    text: str | Said,
    hint: str | Said,
    values: Mapping[str, str | int | Said],
) -> Finding:
    what, how = (each if isinstance(each, Said) else Said(each, values) for each in (text, hint))
    return Finding(subject=subject, verdict=verdict, what=what, how=how)

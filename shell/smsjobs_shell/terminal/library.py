"""What the library and the worker's side say, in the language that is spoken."""

from __future__ import annotations

from smsjobs import sentences
from smsjobs_shell.terminal.language import tr

__all__ = ["in_language"]


def in_language(text: str) -> str:
    """The text in the language that is spoken, where its form is known."""
    return sentences.in_language(text, tr)

"""The language in which the command talks: English, or Chinese by SMS_LANG or the locale.

It is Python's own gettext, which argparse asks for its texts, too. The control API always answers in English: its texts are read by
programs.
"""

import argparse
import contextlib
import gettext
import os
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Formatter", "Wrong", "speaking", "tr"]

_DOMAIN = "smsjobs"

#: the environment's names of the language, in the order of their weight
_NAMES = ("SMS_LANG", "LC_ALL", "LC_MESSAGES", "LANG")

#: stands behind a character that takes two columns, while lines are broken
_SECOND = "\0"


class Wrong(ValueError):
    """Something that was given is wrong. Its text is English; the command tells it in the language that is spoken.

    Args:
        form: the text, with ``{name}`` in place of its values.
        values: the values. One may be such an error too.
    """

    def __init__(self, form: str, **values: object) -> None:
        super().__init__(form.format(**values))
        self.form = form
        self.values = values


@contextlib.contextmanager
def speaking() -> Iterator[None]:
    """Lets `tr` and argparse give their texts in the language of the environment, until the block ends."""
    named = next(filter(None, map(os.environ.get, _NAMES)), "C")
    before = gettext.textdomain(), os.environ.get("LANGUAGE")
    gettext.bindtextdomain(_DOMAIN, Path(__file__).parent / "locale")
    gettext.textdomain(_DOMAIN)
    os.environ["LANGUAGE"] = named if _output_has("中文") else "C"
    try:
        yield
    finally:
        gettext.textdomain(before[0])
        if before[1] is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before[1]


def tr(said: str | Wrong, **values: object) -> str:
    """A text in the language that is spoken, with values for its ``{name}``; or that of an error."""
    if isinstance(said, Wrong):
        return tr(
            said.form,
            **{name: tr(each) if isinstance(each, Wrong) else each for name, each in said.values.items()},
        )
    text = gettext.gettext(said)
    return text.format(**values) if values else text


class Formatter(argparse.HelpFormatter):
    """argparse's own counts characters, of which a Chinese one takes two columns."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return [line.replace(_SECOND, "") for line in super()._split_lines(_widened(text), width)]

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return super()._fill_text(_widened(text), width, indent).replace(_SECOND, "")


def _widened(text: str) -> str:
    return "".join(
        f"{each}{_SECOND}" if unicodedata.east_asian_width(each) in "WF" else each for each in text
    )


def _output_has(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True

"""What the library and the worker's side say, in another language, for the shell and for pages.

They say it in English, as sentences with values, and these cross processes as JSON. So the sentence is found by its form, and that is
translated. Sentences that are strung together are found one by one. A sentence that is not in `FORMS` stays as it is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final

from smsjobs.sentences.forms import FORMS

__all__ = ["FORMS", "in_language"]

#: The places whose value is a sentence of this table, too, or a text that may look like several.
_NESTED: Final = ("told", "task", "again", "hint", "command", "log", "error", "example")

#: What stands between two sentences, or between what a sentence is about and the sentence.
_BETWEEN: Final = {" | ": " | ", "; ": "；", ": ": "："}

_CUT: Final = re.compile("|".join(map(re.escape, _BETWEEN)))

#: The most special first: what is written out of it is longest.
_BY_LENGTH: Final = sorted(FORMS, key=lambda form: len(re.sub(r"\{\w+\}", "", form)), reverse=True)

#: Characters of a text that is looked at, and places where it may be cut. Ours have fewer. A text may come from elsewhere, such as an
#: answer of Aliyun's, and looking for forms in it takes time that grows faster than its length.
_LONGEST: Final = 1000
_MOST_CUTS: Final = 20


def in_language(text: str, translate: Callable[[str], str]) -> str:
    """The text in another language, where its form is known.

    Args:
        text: What was said.
        translate: Gives a form, or a text of a table, in that language; in English, and one that it does not know, as it is.
    """
    if len(text) > _LONGEST or translate(_BY_LENGTH[0]) == _BY_LENGTH[0]:
        return text  # it is English
    if (known := _translated(text, translate)) is not None:
        return known
    cuts = [(text[: cut.start()], _BETWEEN[cut[0]], text[cut.end() :]) for cut in _CUT.finditer(text)]
    if len(cuts) > _MOST_CUTS:
        return text
    for first, sign, rest in cuts:
        if (known := _translated(rest, translate)) is not None:
            return f"{in_language(first, translate)}{sign}{known}"
    for first, sign, rest in cuts:
        if (known := _translated(first, translate)) is not None:
            return f"{known}{sign}{in_language(rest, translate)}"
    return text


def _translated(text: str, translate: Callable[[str], str]) -> str | None:
    if (told := translate(text)) != text:
        return told
    for form in _BY_LENGTH:
        # Most forms are no match at the first look, and need no pattern.
        if all(part in text for part in _parts(form)[::2]) and (found := _pattern(form).fullmatch(text)):
            values = {
                name: in_language(value, translate) if name in _NESTED else value
                for name, value in found.groupdict().items()
            }
            return translate(form).format(**values)
    return None


@functools.cache
def _parts(form: str) -> list[str]:
    """What is written out, and between that the names of the places."""
    return re.split(r"\{(\w+)\}", form)


@functools.cache
def _pattern(form: str) -> re.Pattern[str]:
    parts = (_place(part) if n % 2 else re.escape(part) for n, part in enumerate(_parts(form)))
    return re.compile("".join(parts), re.DOTALL)


def _place(name: str) -> str:
    """What may stand there. A value does not reach into the next sentence."""
    return f"(?P<{name}>.+?)" if name in _NESTED else f"(?P<{name}>(?:(?!{_CUT.pattern}).)+?)"

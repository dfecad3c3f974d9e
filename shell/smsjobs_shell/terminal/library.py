"""What the library and the worker's side say, in the language that is spoken.

They say it in English, as sentences with values, and these cross processes as JSON. So the shell finds the sentence by its form, and
translates that. A sentence that is not in `SENTENCES` is shown as it is.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.sentences import SENTENCES

__all__ = ["in_language"]

#: What the value of a place may be, by its name: a sentence of this table, or anything that is shown as it is.
_NESTED: Final = ("told", "task", "again", "hint")


def in_language(text: str) -> str:
    """The text in the language that is spoken, where its form is known."""
    translated = tr(text)
    if translated != text:
        return translated
    for form in SENTENCES:
        # In English this is the end: no form has another text.
        if (told := tr(form)) != form and (found := _pattern(form).fullmatch(text)):
            values = {
                name: in_language(value) if name in _NESTED else value
                for name, value in found.groupdict().items()
            }
            return told.format(**values)
    return text


@functools.cache
def _pattern(form: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", form)
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if n % 2 else re.escape(part) for n, part in enumerate(parts)), re.DOTALL
    )

"""The language in which the shell talks to people: English, or Chinese by SMS_LANG or the locale.

It is Python's own gettext, with a domain of ours. click asks the same gettext for its texts, so they stand in the same
catalogue, ``smsjobs_shell/locale/``. Programs are always answered in English: their words are an interface.
"""

from __future__ import annotations

import contextlib
import gettext
import os
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from smsjobs.settings import SettingsError
from smsjobs.worker_side import in_words

__all__ = ["CHINESE", "ENGLISH", "chosen_language", "mark", "speaking", "tr", "tr_count", "tr_parts"]

ENGLISH: Final = "en"
CHINESE: Final = "zh"

#: The environment's names of the locale of messages, in the order of their weight.
_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")

_DOMAIN: Final = "smsjobs"
_CATALOGUES: Final = Path(__file__).parents[1] / "locale"

#: The texts of the source.
_AS_WRITTEN: Final = gettext.NullTranslations()

#: The texts of the language that is spoken.
_spoken: Final = ContextVar("_spoken", default=_AS_WRITTEN)


def chosen_language(environ: Mapping[str, str]) -> str:
    """The language of SMS_LANG, else Chinese where the locale and the output's encoding have it, else English.

    Raises:
        SettingsError: SMS_LANG is another language.
    """
    named = environ.get("SMS_LANG")
    if named and named not in (ENGLISH, CHINESE):
        raise SettingsError(f"SMS_LANG must be {ENGLISH} or {CHINESE}, or left out: then the locale decides")
    if named:
        return named
    locale = next((value for name in _LOCALE if (value := environ.get(name))), "")
    return CHINESE if locale.startswith(CHINESE) and _output_has("中文") else ENGLISH


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Lets `tr` and click give their texts in that language, until the block ends."""
    if language == ENGLISH:
        yield
        return
    before = gettext.textdomain(), os.environ.get("LANGUAGE")
    gettext.bindtextdomain(_DOMAIN, _CATALOGUES)
    gettext.textdomain(_DOMAIN)
    # gettext has no other way to be told a language for texts that click asks for.
    os.environ["LANGUAGE"] = language
    token = _spoken.set(gettext.translation(_DOMAIN, _CATALOGUES, [language]))
    try:
        yield
    finally:
        _spoken.reset(token)
        gettext.textdomain(before[0])
        if before[1] is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before[1]


def tr(text: str, **values: object) -> str:
    """The text in the language that is spoken, with values for its ``{name}``. An unknown text stays as it is."""
    found = _spoken.get().gettext(text) if text else text
    return found.format(**values) if values else found


def tr_count(one: str, many: str, count: int, **values: object) -> str:
    """The text for that number of things, which ``{count}`` shows, as in ``2,000``."""
    return _spoken.get().ngettext(one, many, count).format(count=f"{count:,}", **values)


def tr_parts(parts: Mapping[str, Any]) -> str:
    """What the worker's side said in parts: a text, and values for its ``{name}``, which may be such parts, too."""
    return in_words(parts, tr)


def mark(text: str) -> str:
    """Gives the text back as it is. It is translated where it is shown; here the catalogue's tool finds it."""
    return text


def _output_has(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True

"""Chinese or English, by what the browser asks for."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, Literal, get_args

from smsjobs.sentences import in_language
from smsjobs.worker_side import in_words

__all__ = ["LANGUAGES", "TRANSLATIONS", "Language", "chosen_language", "mark", "said", "told", "translated"]

Language = Literal["en", "zh"]

#: The first one is for whoever asks for none of them.
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

#: Of the header. A browser sends some ten languages.
_LONGEST: Final = 500


def _read(language: Language) -> gettext.NullTranslations:
    if language == LANGUAGES[0]:
        return gettext.NullTranslations()
    file = files("smsjobs_server.pages").joinpath("locale", language, "LC_MESSAGES", "smsjobs.mo")
    with file.open("rb") as opened:
        return gettext.GNUTranslations(opened)


#: The texts themselves are English.
TRANSLATIONS: Final[Mapping[Language, gettext.NullTranslations]] = {each: _read(each) for each in LANGUAGES}


def chosen_language(accept_language: str | None) -> Language:
    """The one of our languages that the browser likes best.

    Args:
        accept_language: The header ``Accept-Language``, as in ``zh-CN,zh;q=0.9,en;q=0.8``.
    """
    liked = dict.fromkeys(LANGUAGES, 0.0)
    for part in (accept_language or "")[:_LONGEST].split(","):
        name, _, weight = part.partition(";")
        for language in LANGUAGES:
            if name.strip().lower().partition("-")[0] == language:
                liked[language] = max(liked[language], _weight(weight))
    return max(LANGUAGES, key=liked.__getitem__)


def translated(language: Language, text: str, **values: object) -> str:
    """A text of the catalogue in that language, with values for its ``%(name)s``. Any other text stays as it is."""
    found = TRANSLATIONS[language].gettext(text) if text else text
    return found % values if values else found


def said(language: Language, parts: Mapping[str, Any]) -> str:
    """What the worker's side said in parts, in that language: a text, and values for its ``{name}``, which may be such parts, too."""
    return in_words(parts, lambda text: translated(language, text))


def told(language: Language, text: str) -> str:
    """What the library said of an error, in that language."""
    return in_language(text, lambda each: translated(language, each))


def mark(text: str) -> str:
    """Gives the text back as it is. It is translated where it is shown; here the catalogue's tool finds it."""
    return text


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        # "nan" and "inf" are numbers too, but not for a header.
        return min(1.0, max(0.0, float(value))) if name == "q" and value[:1].isdigit() else 1.0
    except ValueError:
        return 0.0

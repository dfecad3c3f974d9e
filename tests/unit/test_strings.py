"""The catalogues of what pages, the shell, the simulator and tables of the documentation say."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo

from support.strings import CATALOGUES, PAGES, SHELL, SIMULATOR, Strings, chinese_pages, untranslated

FIX = "run: make strings, and translate what it names"

every_catalogue = pytest.mark.parametrize("strings", CATALOGUES.values(), ids=CATALOGUES.keys())

CHINESE_PAGES = dict(chinese_pages())


def plain(value: object) -> object:
    return value if isinstance(value, str) else tuple(value or ())


def texts(catalogue) -> dict:
    return {plain(each.id): plain(each.string) for each in catalogue if each.id}


@every_catalogue
def test_every_text_is_in_chinese(strings: Strings) -> None:
    """Every text that pages, the shell, the simulator or a table may show stands in the Chinese catalogue with a translation, and no other text does."""
    assert texts(strings.kept()).keys() == texts(strings.found()).keys(), FIX
    assert untranslated(strings.kept()) == [], FIX


@every_catalogue
def test_placeholders_are_the_same(strings: Strings) -> None:
    """A translation has the places for values that its text has."""
    catalogue = strings.kept()
    # Babel takes the sign in "5 % of" for a place.
    with_percent = [each for each in catalogue if "%(" in str(each.id)]
    assert [str(error) for each in with_percent for error in each.check(catalogue)] == []
    assert [each.id for each in catalogue if not has_its_places(each)] == []


def has_its_places(message: Message) -> bool:
    """Whether the translation has the ``{name}`` of its text, or of its plural."""
    told = plain(message.string)
    most = message.id[-1] if isinstance(message.id, tuple) else message.id
    return places(told if isinstance(told, str) else told[0]) == places(most)


def places(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w*[^}]*\}", text))


@pytest.mark.parametrize("strings", [PAGES, SHELL, SIMULATOR], ids=["pages", "shell", "simulator"])
def test_the_compiled_catalogue_is_new(strings: Strings) -> None:
    """What Python reads is what people edit."""
    with strings.file.with_suffix(".mo").open("rb") as file:
        assert texts(read_mo(file)) == texts(strings.kept()), FIX


def test_one_text_has_one_translation() -> None:
    """What both pages and the shell say, they say with the same words."""
    pages, shell = (texts(each.kept()) for each in (PAGES, SHELL))
    assert {text for text in pages.keys() & shell.keys() if pages[text] != shell[text]} == set()


@pytest.mark.parametrize("page", CHINESE_PAGES, ids=[each.name for each in CHINESE_PAGES])
def test_tables_are_those_of_the_code(page: Path) -> None:
    """Tables of the documentation that are written from the code say the same in Chinese, with what the catalogues have."""
    assert page.read_text("utf-8") == CHINESE_PAGES[page], FIX

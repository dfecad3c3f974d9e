"""The catalogue of what pages say."""

from babel.messages.mofile import read_mo

from support.strings import CATALOGUE, found, kept, untranslated

FIX = "run: make strings, and translate what it names"


def texts(catalogue) -> dict:
    def plain(value: object) -> object:
        return value if isinstance(value, str) else tuple(value or ())

    return {plain(each.id): plain(each.string) for each in catalogue if each.id}


def test_every_text_is_in_chinese() -> None:
    """Every text that a page may show stands in the Chinese catalogue with a translation, and no other text does."""
    assert texts(kept()).keys() == texts(found()).keys(), FIX
    assert untranslated(kept()) == [], FIX


def test_placeholders_are_the_same() -> None:
    """A translation has the places for values that its text has."""
    catalogue = kept()
    assert [str(error) for each in catalogue for error in each.check(catalogue)] == []


def test_the_compiled_catalogue_is_new() -> None:
    """What Python reads is what people edit."""
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        assert texts(read_mo(file)) == texts(kept()), FIX

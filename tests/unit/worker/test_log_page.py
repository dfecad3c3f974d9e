"""The page about the log."""

import dataclasses

from support.facts import kinds
from support.log_page import PAGE, explained, renewed


def test_page_is_true() -> None:
    """The page lists every fact with its action, level and fields, and explains each field.

    ``PYTHONPATH=tests python -m support.log_page`` writes its tables anew.
    """
    page = PAGE.read_text("utf-8")
    assert renewed(page) == page
    names = {each.name for kind in kinds() for each in dataclasses.fields(kind)}
    assert names - explained(page) == set()

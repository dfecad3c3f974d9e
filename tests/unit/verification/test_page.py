"""The page about verification codes."""

import re
from pathlib import Path

import pytest

from smsjobs.verification import CEILING, PER_CLIENT, PER_NUMBER, Limit

PAGE = (Path(__file__).parents[3] / "docs" / "verification.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "limit"), [("per_number", PER_NUMBER), ("per_client", PER_CLIENT), ("ceiling", CEILING)]
)
def test_defaults_of_limits(name: str, limit: Limit) -> None:
    """The page tells the limits that hold by default."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}`"))
    told = re.search(r"`(Limit\(.*?\))`", row)
    assert told
    assert eval(told[1], {"Limit": Limit}) == limit


def test_chance_of_a_guess() -> None:
    """The page's arithmetic of guessing is that of the defaults: tries a code times messages a day."""
    assert PER_NUMBER.day is not None
    guesses = 5 * PER_NUMBER.day
    assert f"{guesses} guesses a day" in PAGE
    assert f"1 in {10**6 // guesses:,} a day" in PAGE
    assert f"1 in {10**4 // guesses:,}" in PAGE

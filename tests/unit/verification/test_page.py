"""The page about verification codes."""

import re
from pathlib import Path
from typing import Any

import pytest

import smsjobs
from smsjobs import testing
from smsjobs.verification import CEILING, PER_CLIENT, PER_NUMBER, Limit

PAGE = (Path(__file__).parents[3] / "docs" / "verification.md").read_text("utf-8")


def test_examples_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every Python example of the page runs, one after the other."""
    sms = testing.connect()
    monkeypatch.setattr(smsjobs, "connect", lambda: sms)
    names: dict[str, Any] = {}
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(examples) == 4
    for example in examples:
        exec(compile(example, "docs/verification.md", "exec"), names)
    assert capsys.readouterr().out == "wrong 4\n"


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

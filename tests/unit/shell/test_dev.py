"""What `dev` shows of a message."""

import pytest

from smsjobs_shell.sandbox.dev import _shown

BATCH = [f"138001380{n:02}" for n in range(100)]


@pytest.mark.parametrize(
    ("phones", "text", "shown"),
    [
        pytest.param(BATCH[:1], "one", "138****8000  one", id="one number"),
        pytest.param(BATCH[:3], "all the same", "138****8000 +2  all the same", id="one text for all"),
        pytest.param(BATCH, [f"no. {n}" for n in range(100)], "138****8000 +99  no. 0", id="a text for each"),
    ],
)
def test_a_request_is_a_line(phones: list[str], text: str | list[str], shown: str) -> None:
    """A request is one line, be it a batch with a text for each number: the first one's stands for all."""
    assert _shown({"phones": phones, "text": text}) == shown

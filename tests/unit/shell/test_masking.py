"""What was typed is shown masked."""

import pytest

from smsjobs.contract import mask_phone
from smsjobs_shell.terminal.masking import mask_typed


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13800138000", "138****8000"),
        ("8613800138000", "86138****8000"),
        ("85291234567", "852****4567"),
        ("6561234567", "****67"),
        ("", "****"),
    ],
)
def test_phone_is_masked(phone: str, masked: str) -> None:
    """A masked number never shows its middle, however short it is."""
    assert mask_phone(phone) == masked


def test_typed_digits_are_masked() -> None:
    """Every run of four digits or more is hidden, and words stay."""
    assert mask_typed("No such command '13800138000' or 1234; 123 stays") == (
        "No such command '****' or ****; 123 stays"
    )

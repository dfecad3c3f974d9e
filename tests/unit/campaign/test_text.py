"""The text of a template: its parameters and its length."""

import pytest

from smsjobs.campaign.text import billed, render, variables


def test_variables():
    """The parameters are found in their order, each once."""
    assert variables("${a}您好, ${ b }和${a}") == ("a", "b")


def test_render():
    """Parameters are filled in, and what has no value is left empty."""
    assert render("${a}您好,${b}", {"a": "张三"}) == "张三您好,"


@pytest.mark.parametrize(
    ("length", "units"),
    [(1, 1), (66, 1), (67, 2), (130, 2), (131, 3)],  # with the signature 【ab】 of four: 70, 71, 134, 135
)
def test_mainland(length, units):
    """At home 70 characters with the signature are one message, and beyond that every 67."""
    assert billed("字" * length, "ab", mainland=True) == units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("a" * 154, 1),  # with [ab], whose brackets count twice: 160
        ("a" * 155, 2),
        ("a" * 300, 2),
        ("a" * 301, 3),
        ("€" * 77, 1),  # counts twice
        ("€" * 78, 2),
        ("字" * 66, 1),
        ("字" * 67, 2),
    ],
)
def test_abroad(text, units):
    """Abroad plain Latin text may be longer, and anything else is counted as at home."""
    assert billed(text, "ab", mainland=False) == units

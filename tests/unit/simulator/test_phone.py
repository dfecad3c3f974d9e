"""Which numbers Aliyun takes."""

import pytest

from aliyun_sms_simulator.phone import bare, is_domestic, normal


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("13800138000", "13800138000"),
        ("+13800138000", "13800138000"),
        ("+8613800138000", "13800138000"),
        ("008613800138000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("85200001234", "85200001234"),
        ("1380013800", None),  # ten digits
        ("138001380000", None),  # twelve digits
        ("12125550123", "12125550123"),
        ("12345", None),
        ("1380013800a", None),
        ("１3800138000", None),  # a full-width digit
        ("+85200001234", None),  # no + before a country code
        ("0085200001234", None),
        ("10000138000", None),
        ("", None),
    ],
)
def test_normal_form(number, kept):
    """A number is kept as 11 digits or country code and number, or refused."""
    assert normal(number) == kept


def test_domestic():
    """Only a bare mainland number is domestic, and only a normal form is bare."""
    assert is_domestic("13800138000")
    assert not is_domestic("85200001234")
    assert bare("13800138000")
    assert not bare("+8613800138000")

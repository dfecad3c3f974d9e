"""Texts of Aliyun's without the request's content."""

import pytest

from smsjobs_worker.aliyun.scrub import scrub

CONTENT = ("13800138000", "384915", "张三", 'say "hi" & go')


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("触发分钟级流控Permits:1", "触发分钟级流控Permits:1"),
        ("13800138000 refused", "*** refused"),
        ("+8613800138000 refused", "+86*** refused"),
        ("138-0013-8001 and 138 0013 8001", "*** and ***"),
        ("code=384915;", "code=***;"),
        ("name 张三", "name ***"),
        ("name %E5%BC%A0%E4%B8%89", "name ***"),
        (r"name \u5f20\u4e09", "name ***"),
        (r'text "say \"hi\" & go"', 'text "***"'),
        ("text say+%22hi%22+%26+go", "text ***"),
        ("text say%20%22hi%22%20%26%20go", "text ***"),
        ("other number 1234567", "other number ***"),
        ("short number 123456", "short number 123456"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_scrub(text, clean):
    """Numbers and values of the request go, however they are written, and so does any long number."""
    assert scrub(text, CONTENT) == clean


def test_scrub_longest_first():
    """A value that holds another one goes as a whole."""
    assert scrub("abcdef", ("abc", "abcdef")) == "***"


def test_scrub_empty():
    """An empty value takes nothing out."""
    assert scrub("text", ("",)) == "text"

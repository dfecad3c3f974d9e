"""What the library says, in the language that is spoken."""

import re
from pathlib import Path

import pytest

from smsjobs_shell.terminal.language import speaking
from smsjobs_shell.terminal.library import in_language
from smsjobs_shell.terminal.sentences import SENTENCES

ROOT = Path(__file__).parents[3]


def source() -> str:
    """All source but the table itself. A text in several lines is put together."""
    files = (file for folder in ("producer", "worker", "shell") for file in (ROOT / folder).rglob("*.py"))
    texts = (file.read_text(encoding="utf-8") for file in files if file.name != "sentences.py")
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(texts))


def test_what_is_translated_is_said() -> None:
    """No sentence of the table is one that the library has not, or says otherwise by now."""
    texts = source()
    # What Redis is at is said in pieces.
    for form in (each for each in SENTENCES if not each.startswith("Redis ")):
        for part in re.split(r"\{\w+\}|; ", form):
            assert part.strip(" ;,:") in texts, form


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("PHONE is empty", "PHONE 为空"),
        ("--key has 300 characters; at most 255 are permitted", "--key 有 300 个字符，最多允许 255 个"),
        (
            "Redis is unreachable: nothing answers at h:1 (start it, or set SMS_BROKER_URL or SMS_REDIS_URL), so the job could not be read; calling again is safe",
            "无法连接 Redis：h:1 没有应答（请启动它，或设置 SMS_BROKER_URL 或 SMS_REDIS_URL），因此无法读取任务；可以放心重试",
        ),
        ("a new sentence of the library", "a new sentence of the library"),
        ("", ""),
    ],
)
def test_values_stay(text: str, told: str) -> None:
    """A sentence is found by its form and keeps its values; an unknown one stays as it is. In English, all do."""
    assert in_language(text) == text
    with speaking("zh"):
        assert in_language(text) == told
        # A value that is a word of the catalogue is still a value.
        assert in_language("file is empty") == "file 为空"

"""What the library says, in the language that is spoken."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from smsjobs.contract.phones import WRONG_NUMBER
from smsjobs.sentences import FORMS
from smsjobs.steering import refusals
from smsjobs_shell.terminal.language import speaking
from smsjobs_shell.terminal.library import in_language
from smsjobs_worker.aliyun.codes import CODES, FAMILIES
from smsjobs_worker.process.door.message import PROBLEMS
from support.polling import in_time
from support.said import Said, everything_said

#: Rooms whose texts no command shows.
NO_COMMAND = {
    "producer/smsjobs/verification/": "codes are sent and checked by applications",
    "producer/smsjobs/testing/": "an application's tests get it",
    "shell/smsjobs_shell/terminal/language.py": "no language is chosen yet",
    "worker/smsjobs_worker/watching/doctor/trial.py": "the doctor settles a job of its own with it",
}

#: What only a Python program can hand over. The shell asks in its own words for what it takes.
ONLY_IN_PYTHON = {
    "‹argument› excludes countdown: pass one of them",
    "‹argument› is missing; pass {} for a template without parameters",
    "‹argument› is not an argument of a direct send; jobs of smsjobs.connect() take it",
    "‹argument› must be True, False or None",
    "‹argument› must be a datetime with a time zone, or a timedelta, such as timedelta(hours=2)",
    "‹argument› must be a datetime with a time zone, such as datetime(…, tzinfo=UTC)",
    "‹argument› must be a datetime with a time zone, such as datetime.now(UTC)",
    "‹argument› must be a dict",
    "‹argument› must be a dict of text",
    "‹argument› must be a number of seconds, or None to wait without a limit",
    # Of lists in lists.
    "an argument ‹2›",
}

#: What is handed on. It stands elsewhere, and is looked at there.
FROM_ELSEWHERE = {
    "error.detail": "another error's",
    "error.message": "another error's",
    "error.message.replace('this worker', 'this process')": "another error's",
    "error['message']": "of the worker's side, which has it from another error",
    "failure.detail": "another error's",
    "str(error)": "another error's",
    "str(failure)": "another error's",
    "str(inner)": "another error's",
    "str(UnusableDirectory(directory, error))": "another error's",
    "granted": "the record of a job, for a function of the same name",
    "why": "another error's",
    "cause": "of a function that makes problems, and is called with texts",
    "hint": "likewise",
    "fault": "the reason of a row, a stable word",
    "fault.cause": "of a Fault",
    "fault.hint": "of a Fault",
    "headers": "of another program's message, not a text",
    "body": "likewise",
    "job_id": "not a text",
    "known.meaning": "of the table of Aliyun's codes",
    "known.meaning if known else error.detail": "likewise",
    "PROBLEMS['arguments']": "of the table of what is wrong with messages",
    "PROBLEMS[self.problem]": "likewise",
    "message": "of the functions of steering.refusals",
    "task": "a job's: with its default, or handed over to available",
    "text": "another error's",
}

#: Texts of tables, which the code takes from there by a key.
OF_TABLES = [
    *(f"PHONE {text}" for text in WRONG_NUMBER.values()),
    *PROBLEMS.values(),
    *(code.meaning for code in (*CODES.values(), *FAMILIES)),
    refusals.no_such_job("id").message,
    refusals.part_of_campaign("id").message,
    refusals.not_retryable("id", "accepted").message,
    refusals.gone("id").message,
    "the job could not be read",
]

#: Small words, of which every English sentence has one. Of what is typed, none stands alone.
ENGLISH = re.compile(
    r"(?<![-\w])(?:a|an|and|are|at|be|by|for|has|have|in|is|it|its|must|no|not|of|on|or|that|the|there|to|was|with)\b(?!:)"
)

HAN = re.compile("[\u4e00-\u9fff]")

ROOT = Path(__file__).parents[3]


def source() -> str:
    """All source but the table itself. A text in several lines is put together."""
    files = (file for folder in ("producer", "worker", "shell") for file in (ROOT / folder).rglob("*.py"))
    texts = (file.read_text(encoding="utf-8") for file in files if file.name != "forms.py")
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(texts))


def test_what_is_translated_is_said() -> None:
    """No sentence of the table is one that the library has not, or says otherwise by now."""
    texts = source() + "".join(each.text or "" for each in everything_said())
    texts += texts.replace("this worker", "this process")
    # What Redis is at is said in pieces.
    for form in (each for each in FORMS if not each.startswith("Redis ")):
        for part in re.split(r"\{\w+\}|; ", form):
            assert part.strip(" ;,:") in texts, form


def untranslated(texts: Iterable[str]) -> dict[str, str]:
    """Those that a Chinese user would see in English, in whole or in part. What is to be typed or copied stays."""
    with speaking("zh"):
        told = {text: in_language(text) for text in texts}
    return {
        text: shown
        for text, shown in told.items()
        if not HAN.search(shown) or ENGLISH.search(re.sub(r"'[^']*'|\"[^\"]*\"", "", shown))
    }


def has_words(said: Said) -> bool:
    """Whether there is anything to translate: some texts are values only."""
    return said.text is not None and re.search("[a-z]{2}", re.sub(r"‹\w+›", "", said.text)) is not None


def test_every_sentence_is_in_chinese() -> None:
    """Whatever an error or a problem says that a command can show is Chinese where the shell is, or is named here with its reason."""
    said = [each for each in everything_said() if not each.file.startswith(tuple(NO_COMMAND))]
    texts = {str(each.text) for each in said if has_words(each)}
    assert len(texts) > 300
    assert untranslated(texts - ONLY_IN_PYTHON) == {}
    assert texts >= ONLY_IN_PYTHON
    assert {each.source for each in said if each.text is None} == FROM_ELSEWHERE.keys()
    assert untranslated(OF_TABLES) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("PHONE is empty", "PHONE 为空"),
        ("--key has 300 characters; at most 255 are permitted", "--key 有 300 个字符，最多允许 255 个"),
        (
            "Redis is unreachable: nothing answers at h:1 (start it, or set SMS_BROKER_URL or SMS_REDIS_URL), so the job could not be read; calling again is safe",
            "无法连接 Redis：h:1 没有应答（请启动它，或设置 SMS_BROKER_URL 或 SMS_REDIS_URL），因此无法读取任务；可以放心重试",
        ),
        (
            "SMS.A: SMS/A/e.json, key type: missing; name a Type that exists; a chain ends in a Meta",
            "SMS.A：SMS/A/e.json，键 type：缺少；请写一个存在的类型；类型链以 Meta 结束",
        ),
        (
            "SMS_CODE_SECRET is missing; make one with: python -c 'import secrets; print(1)'",
            "缺少 SMS_CODE_SECRET；可以这样生成：python -c 'import secrets; print(1)'",
        ),
        (
            "FILE: a b.csv has no sheet 名单; it has A, B",
            "FILE：a b.csv 没有工作表 名单；它有 A, B",
        ),
        ("SMS.A: a cause of another Type's; a hint", "SMS.A: a cause of another Type's; a hint"),
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


def hostile_texts() -> list[str]:
    """Texts like many sentences at once, as long as one that is looked at."""
    longest = [" ".join(re.split(r"\{\w+\}", form)) for form in FORMS if form.count("{") > 2]
    return [(each * 1000)[:999] for each in (*longest, "x ", "x, so x; ", "a: " * 19 + "x" * 60)]


def test_no_text_holds_anybody_up() -> None:
    """A text from elsewhere, which may be made for it, is looked at in a moment or not at all."""
    with speaking("zh"):
        for text in hostile_texts():
            with in_time(0.5, "one text"):
                in_language(text)
            with in_time(0.5, "many of it"):
                in_language(text * 1000)

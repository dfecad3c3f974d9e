"""What the doctor finds is said in parts, so that pages can say it in Chinese."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import smsjobs_worker.watching.doctor
from smsjobs_server.pages.languages import said
from smsjobs_worker.watching.doctor.finding import bad, good, say

ROOM = Path(smsjobs_worker.watching.doctor.__file__).parent

#: Texts that come from elsewhere, and stand as they are or as somebody else's table has them.
FROM_ELSEWHERE = {
    # Of elements' files and their credentials, and why a signature is not filed.
    "error.message",
    "f'{_where(each)}{each.cause}'",
    "each.hint",
    "error.detail",
    "reasons",
    "carrier",
    # Of the tables of Aliyun's codes, and of what Redis refuses.
    "checked.detail",
    "refusal_hint(error)",
    "refusal",
    "refusal_text(error) or type(error).__name__",
}


def texts() -> Iterator[ast.expr]:
    """What is handed over as a text or a hint."""
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and path.name != "finding.py":
                match ast.unparse(node.func):
                    case "say":
                        yield node.args[0]
                    case "good" | "doubtful" | "bad":
                        yield from node.args[1:]


def test_each_text_is_constant() -> None:
    """Every text is a constant sentence, which the catalogue has, or is named here: none is put together with its values."""
    made = {
        ast.unparse(each)
        for each in texts()
        if not (isinstance(each, ast.Constant) or ast.unparse(each).startswith("say("))
    }
    # These have been made by `say`.
    made -= {"text", "what", "hint", "LEAST_RIGHTS", "say(reasons) if reasons else say('see the console')"}
    assert made == FROM_ELSEWHERE


def test_said_in_chinese() -> None:
    """A finding is English by itself, and Chinese on the pages, also where a value is a text."""
    step = say("a job of its own could not be claimed")
    finding = bad("ledger", "{step}: {code}", "start one: {command}", step=step, code="OOM", command="celery")
    document = json.loads(json.dumps(finding.to_json()))
    assert (document["text"], document["hint"]) == (
        "a job of its own could not be claimed: OOM",
        "start one: celery",
    )
    assert said("zh", document["parts"]["text"]) == "它自己的任务无法被领取：OOM"
    assert said("zh", document["parts"]["hint"]) == "启动一个：celery"
    assert said("en", document["parts"]["text"]) == finding.text


def test_braces_are_no_places() -> None:
    """A text from elsewhere may have braces of its own, and so may a value."""
    finding = good("SMS.Example", "{id}: {problem}", id="{0}", problem=say("${code} {"))
    assert finding.text == "{0}: ${code} {"
    assert said("zh", finding.to_json()["parts"]["text"]) == "{0}：${code} {"

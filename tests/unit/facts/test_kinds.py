"""What holds for every fact that the product tells."""

import ast
import dataclasses
import logging
import re
from pathlib import Path

import pytest

import smsjobs
import smsjobs_worker
import smsjobs_worker.logs.facts
from smsjobs.facts import Fact
from support.facts import kinds

KINDS = kinds()

#: What logging itself puts into a record, and what a JSON line has of its own.
TAKEN = {
    *vars(logging.makeLogRecord({})),
    *("message", "asctime", "time", "level", "logger", "traceback", "action", "times"),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_shape(kind: type[Fact]) -> None:
    """A fact is frozen, has a word, a level, a sentence and a logger of ours, and fields that no record has already."""
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert re.fullmatch("[a-z_]+", kind.action)
    assert kind.level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
    assert "{" not in kind.sentence
    assert "%" not in kind.sentence
    assert kind.logger.startswith("smsjobs.")
    names = {each.name for each in dataclasses.fields(kind)}
    assert not names & TAKEN
    assert set(kind.repeats_by or ()) <= names


def test_one_kind_for_a_word_and_a_level() -> None:
    """Two kinds share a word only where one is the other at another level, or in other words."""
    seen: dict[str, type[Fact]] = {}
    for kind in KINDS:
        first = seen.setdefault(kind.action, kind)
        assert issubclass(kind, first), (kind, first)
    sentences = [kind.sentence for kind in KINDS]
    assert len(set(sentences)) == len(sentences)


def test_lines_are_written_in_one_place() -> None:
    """No room writes a log line of its own: each tells a fact."""
    calls = {"debug", "info", "warning", "error", "exception", "critical", "log"}
    for package in (smsjobs, smsjobs_worker):
        for file in Path(str(package.__file__)).parent.rglob("*.py"):
            tree = ast.parse(file.read_text("utf-8"))
            found = {
                node.func.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("log", "logger", "logging")
            }
            assert not found & calls, file

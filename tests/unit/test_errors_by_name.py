"""How our own code makes errors: the message, and everything else by name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsjobs import SmsError

ROOT = Path(__file__).parents[2]

PACKAGES = [
    ROOT / "producer" / "smsjobs",
    ROOT / "worker" / "smsjobs_worker",
    ROOT / "shell" / "smsjobs_shell",
    ROOT / "simulator" / "aliyun_sms_simulator",
    ROOT / "examples",
]

#: Where an error is rebuilt from its args on purpose.
REBUILT = {ROOT / "tests/unit/contract/test_errors.py", ROOT / "tests/integration/aliyun/test_send.py"}


def sources() -> list[tuple[Path, ast.AST]]:
    tests = set((ROOT / "tests").rglob("*.py")) - REBUILT - {Path(__file__)}
    files = sorted(tests.union(*(each.rglob("*.py") for each in PACKAGES)))
    return [(path, ast.parse(path.read_text("utf-8"))) for path in files]


def last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=ast.Name(id="type"), args=[ast.Name(id=name)]) if name != "self":
            return "type()"  # the class of an error at hand: `type(error)(…)`
        case _:
            return ""


def error_classes(trees: list[tuple[Path, ast.AST]]) -> set[str]:
    """The names of `SmsError` and of all classes that derive from it, wherever they are defined."""
    classes = [each for _, tree in trees for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]
    found = {SmsError.__name__}
    while more := {each.name for each in classes if found & set(map(last_name, each.bases))} - found:
        found |= more
    return found


def positional(tree: ast.AST, classes: set[str]) -> Iterator[ast.Call]:
    for each in ast.walk(tree):
        if (
            isinstance(each, ast.Call)
            and (len(each.args) > 1 or any(isinstance(argument, ast.Starred) for argument in each.args))
            and ((name := last_name(each.func)) in classes or name == "type()")
        ):
            yield each


def test_no_error_is_made_positionally() -> None:
    """No code passes an error more than its message without naming it: a new attribute cannot shift another one's place."""
    trees = sources()
    classes = error_classes(trees)
    assert {"InvalidArguments", "QueueUnavailable", "Broken", "CannotOpen"} <= classes
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno} {ast.unparse(call)[:100]}"
        for path, tree in trees
        for call in positional(tree, classes)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("call", "is_found"),
    [
        pytest.param('RequestFailed("late", "expired")', True, id="two"),
        pytest.param('smsjobs.RequestFailed("late", "expired")', True, id="of a module"),
        pytest.param("type(error)(*error.args)", True, id="rebuilt"),
        pytest.param("RequestFailed(*words)", True, id="starred"),
        pytest.param('RequestFailed("late", reason="expired")', False, id="by name"),
        pytest.param('InvalidArguments.about("phoneList", "is empty")', False, id="about"),
        pytest.param('ValueError("a", "b")', False, id="not ours"),
    ],
)
def test_positions_are_recognised(call: str, is_found: bool) -> None:
    """The rule sees every way to make an error by position, and nothing else."""
    assert bool(list(positional(ast.parse(call), {"RequestFailed", "InvalidArguments"}))) is is_found

"""What errors and problems of the library, of the worker's side and of the shell may say, read from the code."""

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

__all__ = ["Said", "everything_said"]

_ROOT = Path(__file__).parents[2]

#: Stands for a value, which is no word of any language.
_VALUE = "‹{}›"

#: Who says something, and by which of its arguments: by position, or by name. Classes that derive from one of them do it likewise.
_SPEAKERS: Mapping[str, tuple[int | str, ...]] = {
    **dict.fromkeys(("SmsError", "SettingsError", "InvalidAddress"), (0, "message")),
    **dict.fromkeys(("EmbeddedRedisError", "RedisServerNotFound", "WorkerSideFailed"), (0,)),
    **dict.fromkeys(("NoKeys", "ConnectFailed", "bad_recipients", "_unreadable", "_unknown"), (0,)),
    **dict.fromkeys(("AttemptFailed", "InvalidHook", "about", "_bad_type"), (1,)),
    **dict.fromkeys(("Problem", "problem", "Fault"), ("cause", "hint")),
    **dict.fromkeys(("_fault", "_problem"), (1, 2)),
    "_about": (2,),
    "_broken": (2, 3),
    "broken": (0, 1),
    "available": ("task", "again"),
}

#: What they put before it.
_BEFORE = {"about": "‹argument› ", "InvalidHook": "‹argument› ", "bad_recipients": "recipients: "}


@dataclass(frozen=True)
class Said:
    """A text as it may be shown, with marks in place of its values."""

    #: The text; None where it is not written at this place.
    text: str | None
    #: What is handed over.
    source: str
    #: The file, from the root.
    file: str = field(compare=False)


@functools.cache
def everything_said() -> frozenset[Said]:
    """All of it, each text once."""
    files = [
        path for folder in ("producer", "worker", "shell") for path in sorted((_ROOT / folder).rglob("*.py"))
    ]
    trees = {path.relative_to(_ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in files}
    speakers = dict(_SPEAKERS)
    for _ in range(3):  # an error, one that derives from it, and one from that
        for each in (node for tree in trees.values() for node in ast.walk(tree)):
            if isinstance(each, ast.ClassDef) and _says_what_it_is_given(each):
                for base in map(ast.unparse, each.bases):
                    if base in speakers:
                        speakers.setdefault(each.name, speakers[base])
    readers = (_Reader(file, tree, speakers) for file, tree in trees.items())
    return frozenset(said for reader in readers for said in reader.said())


def _says_what_it_is_given(error: ast.ClassDef) -> bool:
    makers = [each for each in error.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    return not makers or any(each.arg in ("message", "detail") for each in makers[0].args.args)


class _Reader:
    def __init__(self, file: str, tree: ast.Module, speakers: Mapping[str, tuple[int | str, ...]]) -> None:
        self._file, self._tree, self._speakers = file, tree, speakers

    def said(self) -> Iterator[Said]:
        for node, rooms in _in_rooms(self._tree, ()):
            for name, said in self._handed_over(node):
                for text in _texts(said, rooms):
                    whole = text if text is None else _BEFORE.get(name, "") + text
                    yield Said(whole, ast.unparse(said), self._file)

    def _handed_over(self, node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__")):
                # The error's own text. A name is what it was given.
                yield from (("", each) for each in node.args if isinstance(each, ast.JoinedStr))
            case ast.Call():
                name = ast.unparse(node.func).rpartition(".")[2]
                for each in self._speakers.get(name, ()):
                    if isinstance(each, int):
                        yield from ((name, said) for said in node.args[each : each + 1])
                    else:
                        yield from ((name, word.value) for word in node.keywords if word.arg == each)
            case ast.FunctionDef(name="__init__", args=args):
                defaults = zip(reversed(args.args), reversed(args.defaults), strict=False)
                yield from (("", value) for word, value in defaults if word.arg == "message")


def _in_rooms(node: ast.AST, around: tuple[ast.AST, ...]) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Each node, with what may set a name in it: the functions around it, from the innermost on, and the file."""
    yield node, around
    if isinstance(node, ast.Module | ast.FunctionDef):
        around = (node, *around)
    for each in ast.iter_child_nodes(node):
        yield from _in_rooms(each, around)


def _texts(node: ast.expr, rooms: tuple[ast.AST, ...]) -> list[str | None]:
    """What it may say; None where that is not written here."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            parts = (
                [_VALUE.format(index) if each is None else each for each in _texts(part, rooms)]
                for index, part in enumerate(values)
            )
            return ["".join(each) for each in product(*parts)]
        case ast.FormattedValue(value=value):
            return _texts(value, rooms)
        case ast.IfExp(body=body, orelse=orelse):
            return _texts(body, rooms) + _texts(orelse, rooms)
        case ast.BoolOp(op=ast.Or(), values=[*values]):
            return [text for each in values for text in _texts(each, rooms)]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [
                None if None in both else "".join(map(str, both))
                for both in product(_texts(left, rooms), _texts(right, rooms))
            ]
        case ast.BinOp(op=ast.Mult(), left=left):
            return [*_texts(left, rooms), ""] if isinstance(left, ast.Constant | ast.JoinedStr) else [None]
        case ast.Call(func=ast.Name(id="tr")):
            return []  # it is in the language that is spoken
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            found = [
                text for each, room in _returned(name, rooms[-1]) for text in _texts(each, (room, rooms[-1]))
            ]
            return found or [None]
        case ast.Name(id=name):
            return [text for each in _values(name, rooms) for text in _texts(each, rooms)] or [None]
    return [None]


def _values(name: str, rooms: tuple[ast.AST, ...]) -> list[ast.expr]:
    """What the nearest room that sets a name sets it to. One that is made from itself is a value."""
    for room in rooms:
        statements = room.body if isinstance(room, ast.Module) else ast.walk(room)
        if found := [value for each in statements for target, value in _set(each) if target == name]:
            return [
                each
                for each in found
                if not any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(each))
            ]
    return []


def _returned(name: str, file: ast.AST) -> Iterator[tuple[ast.expr, ast.AST]]:
    """What a function of that file returns."""
    for function in ast.walk(file):
        if isinstance(function, ast.FunctionDef) and function.name == name:
            for each in ast.walk(function):
                if isinstance(each, ast.Return) and each.value is not None:
                    yield each.value, function


def _set(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            yield from ((ast.unparse(target), value) for target, value in zip(targets, values, strict=True))
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield name, value

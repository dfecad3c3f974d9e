"""Nodes: the elements of one chain, as a Loader sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

from smsjobs.contract import nearest_name
from smsjobs_worker.elements.files import Reads, read_inside
from smsjobs_worker.elements.layers import Layer, locate, names
from smsjobs_worker.elements.problems import Broken, Problem

__all__ = ["Application", "Node", "read_chain"]


class Application(Protocol):
    """What an element knows of its `App`."""

    #: The directory that holds ``SMS/``.
    path: Path
    #: Where elements are looked for, in this order.
    layers: tuple[Layer, ...]

    def getElement(self, full_name: str) -> Any:
        """The element of that name."""


class Node:
    """One element of a chain: its directory and its ``e.json``.

    Attributes:
        fullName: Its path from the app root with ``.`` for ``/``.
        name: The last part of it.
        define: Its ``e.json``.
        app: The app it belongs to.
        directory: Where it lies.
    """

    def __init__(
        self, app: Application, full_name: str, *, layer: Layer, directory: Path, reads: Reads
    ) -> None:
        self.fullName = full_name
        self.name = full_name.rpartition(".")[2]
        self.app = app
        self.directory = directory
        self._layer = layer
        self._reads = reads
        self.define: Mapping[str, Any] = self._read_define()

    def __repr__(self) -> str:
        return f"<Node {self.fullName}>"

    def getFile(self, name: str) -> str:
        """The text of a file in this element's directory. A file that is read is watched for changes.

        Raises:
            InvalidArguments: With ``reason="element_invalid"``: it is missing, not UTF-8, or outside.
        """
        return read_inside(
            self.directory, name, element=self.fullName, shown=self.show(""), reads=self._reads
        )

    def show(self, name: str) -> str:
        """That file of this element, as messages show it."""
        return self._layer.show(self.directory / name)

    def problem(
        self, *, file: str, key: str = "", cause: str, hint: str, level: Literal["error", "warning"] = "error"
    ) -> Problem:
        """A problem with one of this element's files."""
        return Problem(
            element=self.fullName, file=self.show(file), key=key, cause=cause, hint=hint, level=level
        )

    @property
    def type(self) -> str:
        """The full name of its Meta or Type; empty for a Meta."""
        return str(self.define["type"])

    @property
    def entry(self) -> str:
        """The place of its Python package, relative to its directory."""
        return str(self.define.get("backendBundleEntry", "."))

    def _read_define(self) -> Mapping[str, Any]:
        define = self.read_json("e.json")
        problems = []
        if not isinstance(define.get("type"), str):
            problems.append(
                self.problem(
                    file="e.json",
                    key="type",
                    cause="missing" if "type" not in define else "not text",
                    hint='name the Type, such as "SMS.Aliyun"; only a Meta has ""',
                )
            )
        if not isinstance(define.get("backendBundleEntry", "."), str):
            hint = 'name the directory of the Python package, or "."'
            problems.append(
                self.problem(file="e.json", key="backendBundleEntry", cause="not text", hint=hint)
            )
        if problems:
            raise Broken(problems)
        return define

    def read_json(self, name: str) -> dict[str, Any]:
        """The JSON object in a file of this element.

        Raises:
            InvalidArguments: With ``reason="element_invalid"``: the file cannot be read, or is not a JSON object.
        """
        text = self.getFile(name)
        try:
            data = json.loads(text, object_pairs_hook=_once)
        except _Twice as twice:
            problem = self.problem(
                file=name, key=twice.name, cause="stands there twice", hint="leave one of them"
            )
            raise Broken([problem]) from None
        except ValueError as error:
            line = getattr(error, "lineno", 1)  # the place only: the error's text could show a secret
            cause = f"not JSON (line {line})"
            raise Broken([self.problem(file=name, cause=cause, hint="fix its syntax")]) from None
        except RecursionError:
            raise Broken([self.problem(file=name, cause="nested too deeply", hint="flatten it")]) from None
        if not isinstance(data, dict):
            raise Broken([self.problem(file=name, cause="not a JSON object", hint='write {"key": "value"}')])
        return data


class _Twice(ValueError):
    """A JSON object has a name twice. Which of the values is meant, nobody knows."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def read_chain(app: Application, full_name: str, reads: Reads) -> tuple[Node, ...]:
    """The element, its Type and so on up to the Meta.

    Raises:
        Broken: A file is wrong, a Type is missing, or the chain goes round in a circle.
    """
    chain: list[Node] = []
    name = full_name
    while True:
        found = locate(app.layers, name)
        if found is None:
            raise _missing(name, chain, names(app.layers))
        try:
            node = Node(app, name, layer=found[0], directory=found[1], reads=reads)
        except Broken as error:
            raise _named_by(chain, name, error) from None
        chain.append(node)
        if not node.type:
            return tuple(chain)
        name = node.type
        if not all(_is_word(part) for part in name.split(".")):
            raise _bad_type(chain, f"not an element's full name: {_show(chain, name)}")
        if any(each.fullName == name for each in chain):
            raise _bad_type(chain, f"the chain is a circle: {_show(chain, name)}")


def _missing(name: str, chain: list[Node], known: Sequence[str]) -> Broken:
    path = name.replace(".", "/")
    if not chain:
        nearest = nearest_name(name, known)
        problem = Problem(
            element=name,
            file=f"{path}/e.json",
            cause="no such element" + (f"; the nearest name is {nearest}" if nearest else ""),
            hint="create it, or fix the name or SMS_APP (the directory that holds SMS/)",
        )
        return Broken([problem], reason="element_not_found")
    return _bad_type(chain, f"there is no element {name}: {_show(chain, name)} (missing)")


def _named_by(chain: list[Node], name: str, error: Broken) -> Broken:
    """The error of an element that others name, with the way from the first of them to it."""
    if not chain:
        return error
    return Broken(
        replace(each, cause=f"{each.cause} (the chain is {_show(chain, name)})") for each in error.problems
    )


def _bad_type(chain: list[Node], cause: str) -> Broken:
    hint = "name a Type that exists; a chain ends in a Meta"
    return Broken([chain[-1].problem(file="e.json", key="type", cause=cause, hint=hint)])


def _show(chain: list[Node], name: str) -> str:
    return " → ".join([*(each.fullName for each in chain), name])


def _is_word(part: str) -> bool:
    return part.isascii() and part.isidentifier()

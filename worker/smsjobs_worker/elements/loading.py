"""Loaders: the Python that turns an element's directory into the object that callers use.

A Type's package is imported from its place, under a name of its own and without touching ``sys.path``: two Types
of the same name in two layers, or a Type called like an installed package, do not meet.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import re
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from smsjobs_worker.elements.node import Node
from smsjobs_worker.elements.problems import Broken, Problem
from smsjobs_worker.logs.privacy import describe

__all__ = ["Loader", "find_loader", "has_loader", "make_loader"]

_WHOLE_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)

_lock = threading.RLock()


class Loader:
    """The base class of a Type's ``Loader``.

    Attributes:
        nodes: The chain: the element itself first, then its Type, and so on up to the Meta.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes

    def load(self) -> Any:
        """The object that callers of the element use."""
        raise NotImplementedError

    def check(self) -> Iterable[Problem]:
        """All that is wrong with the element's own files, without loading it. By default nothing."""
        return ()

    def read_settings(self, name: str) -> dict[str, Any]:
        """The JSON object in a file of the element, where a value that is wholly ``${NAME}`` is the variable's.

        It is the variable's without white space around it: a secret that came from a file often ends with a line end.

        Raises:
            InvalidArguments: With ``reason="element_invalid"``, naming the file, the key and the variable.
        """
        node = self.nodes[0]
        settings = node.read_json(name)
        problems = []
        for key, value in settings.items():
            match = _WHOLE_VARIABLE.fullmatch(value) if isinstance(value, str) else None
            if match is None:
                continue
            if (found := os.environ.get(match[1])) is None:
                cause = f"the environment variable {match[1]} is not set"
                problems.append(node.problem(file=name, key=key, cause=cause, hint="set it for the worker"))
            else:
                settings[key] = found.strip()
        if problems:
            raise Broken(problems)
        return settings


def find_loader(nodes: Sequence[Node]) -> type:
    """The ``Loader`` of the nearest node that has one.

    Raises:
        Broken: None has, or a package does not import.
    """
    for node in nodes:
        place = _place(node)
        if place is None:
            continue
        loader = getattr(_import(node, place), "Loader", None)
        if isinstance(loader, type):
            return loader
    chain = " → ".join(each.fullName for each in nodes)
    hint = 'let its "type" name a Type whose package has a class Loader, such as "SMS.Aliyun"'
    raise Broken([nodes[0].problem(file="e.json", key="type", cause=f"no Loader in {chain}", hint=hint)])


def make_loader(nodes: Sequence[Node]) -> Any:
    """The nearest Loader, with its ``nodes`` set whether its ``__init__`` takes them or not."""
    loader_class = find_loader(nodes)
    try:
        inspect.signature(loader_class).bind(nodes)
        takes_nodes = True
    except (TypeError, ValueError):
        takes_nodes = False
    loader = loader_class(nodes) if takes_nodes else loader_class()
    loader.nodes = nodes
    return loader


def has_loader(node: Node) -> bool:
    """Whether the element brings a Loader of its own, which makes it a Type.

    Raises:
        Broken: Its Python does not import.
    """
    place = _place(node)
    return place is not None and isinstance(getattr(_import(node, place), "Loader", None), type)


def _place(node: Node) -> Path | None:
    """The file to import, or None."""
    entry = Path(node.entry)
    path = node.directory / entry
    if entry.is_absolute() or ".." in entry.parts:
        hint = 'name a directory inside the element\'s own, or "."'
        raise Broken([node.problem(file="e.json", key="backendBundleEntry", cause="leaves it", hint=hint)])
    if path.is_dir():
        path /= "__init__.py"
    return path.resolve() if path.is_file() and path.suffix == ".py" else None


def _import(node: Node, place: Path) -> ModuleType:
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    name = f"_smsjobs_element_{node.fullName.replace('.', '_')}_{digest}"
    with _lock:
        if name in sys.modules:
            return sys.modules[name]
        package = place.name == "__init__.py"
        spec = importlib.util.spec_from_file_location(
            name, place, submodule_search_locations=[str(place.parent)] if package else None
        )
        if spec is None or spec.loader is None:  # pragma: no cover  only for a file that is not Python
            raise Broken([node.problem(file="e.json", cause="no Python package", hint="name one")])
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # noqa: BLE001  a Type's code is not ours, and may raise anything
            for each in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
                del sys.modules[each]
            problem = node.problem(
                file=node.entry,
                cause=f"its Python does not import: {describe(error)}",
                hint="fix it, or install what it needs",
            )
            raise Broken([problem]) from None
        return module

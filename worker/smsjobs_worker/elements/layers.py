"""Layers: the directories that are searched for elements, in order. The first that has ``<path>/e.json`` wins.

1. The app's own directory.
2. The directories it extends, written in its ``app.json`` as ``{"extends": ["../base"]}``, each followed by
   those that it extends itself.
3. Installed packages that offer elements by an entry point of the group ``smsjobs.elements``, by its name.
4. The built-in layer: this package's directory, which has ``SMS/Meta`` and ``SMS/Aliyun``.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

from smsjobs_worker.elements.files import read_file
from smsjobs_worker.elements.problems import Broken, Problem

__all__ = ["BUILT_IN", "GROUP", "Layer", "find_layers", "locate", "names"]

#: The entry-point group by which an installed package offers elements.
GROUP: Final = "smsjobs.elements"

#: The directory of the built-in elements.
BUILT_IN: Final = Path(__file__).resolve().parent.parent

#: Deeper than any real name; it ends a loop of symbolic links.
MAX_DEPTH: Final = 8

_SEGMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A directory that holds ``SMS/``."""

    #: The directory.
    path: Path
    #: How messages call it; empty for the app itself, whose files are shown relative to it.
    label: str = ""

    def show(self, path: Path) -> str:
        """That file or directory, as messages show it."""
        try:
            inner = path.relative_to(self.path).as_posix()
        except ValueError:
            inner = path.name
        return f"{self.label}:{inner}" if self.label else inner


def find_layers(root: Path) -> tuple[Layer, ...]:
    """All layers of the app in that directory.

    Raises:
        Broken: The directory or one it extends does not exist, they extend each other in a circle, or an entry
            point names no package.
    """
    found: dict[Path, Layer] = {}
    for layer in (
        *_extended(root, label="", trail=()),
        *_offered(),
        Layer(path=BUILT_IN, label="smsjobs_worker"),
    ):
        found.setdefault(layer.path, layer)
    return tuple(found.values())


def locate(layers: tuple[Layer, ...], full_name: str) -> tuple[Layer, Path] | None:
    """The layer that has that element, and its directory. The name must have been checked."""
    for layer in layers:
        directory = layer.path.joinpath(*full_name.split("."))
        if (directory / "e.json").is_file():
            return layer, directory
    return None


def names(layers: tuple[Layer, ...]) -> list[str]:
    """The full names of all elements under ``SMS/``, sorted."""
    return sorted({name for layer in layers for name in _walk(layer.path / "SMS", "SMS")})


def _walk(directory: Path, name: str) -> Iterator[str]:
    if name.count(".") > MAX_DEPTH:
        return
    if (directory / "e.json").is_file():
        yield name
    try:
        inner = sorted(each for each in directory.iterdir() if each.is_dir())
    except OSError:
        return
    for each in inner:
        if _SEGMENT.fullmatch(each.name):
            yield from _walk(each, f"{name}.{each.name}")


def _extended(directory: Path, *, label: str, trail: tuple[Path, ...]) -> Iterator[Layer]:
    path = directory.resolve()
    shown = label or "."
    if path in trail:
        circle = " → ".join(each.name for each in (*trail[trail.index(path) :], path))
        raise _broken(
            "app.json", "extends", f"directories extend each other: {circle}", "take one of them out"
        )
    if not path.is_dir():
        key = "extends" if trail else ""
        raise _broken("app.json" if trail else "", key, f"no directory {shown}", "create it or fix its path")
    yield Layer(path=path, label=label)
    for each in _read_extends(path, shown):
        yield from _extended(path / each, label=each, trail=(*trail, path))


def _read_extends(path: Path, shown: str) -> list[str]:
    file = path / "app.json"
    if not file.exists():
        return []
    hint = 'write it as {"extends": ["../base"]}'
    try:
        data: Any = json.loads(read_file(file).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        raise _broken(f"{shown}/app.json", "", "cannot be read as JSON", hint) from None
    extends = data.get("extends", []) if isinstance(data, dict) else None
    if not isinstance(extends, list) or not all(isinstance(each, str) and each for each in extends):
        raise _broken(f"{shown}/app.json", "extends", "not a list of directories", hint)
    return extends


def _offered() -> Iterator[Layer]:
    for point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        yield Layer(path=_package_directory(point), label=point.value)


def _package_directory(point: EntryPoint) -> Path:
    try:
        spec = importlib.util.find_spec(point.module)
    except (ImportError, ValueError):
        spec = None
    places = list(spec.submodule_search_locations or ()) if spec else []
    if spec and spec.origin and not places:
        places = [str(Path(spec.origin).parent)]
    for place in places:
        if Path(place).is_dir():
            return Path(place).resolve()
    raise _broken(
        "", "", f"entry point {point.name} names no package", "fix or uninstall the package that offers it"
    )


def _broken(file: str, key: str, cause: str, hint: str) -> Broken:
    return Broken([Problem(element="app", file=file, key=key, cause=cause, hint=hint)])

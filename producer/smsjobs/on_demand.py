"""Names of a room that are loaded when they are first asked for. So a process loads only what its calls need.

The ground floor, for the faces of the rooms. To whoever imports from a face, such a name is like any other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

__all__ = ["on_demand"]


def on_demand(face: str, **names: Iterable[str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a room's face that loads each of its modules when one of its names is asked for.

    Args:
        face: The room's full name.
        names: Names that the face exports, by the module of the room that has them.
    """
    homes = {name: module for module, theirs in names.items() for name in theirs}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {face!r} has no attribute {name!r}")
        value = getattr(import_module(f"{face}.{homes[name]}"), name)
        setattr(sys.modules[face], name, value)  # so that it is not asked for again
        return value

    return load

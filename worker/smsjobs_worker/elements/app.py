"""Apps: a directory that holds ``SMS/``, and everything below it by name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from smsjobs.contract import check_full_name, unwrap
from smsjobs_worker.elements.element import LoadedElement, load
from smsjobs_worker.elements.files import Reads
from smsjobs_worker.elements.layers import find_layers, names
from smsjobs_worker.elements.loading import has_loader, make_loader
from smsjobs_worker.elements.node import Node, read_chain
from smsjobs_worker.elements.problems import Broken, Problem, plain
from smsjobs_worker.logs.privacy import describe

__all__ = ["App"]


class App:
    """An application's elements.

    Args:
        path: The directory that holds ``SMS/``.
        clock: Seconds, rising; how often files are looked at goes by it.

    Raises:
        InvalidArguments: With ``reason="element_invalid"``: the directory, one that it extends, or a package
            that offers elements is not there.
    """

    def __init__(self, path: str | Path = ".", *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._elements: dict[str, LoadedElement] = {}
        try:
            self.layers = find_layers(Path(path))
        except Broken as error:
            problem = plain(error)
        else:
            self.path = self.layers[0].path
            return
        raise problem

    def __repr__(self) -> str:
        return f"<App {self.path.name}>"

    def getElement(self, full_name: str) -> LoadedElement:
        """The element of that name; the same one each time.

        Raises:
            InvalidArguments: With ``reason="element_not_found"`` or ``"element_invalid"``, naming file and key.
        """
        name = check_full_name(unwrap(full_name))
        if (known := self._elements.get(name)) is not None:
            return known
        element = LoadedElement(self, name, clock=self._clock)
        with self._lock:
            return self._elements.setdefault(name, element)

    def elements(self) -> list[LoadedElement]:
        """Every SMS Instance, sorted by name: what a worker sends with.

        An Instance has a type, has no Loader of its own, and is not another element's type. One whose own
        ``e.json`` is broken is left out; `check` tells.
        """
        return [self.getElement(chain[0].fullName) for chain in self._instances(self._chains()[0])]

    def check(self) -> list[Problem]:
        """All that is wrong with the app's elements, each Instance loaded. An empty list: nothing is."""
        chains, problems = self._chains()
        instances = self._instances(chains)
        for chain in instances:
            problems += _check_instance(chain)
        if not instances and not problems:
            hint = "create an element, or fix SMS_APP (the directory that holds SMS/)"
            problems.append(
                Problem(element="app", cause=f"there is no element under {self.path / 'SMS'}", hint=hint)
            )
        return list(dict.fromkeys(problems))

    def _chains(self) -> tuple[list[tuple[Node, ...]], list[Problem]]:
        chains: list[tuple[Node, ...]] = []
        problems: list[Problem] = []
        for name in names(self.layers):
            try:
                chains.append(read_chain(self, name, Reads()))
            except Broken as error:
                problems += error.problems
        return chains, problems

    @staticmethod
    def _instances(chains: list[tuple[Node, ...]]) -> list[tuple[Node, ...]]:
        types = {chain[0].type for chain in chains}
        return [
            chain
            for chain in chains
            if chain[0].type and chain[0].fullName not in types and not _is_type(chain[0])
        ]


def _is_type(node: Node) -> bool:
    try:
        return has_loader(node)
    except Broken:
        return False  # its entry is wrong, which loading it tells


def _check_instance(chain: tuple[Node, ...]) -> list[Problem]:
    try:
        check = getattr(make_loader(chain), "check", None)
        problems = list(check()) if callable(check) else []
        if not any(each.level == "error" for each in problems):
            load(chain)
    except Broken as error:
        return list(error.problems)
    except Exception as error:  # noqa: BLE001  a Type's code is not ours, and may raise anything
        cause = f"its Loader's check failed: {describe(error)}"
        return [Problem(element=chain[0].fullName, cause=cause, hint="fix the Type")]
    return problems

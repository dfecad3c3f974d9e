"""Elements: loaded once, lazily, and again when their files change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from smsjobs.contract import InvalidArguments
from smsjobs_worker.elements.files import Reads, Signature
from smsjobs_worker.elements.loading import make_loader
from smsjobs_worker.elements.node import Application, Node, read_chain
from smsjobs_worker.elements.problems import Broken, Problem, plain
from smsjobs_worker.logs.facts import ElementKept, ElementReloaded, tell
from smsjobs_worker.logs.privacy import describe

__all__ = ["LoadedElement", "load", "loaded"]

#: Seconds between two looks at an element's files.
LOOK_EVERY_S: Final = 0.5

#: Seconds until a refused change is tried again, because what it lacked may lie in a file nobody has read yet.
RETRY_AFTER_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class _Loaded:
    #: The object that callers use.
    object: Any
    #: The files it was made from.
    reads: Reads
    #: The element's own node.
    node: Node


class LoadedElement:
    """An SMS element. What it does not have itself, it forwards to the object that its Loader makes.

    That object is made at the first use, under a lock, and made again when a file it was made from has changed.
    A change that does not load is logged once, and the last good object stays in use.

    Attributes:
        fullName: Its path from the app root with ``.`` for ``/``.
        name: The last part of it.
        app: The app it belongs to.
    """

    def __init__(self, app: Application, full_name: str, *, clock: Callable[[], float]) -> None:
        self.fullName = full_name
        self.name = full_name.rpartition(".")[2]
        self.app = app
        self._clock = clock
        self._lock = threading.RLock()
        self._loading = False
        self._loaded: _Loaded | None = None
        self._next_look = 0.0
        self._refused: dict[Path, Signature] | None = None
        self._retry_at = 0.0
        self._chain(Reads())  # there is no element where the chain is broken

    def __repr__(self) -> str:
        return f"<Element {self.fullName}>"

    def __getattr__(self, name: str) -> Any:
        # Names of Python's own protocols are asked for by copy, pickle and debuggers, and must not load anything.
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        if name.startswith("_") and "_loaded" not in self.__dict__:
            raise AttributeError(name)  # half-made, as copy and pickle make it
        return getattr(loaded(self), name)

    @property
    def define(self) -> Mapping[str, Any]:
        """Its ``e.json`` as it is now, or as it was when the element last loaded."""
        current = self._loaded
        return current.node.define if current else self._chain(Reads())[0].define

    def getFile(self, name: str) -> str:
        """The text of a file in the element's own directory.

        Raises:
            InvalidArguments: With ``reason="element_invalid"``: it is missing, not UTF-8, or outside.
        """
        try:
            return self._chain(Reads())[0].getFile(name)
        except Broken as error:
            problem = plain(error)
        raise problem

    def _chain(self, reads: Reads) -> tuple[Node, ...]:
        try:
            return read_chain(self.app, self.fullName, reads)
        except Broken as error:
            problem = plain(error)
        raise problem

    def _current(self) -> Any:
        current = self._loaded
        if current is not None and self._clock() < self._next_look:
            return current.object
        with self._lock:
            current = self._loaded
            if current is None:
                self._refuse_recursion()
                current = self._loaded = self._load()
            elif not self._loading and self._clock() >= self._next_look and self._is_stale(current):
                current = self._loaded = self._reload(current)
            self._next_look = self._clock() + LOOK_EVERY_S
            return current.object

    def _is_stale(self, current: _Loaded) -> bool:
        now = current.reads.now()
        if now == current.reads.seen():
            return False
        return now != self._refused or self._clock() >= self._retry_at

    def _reload(self, current: _Loaded) -> _Loaded:
        before = current.reads.now()
        try:
            fresh = self._load()
        except Broken as error:
            if before != self._refused:
                tell(ElementKept(element=self.fullName, problems=tuple(str(each) for each in error.problems)))
            self._refused, self._retry_at = before, self._clock() + RETRY_AFTER_S
            return current
        self._refused = None
        tell(ElementReloaded(element=self.fullName))
        return fresh

    def _load(self) -> _Loaded:
        reads = Reads()
        self._loading = True
        try:
            nodes = read_chain(self.app, self.fullName, reads)
            return _Loaded(object=load(nodes), reads=reads, node=nodes[0])
        finally:
            self._loading = False

    def _refuse_recursion(self) -> None:
        if self._loading:  # the lock is ours already: the Loader uses the element that it is to make
            raise Broken(
                [
                    Problem(
                        element=self.fullName,
                        cause="its Loader uses the element itself while it loads",
                        hint="let the Loader use its nodes",
                    )
                ]
            )


def load(nodes: tuple[Node, ...]) -> Any:
    """The object that the chain's Loader makes.

    Raises:
        Broken: It makes none.
    """
    try:
        return make_loader(nodes).load()
    except Broken:
        raise
    except InvalidArguments as error:
        problem = Problem(element=nodes[0].fullName, cause=error.message, hint="fix the element's files")
    except Exception as error:  # noqa: BLE001  a Type's code is not ours, and may raise anything
        # Its text stays out: a Loader handles secrets.
        problem = Problem(
            element=nodes[0].fullName,
            cause=f"its Loader failed: {describe(error)}",
            hint="fix the element's files, or the Type",
        )
    raise Broken([problem])


def loaded(element: LoadedElement) -> Any:
    """The object behind an element, to be asked what it can do.

    It is made at the first use; keep the element rather than the object, which a changed file replaces.

    Raises:
        InvalidArguments: With ``reason="element_invalid"``.
    """
    try:
        return element._current()  # noqa: SLF001  a method of that name would hide one of the loaded object
    except Broken as error:
        problem = plain(error)
    raise problem

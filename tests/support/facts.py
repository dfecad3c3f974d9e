"""Facts, caught as they are told."""

from collections.abc import Iterator
from contextlib import contextmanager

from smsjobs.facts import *  # noqa: F403  loads all of them, to be found by `kinds`
from smsjobs.facts import Fact, subscribe


@contextmanager
def told() -> Iterator[list[Fact]]:
    """All that is told while the block runs."""
    facts: list[Fact] = []
    unsubscribe = subscribe(facts.append)
    try:
        yield facts
    finally:
        unsubscribe()


def kinds(of: type[Fact] = Fact) -> list[type[Fact]]:
    """Every class of facts that the product tells: those with a sentence, in the order in which they are written."""
    found = []
    for kind in of.__subclasses__():
        if kind.__module__.startswith("smsjobs"):
            found += [kind] if hasattr(kind, "sentence") and hasattr(kind, "action") else []
            found += kinds(kind)
    return found

"""Ports of this machine that nobody has."""

import contextlib
import random
import socket

__all__ = ["free_port", "is_free"]

#: Below the ports that the system gives to connections, and to servers that ask for any: they would take it meanwhile.
_FIRST, _END = 10_000, 32_000

#: Not the generator that a test may have seeded: several processes would choose the same.
_chance = random.SystemRandom()


def free_port() -> int:
    """A port that nobody listens on now, nor before it is used."""
    while not is_free(port := _chance.randrange(_FIRST, _END)):
        pass
    return port


def is_free(port: int) -> bool:
    """Whether nobody listens on it."""
    with socket.socket() as tried, contextlib.suppress(OSError):
        tried.bind(("127.0.0.1", port))
        return True
    return False

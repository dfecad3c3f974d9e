"""Whether our transports may stand on the kombu that is installed: they lean on names that are not its interface."""

from __future__ import annotations

from typing import Any, Final

import kombu
from kombu.connection import ConnectionPool
from packaging.specifiers import SpecifierSet

__all__ = ["KNOWN", "is_known", "open_pool"]

#: The kombu whose inside our transports were tested on.
KNOWN: Final = SpecifierSet(">=5.7,<5.8")


def is_known(version: str = kombu.__version__) -> bool:
    """Whether that kombu is known. With another one, what our transports are made from may be gone."""
    return KNOWN.contains(version, prereleases=True)


def open_pool(connection: Any, limit: int, version: str = kombu.__version__) -> Any:
    """Return a pool of such connections, which keep their clients.

    Args:
        connection: How they are made.
        limit: The most connections.
        version: That of kombu. With an unknown one it is kombu's own transport, which does the same more slowly.
    """
    if not is_known(version):
        return ConnectionPool(connection, limit)  # type: ignore[no-untyped-call]
    from smsjobs.kept_client import KeepingPool  # noqa: PLC0415  only with a kombu that is known

    return KeepingPool(connection, limit)  # type: ignore[no-untyped-call]

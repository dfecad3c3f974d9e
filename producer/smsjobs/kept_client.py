"""Kombu's transports to Redis, with a client that is kept.

Kombu makes a client of redis-py anew for each message. That takes more CPU than everything else that is done to send it.
"""

from __future__ import annotations

from typing import Any, Final

import kombu
from kombu.connection import ConnectionPool
from kombu.transport.redis import Channel, SentinelChannel, SentinelTransport, Transport
from packaging.specifiers import SpecifierSet

__all__ = ["KNOWN", "KeepsClient", "open_pool"]

#: The kombu whose inside our transports were tested on.
KNOWN: Final = SpecifierSet(">=5.7,<5.8")


class KeepsClient(Channel):
    """A channel that keeps its client for as long as its pool of connections."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[no-untyped-call]
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[no-untyped-call]
        return self._kept


class _Transport(Transport):
    Channel = KeepsClient


class _SentinelChannel(KeepsClient, SentinelChannel):
    pass


class _SentinelTransport(SentinelTransport):
    Channel = _SentinelChannel


_TRANSPORTS: Final = {**dict.fromkeys(("redis", "rediss"), _Transport), "sentinel": _SentinelTransport}


class _Pool(ConnectionPool):
    def new(self) -> Any:
        connection: Any = super().new()  # type: ignore[no-untyped-call]
        if ours := _TRANSPORTS.get(connection.transport_cls):
            # Not as `transport_cls`, which stands in log lines.
            connection.get_transport_cls = lambda: ours
        return connection


def open_pool(connection: Any, limit: int, version: str = kombu.__version__) -> Any:
    """Return a pool of such connections. Those to another broker keep kombu's own transport.

    Args:
        connection: How they are made.
        limit: The most connections.
        version: That of kombu. With an unknown one it is kombu's own transport, which does the same more slowly.
    """
    pool: Any = _Pool if KNOWN.contains(version, prereleases=True) else ConnectionPool
    return pool(connection, limit)

"""Kombu's transports to Redis, with a client that is kept.

Kombu makes a client of redis-py anew for each message. That takes more CPU than everything else that is done to send it.
It is loaded only with a kombu that is known.
"""

from __future__ import annotations

from typing import Any, Final

from kombu.connection import ConnectionPool
from kombu.transport.redis import Channel, SentinelChannel, SentinelTransport, Transport

__all__ = ["KeepingPool", "KeepsClient"]


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


class KeepingPool(ConnectionPool):
    """A pool of connections that keep their clients. Those to another broker have kombu's own transport."""

    def new(self) -> Any:
        """Return a new connection."""
        connection: Any = super().new()  # type: ignore[no-untyped-call]
        if ours := _TRANSPORTS.get(connection.transport_cls):
            # Not as `transport_cls`, which stands in log lines.
            connection.get_transport_cls = lambda: ours
        return connection

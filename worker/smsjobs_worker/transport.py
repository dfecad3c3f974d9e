"""Celery's Redis transport, but what somebody else put on a queue does not end the worker, and clients are kept.

Kombu's own lets the error of a text that is no message through to the worker's main loop, which ends with it.
"""

from __future__ import annotations

import logging
from typing import Any

from kombu.transport.redis import Channel, Transport
from redis.exceptions import ConnectionError as RedisConnectionError

from smsjobs_worker.privacy import describe

__all__ = ["harden"]

log = logging.getLogger(__name__)


class _Channel(Channel):
    _shared: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        # Kombu makes a client of redis-py anew for each delivery and each acknowledgement: 0.05 ms each.
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[no-untyped-call]
        if self._shared is None or self._shared.connection_pool is not self.pool:
            self._shared = super()._create_client()  # type: ignore[no-untyped-call]
        return self._shared

    def _connparams(self, asynchronous: bool = False) -> Any:
        if getattr(self.connection, "client", None) is None:
            # A message that is acknowledged or put back after its connection was closed. Kombu's AttributeError
            # would end the worker; this one it expects.
            raise RedisConnectionError("the connection to the broker was closed")
        return super()._connparams(asynchronous)  # type: ignore[no-untyped-call]

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # It is off the queue already. Its text stays out of the log: it may be anything.
            log.error(  # noqa: TRY400
                "something that is no message was taken from a queue and dropped",
                extra={"action": "no_message", "error": describe(error)},
            )
            return True


class _Transport(Transport):
    Channel = _Channel


def harden(connection: Any) -> Any:
    """The connection, with our transport where it has Redis's."""
    if connection.transport_cls in ("redis", "rediss"):
        # Not as `transport_cls`, which stands in log lines.
        connection.get_transport_cls = lambda: _Transport
    return connection

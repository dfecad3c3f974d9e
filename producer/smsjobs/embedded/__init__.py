"""A private, real Redis server for one project, with nothing to install: ``SMS_BROKER_URL=embedded``.

All processes of the project that name the same directory share one server. The first of them starts it, the
operating system counts them by a file lock, and when the last one has ended (however it ended: by an exit, a
signal, a kill) the server is shut down with its data on disk, and the next start continues with that data.

It is meant for trying out, development and tests. In production, run Redis as a service of its own.
"""

from smsjobs.embedded.binary import RedisServerNotFound, find_redis_server
from smsjobs.embedded.server import (
    EmbeddedRedis,
    EmbeddedRedisError,
    TemporaryRedis,
    UnusableDirectory,
    embedded_url,
)

__all__ = [
    "EmbeddedRedis",
    "EmbeddedRedisError",
    "RedisServerNotFound",
    "TemporaryRedis",
    "UnusableDirectory",
    "embedded_url",
    "find_redis_server",
]

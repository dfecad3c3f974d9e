"""A private, real Redis server for one project, with nothing to install: ``SMS_BROKER_URL=embedded``.

All processes that name the same directory share one server. The first of them starts it. The operating system counts
them by a file lock, so the end of a process is noticed however it ends, even by a kill. After the last one, the server
is shut down with its data on disk. The next start continues with that data.

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

"""What somebody finds who reads a whole Redis."""

import re
from typing import Any

import redis


def contents(client: redis.Redis, pattern: str = "*") -> str:
    """Every key and every value, as text."""
    read: dict[str, Any] = {
        "hash": client.hgetall,
        "list": lambda key: client.lrange(key, 0, -1),
        "none": lambda _: "gone meanwhile",
        "set": client.smembers,
        "stream": client.xrange,
        "string": client.get,
        "zset": lambda key: client.zrange(key, 0, -1),
    }
    return "\n".join(f"{key} {read[client.type(key)](key)}" for key in client.scan_iter(pattern))


def shows(text: str, code: str) -> bool:
    """Whether a code stands there by itself; within a time or an id it stands by chance."""
    return re.search(rf"(?<![0-9A-Za-z]){code}(?![0-9A-Za-z])", text) is not None

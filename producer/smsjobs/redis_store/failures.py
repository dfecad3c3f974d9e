"""What a failure of Redis means: that it is unreachable for the moment, or that it answered, and the answer was no.

It goes by classes and by Redis's own error codes, never by sentences: these differ from version to version.
"""

from __future__ import annotations

import re
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

__all__ = ["error_code", "is_transient", "refusal_text"]

#: Codes by which a server says that it cannot serve for the moment: it starts, or a fail-over is under way.
_TRANSIENT: Final = frozenset({"CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOREPLICAS", "READONLY", "TRYAGAIN"})

#: redis-py takes these codes off the text.
_CODES: Final[dict[type[Exception], str]] = {
    AuthenticationError: "NOAUTH",
    BusyLoadingError: "LOADING",
    ClusterDownError: "CLUSTERDOWN",
    MasterDownError: "MASTERDOWN",
    NoPermissionError: "NOPERM",
    OutOfMemoryError: "OOM",
    ReadOnlyError: "READONLY",
    TryAgainError: "TRYAGAIN",
}

#: Up to Redis 6 the error of a command in a script stands behind the place in the script, in an error of another code.
_IN_SCRIPT: Final = re.compile(r"@user_script: ?\d+: -?([A-Z]+)\b")

_AT_THE_BEGINNING: Final = re.compile(r"-?([A-Z]{3,})\b")


def is_transient(error: BaseException) -> bool:
    """Whether it is of the kind that passes: a restart, a fail-over, a network that is cut. A full Redis, a missing
    right or a key of a wrong type is not.
    """  # noqa: D205  one sentence needs two lines
    if isinstance(error, ResponseError) or type(error) in _CODES:
        return error_code(error) in _TRANSIENT
    return isinstance(error, (RedisConnectionError, RedisTimeoutError))


def error_code(error: BaseException) -> str:
    """Redis's own word for the error, such as ``"OOM"``; the name of its class where Redis gave none."""
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return code
    text = str(error)
    found = _IN_SCRIPT.search(text) or _AT_THE_BEGINNING.match(text)
    return found[1] if found and isinstance(error, ResponseError) else type(error).__name__


def refusal_text(error: BaseException | None) -> str | None:
    """What Redis refused of its address, if the error, or one that it was raised in the handling of, came of that."""
    while error is not None:
        if isinstance(error, AuthenticationError):
            return "refuses the password"
        if isinstance(error, ResponseError) and "DB index is out of range" in str(error):
            return "has no such database"
        error = error.__context__
    return None

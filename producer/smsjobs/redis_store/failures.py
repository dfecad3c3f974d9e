"""What a failure of Redis means: it is unreachable for the moment, or it answered and refused.

This is decided by error classes and Redis's own error codes, not by texts, which differ between versions. Two
texts are read: Redis has no code for a database that does not exist, and none for a server that is not a Cluster.
"""

from __future__ import annotations

import re
import ssl
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

__all__ = [
    "HINTS",
    "REFUSALS",
    "error_code",
    "is_damage",
    "is_demoted",
    "is_transient",
    "is_wrong_type",
    "refusal_hint",
    "refusal_text",
]

#: Codes of a server that cannot serve for the moment: it is starting, or a fail-over is in progress.
_TRANSIENT: Final = frozenset({"CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOREPLICAS", "READONLY", "TRYAGAIN"})

#: redis-py removes these codes from the text.
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

#: Up to Redis 6, the error of a command in a script is inside an error with another code, after the place in the script.
_IN_SCRIPT: Final = re.compile(r"@user_script: ?\d+: -?([A-Z]+)\b")

#: redis-py puts the command before the error of a pipeline.
_IN_PIPELINE: Final = re.compile(r"Command # \d+ \(.*\) of pipeline caused error: -?([A-Z]{3,})\b", re.DOTALL)

#: OpenSSL's reasons for an answer that is not TLS.
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})

#: What an operator can do about a refusal that does not pass by itself.
HINTS: Final = {
    "MISCONF": "it cannot save to its disk; its log says why",
    "NOAUTH": "it wants a password: fix SMS_BROKER_URL or SMS_REDIS_URL",
    "NOPERM": "its user lacks a permission",
    "OOM": "its memory is full: raise maxmemory, or wait until jobs are settled",
    "WRONGTYPE": "a key is damaged; smsjobs doctor shows what workers have set aside",
    "WRONGPASS": "it wants another password: fix SMS_BROKER_URL or SMS_REDIS_URL",
}

#: What Redis refuses about its address, as the end of a sentence that begins with it. What is wrong with a certificate, OpenSSL tells.
REFUSALS: Final = {
    "password": "refuses the password",
    "database": "has no such database",
    "cluster": "is a node of a Cluster, whose address begins with redis+cluster://",
    "no cluster": "is not a Cluster: write redis:// in place of redis+cluster://",
    "no tls": "does not speak TLS",
}

_AT_THE_BEGINNING: Final = re.compile(r"-?([A-Z]{3,})\b")


def is_transient(error: BaseException) -> bool:
    """Whether the failure will pass by itself.

    A restart, a fail-over or a cut network will. A full Redis, a missing permission, a refused certificate or a key of
    a wrong type will not.
    """
    if isinstance(error, ResponseError) or type(error) in _CODES:
        return error_code(error) in _TRANSIENT
    if _tls_refusal(error) is not None:
        return False
    return isinstance(error, (RedisConnectionError, RedisTimeoutError))


def is_demoted(error: BaseException) -> bool:
    """Whether the server says that it is not the master any more. Its address may lead to another server by now."""
    return isinstance(error, ResponseError) and error_code(error) in ("MASTERDOWN", "READONLY")


def error_code(error: BaseException) -> str:
    """Return Redis's own code for the error, such as ``"OOM"``, or the name of its class if it has no code."""
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return code
    text = str(error)
    found = _IN_SCRIPT.search(text) or _IN_PIPELINE.match(text) or _AT_THE_BEGINNING.match(text)
    return found[1] if found and isinstance(error, ResponseError) else type(error).__name__


def is_wrong_type(error: BaseException) -> bool:
    """Whether a key is of a wrong type. Then what the key holds is damaged, and Redis works."""
    return error_code(error) == "WRONGTYPE"


def is_damage(error: BaseException) -> bool:
    """Whether a script met what it cannot read: a key of a wrong type, or a wrong value. It stays so however often one asks."""
    code = error_code(error)
    # redis-py removes the code ERR. What is left of a failure in a script names the place.
    return code in ("ERR", "WRONGTYPE") or (code == "ResponseError" and "user_script:" in str(error))


def refusal_hint(error: BaseException) -> str:
    """Return what an operator can do about the refusal, or an empty text if only Redis's own log tells."""
    return HINTS.get(error_code(error), "")


def refusal_text(error: BaseException | None) -> str | None:
    """Return what Redis refused about its address, or None if it refused nothing about it.

    It looks at the error, and at each error during whose handling it was raised.
    """
    while error is not None:
        if isinstance(error, AuthenticationError):
            return REFUSALS["password"]
        if isinstance(error, ResponseError) and "DB index is out of range" in str(error):
            return REFUSALS["database"]
        if isinstance(error, MovedError):
            return REFUSALS["cluster"]
        if isinstance(error, ResponseError) and "cluster support disabled" in str(error):
            return REFUSALS["no cluster"]
        if isinstance(error, ssl.SSLError) and (refusal := _tls_refusal(error)):
            return refusal
        error = error.__context__
    return None


def _tls_refusal(error: BaseException | None) -> str | None:
    """Return what is wrong with the certificate of one side, or None if nothing is."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"has a certificate that is refused: {error.verify_message}"
        if isinstance(error, ssl.SSLError):
            reason = error.reason or ""
            if reason in _NO_TLS:
                return REFUSALS["no tls"]
            if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason):
                return f"refuses our certificate ({reason})"
        error = error.__context__
    return None

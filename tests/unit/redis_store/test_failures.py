"""What a failure of Redis means, by its class and its code."""

import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from smsjobs.redis_store import error_code, is_transient

SCRIPT_OF_6 = "Error running script (call to f_0123456789): @user_script:5: @user_script: 5: -{} something"


@pytest.mark.parametrize(
    ("error", "transient", "code", "remark"),
    [
        (RedisConnectionError("refused"), True, "ConnectionError", "nothing listens"),
        (RedisTimeoutError("slow"), True, "TimeoutError", "no answer in time"),
        (BusyLoadingError("Redis is loading"), True, "LOADING", "it starts"),
        (ReadOnlyError("You can't write against a read only replica."), True, "READONLY", "demoted, Redis 7"),
        (ResponseError(SCRIPT_OF_6.format("READONLY")), True, "READONLY", "demoted, a script on Redis 6"),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), True, "NOREPLICAS", "a fail-over"),
        (OutOfMemoryError("command not allowed"), False, "OOM", "full"),
        (ResponseError(SCRIPT_OF_6.format("OOM")), False, "OOM", "full, a script on Redis 6"),
        (ResponseError("MISCONF Redis is configured to save"), False, "MISCONF", "its disk is full"),
        (ResponseError("WRONGTYPE Operation against a key"), False, "WRONGTYPE", "a damaged key"),
        (
            ResponseError("Command # 1 (HSETNX k f OOM x) of pipeline caused error: WRONGTYPE Operation"),
            False,
            "WRONGTYPE",
            "a damaged key, in a pipeline",
        ),
        (NoPermissionError("this user has no permissions"), False, "NOPERM", "a right is missing"),
        (AuthenticationError("invalid username-password pair"), False, "NOAUTH", "a wrong password"),
        (
            ResponseError("a sentence that holds READONLY"),
            False,
            "ResponseError",
            "a word in a text is no code",
        ),
        (ValueError("READONLY"), False, "ValueError", "not Redis's"),
    ],
)
def test_classification(error: Exception, transient: bool, code: str, remark: str) -> None:
    """Only what passes by itself is waited for, whichever version of Redis words it."""
    assert (is_transient(error), error_code(error)) == (transient, code), remark
    assert isinstance(error, (RedisError, ValueError))

"""Codes and counts in Redis. Each step is one atomic script that may be repeated when its answer was lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from smsjobs.contract import KEY_PREFIX, QueueUnavailable
from smsjobs.redis_store import is_transient
from smsjobs.verification.store import AGAIN_S, REMEMBER_S, Checked, Held, Issued, SendRequest, Tags, Try

if TYPE_CHECKING:
    from redis import Redis
    from redis.commands.core import Script

    from smsjobs.verification.limits import Limit

__all__ = ["RedisCodes"]

log = logging.getLogger(__name__)

_SCRIPTS: Final = ("issue", "confirm", "check")

#: Seconds for which a check that is repeated because its answer was lost finds that it was right.
_RECOGNISED_S: Final = 30.0


class RedisCodes:
    """The real store.

    Args:
        redis: Gives this process's client.
        timeout_s: Seconds after which a call gives up on Redis.
        clock: The time in seconds since 1970, for tests. Without it, Redis's own clock counts.
    """

    def __init__(
        self, redis: Callable[[], Redis], *, timeout_s: float, clock: Callable[[], float] | None = None
    ) -> None:
        self._redis = redis
        self._timeout_s = timeout_s
        self._clock = clock
        self._script = _register(redis())

    def issue(self, request: SendRequest) -> Issued | Held:
        """Count a send and give it the live code, else the request's; or refuse it.

        Raises:
            QueueUnavailable: Redis is away, or takes no writes. Nothing is sent without its limits.
        """
        rules = request.rules
        keys = [
            *_keys("", request.code),
            *_keys("number:", request.number),
            *_keys("client:", request.client),
            f"{KEY_PREFIX}:code:purpose:{rules.element}:{rules.purpose}",
        ]
        args = [
            _ms(rules.ttl_s),
            rules.max_checks,
            rules.digits,
            request.salt,
            request.proof,
            _ms(REMEMBER_S),
            _ms(AGAIN_S),
            *_windows(rules.per_number),
            *_windows(rules.per_client),
            *_windows(rules.ceiling),
        ]
        verb, *rest = self._run("issue", keys, args)
        if verb == "refused":
            return Held(whose=rest[0], wait_s=int(rest[1]) / 1000)
        which, salt, digits, send, left, wait = rest
        return Issued(
            which=int(which),
            salt=salt,
            digits=int(digits),
            send=int(send),
            left_s=int(left) / 1000,
            wait_s=int(wait) / 1000,
        )

    def confirm(self, tag: str, salt: str, send: int) -> None:
        """The send is in the ledger. Where this is lost, the send is given out again and found there."""
        try:
            self._script["confirm"]([_key("", tag)], [salt, send], client=self._redis())
        except RedisError:
            log.info("a send could not be confirmed", extra={"action": "confirm_failed"})

    def salts(self, code: Tags) -> tuple[str, str]:
        """The salt of the code of each tag; empty where there is none.

        Raises:
            QueueUnavailable: Redis is away.
        """
        current, old = self._patiently(lambda: [self._salt(key) for key in _keys("", code)])
        return current, old

    def _salt(self, key: str) -> str:
        return str(self._redis().hget(key, "salt") or "") if key else ""

    def check(self, tried: Try) -> Checked:
        """Count a try; the right one ends the code.

        Raises:
            QueueUnavailable: Redis is away, or takes no writes. Nothing is compared that cannot be counted.
        """
        status, left = self._run(
            "check",
            _keys("", tried.code),
            [*tried.proofs, tried.token, tried.max_checks, _ms(_RECOGNISED_S)],
        )
        return Checked(status=status, tries_left=int(left))

    def _run(self, name: str, keys: list[str], args: list[Any]) -> Any:
        now = 0 if self._clock is None else round(self._clock() * 1000)
        return self._patiently(lambda: self._script[name](keys, [now, *args], client=self._redis()))

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        """A lost answer is answered by asking again: every script knows its own repetition while nobody else came between.

        Otherwise it errs to the safe side: a wrong try may count twice, and a send that another call has found and
        confirmed meanwhile is a new one, or refused by the limits.
        """
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                return ask()
            except RedisError as error:
                if not is_transient(error):
                    raise QueueUnavailable(
                        f"Redis refused to issue or check a code ({type(error).__name__}); its log says why",
                        outcome="not_sent",
                    ) from None
                if time.monotonic() >= deadline:
                    raise QueueUnavailable(
                        "Redis is away, so no code could be issued or checked in time; calling again is safe",
                        # Whether it was counted is not known; these steps hand nothing over.
                        outcome="not_sent",
                    ) from None
                time.sleep(0.05)


def _register(redis: Redis) -> dict[str, Script]:
    folder = resources.files(__package__) / "scripts"
    common = (folder / "common.lua").read_text("utf-8")
    return {
        name: redis.register_script(common + (folder / f"{name}.lua").read_text("utf-8")) for name in _SCRIPTS
    }


def _key(kind: str, tag: str) -> str:
    return f"{KEY_PREFIX}:code:{kind}{tag}" if tag else ""


def _keys(kind: str, tags: tuple[str, str]) -> list[str]:
    return [_key(kind, tag) for tag in tags]


def _windows(limit: Limit) -> list[int]:
    return [-1 if most is None else most for most in limit.windows]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

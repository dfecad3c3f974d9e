"""Codes and counts in Redis. Each step is one atomic script. It may be repeated if its answer was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.exceptions import RedisError, ResponseError

from smsjobs.contract import element_tag
from smsjobs.facts import ConfirmFailed, tell
from smsjobs.ledger import tell_set_aside
from smsjobs.redis_store import Scripts, available, is_wrong_type, key
from smsjobs.verification.store import AGAIN_S, REMEMBER_S, Checked, Held, Issued, SendRequest, Tags, Try

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.verification.limits import Limit

__all__ = ["RedisCodes"]

T = TypeVar("T")

#: Seconds for which a check may be repeated after a lost answer, and still finds that it was right.
_RECOGNISED_S: Final = 30.0


class RedisCodes:
    """The real store.

    Args:
        redis: Returns this process's client.
        element: The full name of the element.
        unreachable_text: Returns a text that says that Redis is unreachable, and at which address.
        timeout_s: Seconds for which a call waits for Redis.
        clock: Returns the time in seconds since 1970, for tests. Without it, Redis's own clock is used.
    """

    def __init__(
        self,
        redis: Callable[[], Redis],
        element: str,
        *,
        timeout_s: float,
        unreachable_text: Callable[[], str] = lambda: "Redis is unreachable",
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._redis = redis
        self._tag = element_tag(element)
        self._timeout_s = timeout_s
        self._unreachable_text = unreachable_text
        self._scripts = Scripts("verification", clock=clock)

    def issue(self, request: SendRequest) -> Issued | Held:
        """Count a send and give it the live code, or the request's new code if none is live; or refuse the send.

        Raises:
            QueueUnavailable: Redis is unreachable, or accepts no writes. Nothing is sent without the limits.
        """
        rules = request.rules
        code, old_code = self._pair("", request.code)
        number, old_number = self._pair("number", request.number)
        keys = {
            "code": code,
            "old_code": old_code,
            "number": number,
            "old_number": old_number,
            "purpose": self._key("purpose", rules.element, rules.purpose),
        }
        if request.client[0]:
            keys["client"], keys["old_client"] = self._pair("client", request.client)
        limits = (rules.per_number, rules.per_client, rules.ceiling)
        verb, *rest = self._run(
            "issue",
            keys,
            [most for limit in limits for most in _windows(limit)],
            life=_ms(rules.ttl_s),
            most_tries=rules.max_checks,
            digits=rules.digits,
            salt=request.salt,
            proof=request.proof,
            remember=_ms(REMEMBER_S),
            again=_ms(AGAIN_S),
        )
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
        """Note that the send is in the ledger. If this note is lost, the next call repeats the send and finds it there."""
        try:
            self._scripts.run("confirm", self._redis(), {"code": self._key(tag)}, salt=salt, send=send)
        except RedisError as error:
            tell(ConfirmFailed(error=type(error).__name__))

    def salts(self, code: Tags) -> tuple[str, str]:
        """Return the salt of each tag's code, empty if there is no code.

        Raises:
            QueueUnavailable: Redis is unreachable.
        """
        current, old = self._patiently(lambda: [self._salt(tag) for tag in code])
        return current, old

    def _salt(self, tag: str) -> str:
        try:
            return str(self._redis().hget(self._key(tag), "salt") or "") if tag else ""
        except ResponseError as error:
            # The check itself sets it aside.
            if is_wrong_type(error):
                return ""
            raise

    def check(self, tried: Try) -> Checked:
        """Count a try. The right one ends the code.

        Raises:
            QueueUnavailable: Redis is unreachable, or accepts no writes. A try that cannot be counted is not compared.
        """
        code, old_code = tried.code
        proof, old_proof = tried.proofs
        keys = {"code": self._key(code)}
        status, left = self._run(
            "check",
            keys | {"old_code": self._key(old_code)} if old_code else keys,
            proof=proof,
            old_proof=old_proof,
            token=tried.token,
            most=tried.max_checks,
            recognised=_ms(_RECOGNISED_S),
        )
        return Checked(status=status, tries_left=int(left))

    def _run(self, name: str, keys: dict[str, str], rest: Sequence[Any] = (), **arguments: Any) -> Any:
        def run() -> Any:
            return self._scripts.run(name, self._redis(), keys, rest, **arguments)

        def step() -> Any:
            try:
                answer = run()
            except ResponseError as error:
                if not is_wrong_type(error):
                    raise
                answer = ["damaged"]
            if answer[0] != "damaged":
                return answer
            # A damaged code is none: the number gets a new one, as if it had expired.
            tell_set_aside(self._scripts.run("set_codes_aside", self._redis(), keys))
            return run()

        return self._patiently(step)

    def _patiently(self, step: Callable[[], T]) -> T:
        """Repeat the step until Redis answers.

        Every script recognises its own repetition, unless another call came in between. Then it errs on the safe
        side. A wrong try may count twice. A send that the other call has found and confirmed becomes a new send, or
        the limits refuse it. Nothing is sent twice, because a lost step has not yet enqueued anything.
        """
        return available(
            step,
            for_s=self._timeout_s,
            task="no code could be issued or checked in time",
            unreachable_text=self._unreachable_text,
        )

    def _key(self, *parts: str) -> str:
        return key(self._tag, "code", *parts)

    def _pair(self, kind: str, tags: Tags) -> tuple[str, str]:
        """Return the keys by the current and by the old secret. Both are the same if there is no old secret."""
        current, old = tags
        parts = (kind,) if kind else ()
        return self._key(*parts, current), self._key(*parts, old or current)


def _windows(limit: Limit) -> list[int]:
    return [-1 if most is None else most for most in limit.windows]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

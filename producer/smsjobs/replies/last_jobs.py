"""The last accepted job to each number, of the last 72 hours. A reply tells its number only, and no job.

============================  ======  ==========================================================================
``sms:{tag}:last:<day>``      hash    digest of a number -> seconds since 1970, and the id of the last job to it
``sms:{replies}:secret``      string  the secret of the digests, sealed; see `SharedSecret`
============================  ======  ==========================================================================

Days are those of UTC. A number of one day takes about 110 bytes, and a day is kept for four.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import ResponseError

from smsjobs.contract import NUMBER_WIDTH, is_job_id, number_digests
from smsjobs.ledger import REPLIES_SECRET, Aside, CommonKeys
from smsjobs.redis_store import ELEMENTS, SecretDamaged, SharedSecret, is_damage, is_wrong_type, key

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.redis_store import Seal

__all__ = ["LastJob", "LastJobs"]

_DAY_S: Final = 24 * 3600

#: Seconds after which a reply is not taken for an answer any more.
_ANSWER_S: Final = 72 * 3600

#: Digits of a time that is one of the next 250 years.
_LONGEST_TIME: Final = 10

#: Days that are looked at. The last one began more than 72 hours ago.
_DAYS: Final = 4


@dataclass(frozen=True, kw_only=True, order=True)
class LastJob:
    """The last job to a number."""

    #: When it was accepted, in seconds since 1970.
    at_s: int
    job_id: str
    #: The full name of its element.
    element: str


class LastJobs:
    """The last job to each number. Threads may share it.

    Args:
        redis: The ledger's client.
        seal: Seals the secret of the digests; None leaves it readable.
        now: Returns the time in seconds since 1970, for tests.
    """

    def __init__(self, redis: Redis, *, seal: Seal | None, now: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._secret = SharedSecret(redis, REPLIES_SECRET, seal=seal)
        self._aside = Aside(redis, keep_s=0)
        self._now = now

    def __repr__(self) -> str:
        return "<LastJobs>"

    def note(self, tag: str, job_id: str, phones: Sequence[str]) -> None:
        """Note that a job was accepted.

        Args:
            tag: Its element's.
            phones: Its numbers, in the form that is sent.

        Raises:
            CannotOpen: The secret is sealed with a key that this process does not have.
            redis.exceptions.RedisError: Redis is unreachable, or refused it.
        """
        secret, now_s = self._make_secret(), int(self._now())
        place, told = key(tag, "last", str(now_s // _DAY_S)), f"{now_s} {job_id}"
        pipe = self._redis.pipeline(transaction=False)

        def write() -> None:
            pipe.hset(place, mapping=dict.fromkeys(_digests(secret, phones), told))
            pipe.expire(place, _DAYS * _DAY_S)
            pipe.execute()

        try:
            write()
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            self._aside.set_key_aside(place, "hash")
            write()

    def _make_secret(self) -> bytes:
        try:
            return self._secret.make(wait=False)
        except SecretDamaged:
            # What was noted by it is not found any more; what is noted from now on is.
            CommonKeys(self._redis).set_aside(REPLIES_SECRET)
            return self._secret.make(wait=False)

    def find(self, phones: Iterable[str]) -> dict[str, LastJob]:
        """The last job to each of these numbers, on whichever element, where one is known.

        Raises:
            CannotOpen: As in `note`.
            redis.exceptions.RedisError: Redis is unreachable.
        """
        wanted, secret = list(dict.fromkeys(phones)), self._secret.read()
        if not wanted or secret is None:
            return {}
        digests, now_s = _digests(secret, wanted), self._now()
        # Not decoded by the client: whatever is damaged says nothing, and hides nothing else.
        client: Any = self._redis
        elements = {
            tag.decode("ascii", "replace"): name.decode("ascii", "replace")
            for tag, name in client.execute_command("HGETALL", ELEMENTS, NEVER_DECODE=True).items()
        }
        pipe = client.pipeline(transaction=False)
        asked = [(tag, int(now_s // _DAY_S) - back) for tag in elements for back in range(_DAYS)]
        for tag, day in asked:
            pipe.execute_command("HMGET", key(tag, "last", str(day)), *digests, NEVER_DECODE=True)
        found: dict[str, LastJob] = {}
        for (tag, day), answers in zip(asked, pipe.execute(raise_on_error=False), strict=True):
            if isinstance(answers, Exception):
                if not is_damage(answers):
                    raise answers
                self._aside.set_key_aside(key(tag, "last", str(day)), "hash")
                continue
            for phone, each in zip(wanted, answers, strict=True):
                job = _read(each, elements[tag])
                if job and job.at_s > now_s - _ANSWER_S and (phone not in found or job > found[phone]):
                    found[phone] = job
        return found


def _digests(secret: bytes, phones: Sequence[str]) -> list[str]:
    whole = number_digests(secret, phones)
    return [whole[at : at + NUMBER_WIDTH] for at in range(0, len(whole), NUMBER_WIDTH)]


def _read(text: Any, element: str) -> LastJob | None:
    at, _, job_id = (text or b"").decode("ascii", "replace").partition(" ")
    if not (at.isdecimal() and len(at) <= _LONGEST_TIME and is_job_id(job_id)):
        return None
    return LastJob(at_s=int(at), job_id=job_id, element=element)

"""How elements stand with Aliyun and the carriers, by what workers have learned: for figures, in one round trip."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from smsjobs.redis_store import is_damage, key
from smsjobs.templates.store import PRESENT, USED_S
from smsjobs.templates.template import Signature

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Standing", "standings"]

#: Most bytes of a signature that are read, and about how many last sends of an element.
_MOST_BYTES: Final = 8_192
_MOST_SENDS: Final = 100


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one element stands."""

    #: Its tag.
    tag: str
    #: How many templates that were used within a day are known not to be approved.
    not_approved: int
    #: Its signature; None where nothing is known of it.
    signature: Signature | None
    #: Seconds since something was sent under the signature that it has, or since a worker first had it; None where no worker has.
    idle_s: float | None

    @property
    def is_known(self) -> bool:
        """Whether a worker has told anything of it."""
        return bool(self.not_approved) or self.signature is not None or self.idle_s is not None


def standings(redis: Redis, tags: Sequence[str]) -> Iterator[Standing]:
    """How the elements with these tags stand. What is damaged is not known.

    Args:
        redis: A client of the ledger's that gives bytes.

    Raises:
        redis.exceptions.RedisError: Redis is unreachable, or refuses.
    """
    since_ms = round((time.time() - USED_S) * 1000)
    pipe: Any = redis.pipeline(transaction=False)
    for tag in tags:
        pipe.zcount(key(tag, "templates", "unapproved"), since_ms, "+inf")
        pipe.getrange(key(tag, "templates", "signature"), 0, _MOST_BYTES - 1)
        pipe.hscan(key(tag, "templates", "sends"), count=_MOST_SENDS)
    answers = iter(pipe.execute(raise_on_error=False) if tags else ())
    for tag, (unapproved, signature, sends) in zip(tags, zip(*[answers] * 3, strict=True), strict=True):
        yield Standing(
            tag=tag,
            not_approved=_read(unapproved) or 0,
            signature=_signature(_read(signature) or b""),
            idle_s=_idle_s((_read(sends) or (0, {}))[1]),
        )


def _read(answer: Any) -> Any:
    """An answer; None where the key is damaged."""
    if isinstance(answer, Exception):
        if not is_damage(answer):
            raise answer
        return None
    return answer


def _signature(text: bytes) -> Signature | None:
    try:
        return Signature.from_json(json.loads(text)) if text else None
    except (ValueError, RecursionError):
        return None


def _idle_s(sends: Mapping[bytes, bytes]) -> float | None:
    """Of the signature that it has; of all, where no worker tells which that is."""
    times_ms = {sign: text for sign, text in sends.items() if sign != PRESENT.encode()}
    present = sends.get(PRESENT.encode())
    counted = [times_ms[present]] if present in times_ms else times_ms.values()
    known = [int(each) for each in counted if each.isdigit() and len(each) < 17]
    return max(0.0, time.time() - max(known) / 1000) if known else None

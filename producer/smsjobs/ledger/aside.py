"""What is set aside: damaged entries, campaigns and keys, until an operator puts them back or drops them.

Where it is kept, and which kinds there are, is described in ``scripts/lib/aside.lua``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from smsjobs.contract import InvalidArguments, RequestFailed, encode_outcome, is_tag, unpack_recipients
from smsjobs.ledger.common_keys import CommonKeys, SetAside
from smsjobs.ledger.damage import tell_set_aside
from smsjobs.ledger.outcome_text import write_outcome
from smsjobs.ledger.places import Places
from smsjobs.redis_store import NO_ELEMENT, CannotOpen, Scripts, key, unseal

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.redis_store import Seal

__all__ = ["Aside", "SetAside"]

#: Digits of a time that Python can read.
_LONGEST_TIME: Final = 14

#: The reason of a job that was dropped.
_DROPPED: Final = "dropped"


class Aside:
    """All that is set aside, of all elements.

    Args:
        redis: The ledger's client.
        seal: Opens the recipients of a campaign that is put back.
        keep_s: Seconds for which the outcome of a dropped job is kept.
    """

    def __init__(self, redis: Redis, *, seal: Seal | None = None, keep_s: float) -> None:
        self._redis = redis
        self._seal = seal
        self._keep_s = keep_s
        self._scripts = Scripts("ledger")
        self._common = CommonKeys(redis)

    def items(self) -> Iterator[SetAside]:
        """Return everything that is set aside, the oldest of each element first."""
        redis: Any = self._redis
        yield from self._common.items()
        for tag in self._tags():
            # Not decoded by the client: one that is not a valid text would hide all others.
            answer = redis.execute_command("HGETALL", key(tag, "aside"), NEVER_DECODE=True)
            pairs = [(_text(item), _text(text)) for item, text in answer.items()]
            for item, text in sorted(pairs, key=lambda each: each[1]):
                since, _, problem = text.partition(" ")
                since_ms = int(since) if since.isdecimal() and len(since) <= _LONGEST_TIME else 0
                yield SetAside(id=f"{tag}:{item}", problem=problem, since_ms=since_ms)

    def count(self) -> int:
        """Return how many there are."""
        common = sum(1 for _ in self._common.items())
        return common + sum(int(self._redis.hlen(key(tag, "aside"))) for tag in self._tags())

    def set_key_aside(self, name: str, kind: str) -> bool:
        """Give a key another name if it is not of that type, or, where no type is given, whatever it is.

        Returns:
            Whether it was set aside.
        """
        aside = self._scripts.run("set_key_aside", self._redis, {"key": name}, wanted=kind)
        tell_set_aside(aside)
        return bool(aside)

    def _tags(self) -> list[str]:
        return [NO_ELEMENT, *Places(self._redis).tags()]

    def put_back(self, its_id: str) -> str | None:
        """Put it back to where it was. If it is damaged still, it is set aside again when it is met.

        Returns:
            What is still wrong with it, so that it stays where it is; None if it was put back.

        Raises:
            InvalidArguments: Nothing of that id is set aside. Or it is a campaign whose recipients cannot be read.
        """
        if self._common.has(its_id):
            return "it is in nobody's way: there is a new one"
        tag, item = _split(its_id)
        verb, *problem = self._scripts.run(
            "aside_put_back", self._redis, {"agenda": key(tag, "agenda")}, self._chunks(tag, item), item=item
        )
        if verb == "missing":
            raise _missing(its_id)
        return str(problem[0]) if problem else None

    def drop(self, its_id: str) -> None:
        """Delete it. A job gets the outcome ``unknown``: it may have been sent before it was damaged.

        Raises:
            InvalidArguments: Nothing of that id is set aside.
        """
        if self._common.has(its_id):
            self._common.drop(its_id)
            return
        tag, item = _split(its_id)
        kind, _, name = item.partition(":")
        outcome = RequestFailed(
            "its entry in the ledger was damaged, and an operator dropped it; it may have been sent before",
            reason=_DROPPED,
            outcome="unknown",
            out_id=name if kind == "job" else None,
        )
        dropped = self._scripts.run(
            "aside_drop",
            self._redis,
            {"agenda": key(tag, "agenda")},
            item=item,
            outcome=write_outcome(encode_outcome(outcome)),
            label=_DROPPED,
            keep=round(self._keep_s * 1000),
        )
        if not dropped:
            raise _missing(its_id)

    def _chunks(self, tag: str, item: str) -> list[str | int]:
        """Return name and size of each planned chunk, if the item is a campaign: what was pending may be lost."""
        kind, _, name = item.partition(":")
        rows = key(tag, "campaign", name, "rows")
        if kind != "campaign" or self._redis.type(rows) != "hash":
            return []
        found: list[str | int] = []
        try:
            for number, text in self._redis.hscan_iter(rows):
                found += [number, len(unpack_recipients(unseal(text, self._seal))[1])]
        except CannotOpen as error:
            raise InvalidArguments(error.message, reason="job_unreadable", argument="id") from None
        return found


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _split(its_id: str) -> tuple[str, str]:
    tag, _, item = its_id.partition(":")
    if not (is_tag(tag) or tag == NO_ELEMENT) or ":" not in item:
        raise _missing(its_id)
    return tag, item


def _missing(its_id: str) -> InvalidArguments:
    del its_id  # it may be anything, even a phone number
    return InvalidArguments(
        "nothing of that id is set aside: see smsjobs set-aside list", reason="not_set_aside", argument="id"
    )

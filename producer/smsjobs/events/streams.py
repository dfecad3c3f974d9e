"""The streams of events: one for each element, and one for what belongs to no element.

A stream exists only where somebody has subscribed. Each subscriber is a consumer group, so each gets every event from its
subscription on, whichever of its processes reads it. Many processes may read for one subscriber.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import ResponseError

from smsjobs.contract import MOST_EVENTS, Reply, SignatureReview, TemplateReview, element_tag
from smsjobs.events.entries import Entry, reply_fields, told_fields
from smsjobs.ledger import Aside, Places
from smsjobs.redis_store import NO_ELEMENT, error_code, is_wrong_type, key

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.redis_store import Seal

__all__ = ["Backlog", "EventStreams"]

#: Milliseconds after which the name of a process that has not read any more is forgotten.
_FORGET_MS: Final = 24 * 3_600_000

#: The most entries that are counted one by one, where Redis does not tell how many there are.
_COUNTED: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What one subscriber has not dealt with yet, of one element."""

    tag: str
    subscriber: str
    #: Events that were not read for it, and those that were read and are not done.
    waiting: int
    #: When the oldest of them was written, in ms since 1970; None if nothing waits.
    since_ms: int | None


class EventStreams:
    """All streams. Threads may share it.

    Args:
        redis: The ledger's client.
        seal: Seals what people have written.
    """

    def __init__(self, redis: Redis, *, seal: Seal | None = None) -> None:
        self.redis = redis
        self.seal = seal
        self._places = Places(redis)
        self._aside = Aside(redis, keep_s=0)
        #: Pairs of tag and subscriber that have their group.
        self._subscribed: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return "<EventStreams>"

    def tags(self) -> list[str]:
        """The tags of all streams that there may be."""
        return [NO_ELEMENT, *self._places.tags()]

    def subscribe(self, subscriber: str) -> list[str]:
        """Have every event from now on kept for the subscriber, of every element that has been announced.

        Calling it again adds the elements that are new.

        Returns:
            The tags of all streams.
        """
        every = self.tags()
        for tag in every:
            if (tag, subscriber) not in self._subscribed:
                self._make_group(tag, subscriber)
                self._subscribed.add((tag, subscriber))
        return every

    def unsubscribe(self, subscriber: str) -> bool:
        """End a subscription. What waits for it is dropped. A stream that nobody follows any more ceases to exist.

        Returns:
            False if there was none.
        """
        found = False
        for each in self.backlogs():
            if each.subscriber == subscriber:
                found = True
                self._subscribed.discard((each.tag, subscriber))
                stream = key(each.tag, "events")
                self.redis.xgroup_destroy(stream, subscriber)
                if not self.redis.xinfo_groups(stream):
                    self.redis.delete(stream)
        return found

    def take(
        self, subscriber: str, consumer: str, *, tags: Iterable[str], most: int, again_after_s: float
    ) -> list[Entry]:
        """Entries for this process to deal with: what another one took and did not finish, then new ones.

        Args:
            consumer: The name of this process.
            tags: Of which elements.
            most: The most of one element.
            again_after_s: Seconds after which a process that has not finished is taken for dead.
        """
        pipe: Any = self.redis.pipeline(transaction=False)
        wanted = list(tags)
        for tag in wanted:
            stream = key(tag, "events")
            # Not decoded by the client: one entry that is not a valid text would stop all others.
            again_ms = round(again_after_s * 1000)
            pipe.execute_command(
                *("XAUTOCLAIM", stream, subscriber, consumer, again_ms, "0-0", "COUNT", most),
                NEVER_DECODE=True,
            )
            pipe.execute_command(
                *("XREADGROUP", "GROUP", subscriber, consumer, "COUNT", most, "STREAMS", stream, ">"),
                NEVER_DECODE=True,
            )
        answers = iter(pipe.execute(raise_on_error=False))
        found: list[Entry] = []
        for tag in wanted:
            old, new = next(answers), next(answers)
            for answer in (old, new):
                if isinstance(answer, Exception):
                    self._subscribed.discard((tag, subscriber))
                    if not isinstance(answer, ResponseError):
                        raise answer
            if isinstance(old, Exception) or isinstance(new, Exception):
                # The stream or its group was lost, or is damaged. The next `subscribe` makes them anew.
                continue
            # An entry that was dropped since has no fields.
            gone = [entry_id for entry_id, fields in old[1] if entry_id and fields is None]
            if gone:
                self.redis.xack(key(tag, "events"), subscriber, *gone)
            pairs = [*old[1], *(pair for _, pairs in _streams(new) for pair in pairs)]
            found += [_entry(tag, entry_id, fields) for entry_id, fields in pairs if fields]
        return found

    def done(self, subscriber: str, entries: Iterable[Entry]) -> None:
        """The subscriber has these."""
        by_tag: dict[str, list[str]] = {}
        for each in entries:
            by_tag.setdefault(each.tag, []).append(each.id)
        pipe = self.redis.pipeline(transaction=False)
        for tag, ids in by_tag.items():
            pipe.xack(key(tag, "events"), subscriber, *ids)
        pipe.execute()

    def tidy(self, tags: Iterable[str]) -> None:
        """Drop what every subscriber has, and the names of processes that ended long ago."""
        for tag in tags:
            stream = key(tag, "events")
            with suppress(ResponseError, UnicodeDecodeError):
                needed = [_needed(each, self._pending(stream, each["name"])) for each in self._groups(stream)]
                if needed:
                    self.redis.xtrim(stream, minid=min(needed, key=_order), approximate=False)
                for group in self._groups(stream):
                    self._forget(stream, group["name"])

    def backlogs(self) -> list[Backlog]:
        """What waits, for each subscriber and element. A damaged stream is set aside, and has none."""
        found: list[Backlog] = []
        for tag in self.tags():
            stream = key(tag, "events")
            self._aside.set_key_aside(stream, "stream")
            with suppress(
                ResponseError, UnicodeDecodeError
            ):  # the latter: a subscriber of an impossible name
                for group in self._groups(stream):
                    pending = self._pending(stream, group["name"])
                    first, count = _needed(group, pending), 0
                    oldest = self._range(stream, first, 1)
                    if oldest:
                        count = self._unread(stream, group) + group["pending"]
                    since = int(oldest[0][0].partition(b"-")[0]) if oldest else None
                    found.append(Backlog(tag=tag, subscriber=group["name"], waiting=count, since_ms=since))
        return found

    def tell(self, data: TemplateReview | SignatureReview, fact: str) -> None:
        """Write an event that is the fact itself and belongs to no element, if somebody follows.

        Args:
            data: What happened.
            fact: What tells it from all others of its type. Telling it again gives an event of the same id.
        """
        self._write(NO_ELEMENT, told_fields(data, fact, self.seal))

    def tell_reply(self, reply: Reply) -> None:
        """Write the event of a reply, if somebody follows. Telling it again gives an event of the same id."""
        tag = element_tag(reply.element) if reply.element else NO_ELEMENT
        self._write(tag, reply_fields(reply, self.seal))

    def _write(self, tag: str, fields: Mapping[str, str]) -> None:
        every: dict[Any, Any] = dict(fields)
        stream = key(tag, "events")
        try:
            self.redis.xadd(stream, every, nomkstream=True, maxlen=MOST_EVENTS, approximate=True)
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            # Whoever follows makes a new one.
            self._aside.set_key_aside(stream, "stream")

    def _make_group(self, tag: str, subscriber: str) -> None:
        stream = key(tag, "events")
        try:
            self.redis.xgroup_create(stream, subscriber, id="$", mkstream=True)
        except ResponseError as error:
            if is_wrong_type(error):
                self._aside.set_key_aside(stream, "stream")
                self.redis.xgroup_create(stream, subscriber, id="$", mkstream=True)
            elif error_code(error) != "BUSYGROUP":
                raise

    def _groups(self, stream: str) -> list[dict[str, Any]]:
        found: Any = self.redis.xinfo_groups(stream)
        return list(found)

    def _pending(self, stream: str, subscriber: str) -> str | None:
        """The oldest entry that was read and is not done."""
        found: Any = self.redis.xpending(stream, subscriber)
        return found["min"] if found["pending"] else None

    def _unread(self, stream: str, group: Mapping[str, Any]) -> int:
        # Redis 6.2 does not tell it, and later ones not always.
        lag: int | None = group.get("lag")
        if lag is not None:
            return lag
        return len(self._range(stream, f"({group['last-delivered-id']}", _COUNTED))

    def _range(self, stream: str, first: str, most: int) -> list[Any]:
        redis: Any = self.redis
        found: list[Any] = redis.execute_command(
            "XRANGE", stream, first, "+", "COUNT", most, NEVER_DECODE=True
        )
        return found

    def _forget(self, stream: str, subscriber: str) -> None:
        consumers: Any = self.redis.xinfo_consumers(stream, subscriber)
        for each in consumers:
            if not each["pending"] and each["idle"] > _FORGET_MS:
                self.redis.xgroup_delconsumer(stream, subscriber, each["name"])


def _entry(tag: str, entry_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    try:
        texts = {name.decode(): value.decode() for name, value in fields.items()}
    except UnicodeDecodeError:
        texts = {}  # nobody can read it
    return Entry(tag=tag, id=entry_id.decode(), fields=texts)


def _streams(answer: Any) -> Sequence[Any]:
    """What XREADGROUP answers, which is a mapping in RESP3."""
    if isinstance(answer, dict):
        return [(name, [pair for pairs in parts for pair in pairs]) for name, parts in answer.items()]
    return answer or []


def _order(entry_id: str) -> tuple[int, int]:
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number or 0)


def _needed(group: Mapping[str, Any], pending: str | None) -> str:
    """The oldest entry that a group still needs. It may be one that does not exist yet."""
    if pending is not None:
        return pending
    ms, number = _order(group["last-delivered-id"])
    return f"{ms}-{number + 1}"

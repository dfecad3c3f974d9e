"""Where a job is kept: under the tag of its element, as everything that belongs to the element."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from redis.exceptions import ResponseError

from smsjobs.contract import IdempotencyConflict, JobRecord, element_tag, is_tag, tag_of_job
from smsjobs.ledger.common_keys import CommonKeys
from smsjobs.ledger.damage import EntryDamaged
from smsjobs.redis_store import ELEMENTS, NO_ELEMENT, acknowledged, is_wrong_type, pointer, replicas_of

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Places"]

#: Seconds after which an element is announced again, because Redis may have lost it.
_ANNOUNCE_S: Final = 60.0

#: Seconds for which a pointer is kept after the latest time at which its job's outcome can still be there.
_MARGIN_S: Final = 24 * 3600.0

#: The most pointers that a process remembers.
_REMEMBERED: Final = 10_000


class Places:
    """Finds jobs by their ids, and knows which elements there are."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._announced: dict[str, float] = {}
        self._pointers: dict[str, str] = {}

    def of(self, job_id: str) -> str:
        """Return the tag of a job. It is in the job's id, or in a pointer if a plain Celery client chose the id.

        Raises:
            EntryDamaged: The pointer is damaged. A worker whose sweep has found the job needs no pointer.
        """
        told = tag_of_job(job_id) or self._pointers.get(job_id)
        if told is not None:
            return told
        try:
            found = cast("str | None", self._redis.get(pointer(job_id)))
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            found = ""
        except UnicodeDecodeError:
            found = ""
        if found is None:
            return NO_ELEMENT
        if not is_tag(found):
            raise EntryDamaged(job_id, "its pointer is damaged")
        self._remember(job_id, found)
        return found

    def learn(self, job_id: str, tag: str) -> None:
        """Remember the tag of a job that was found under it, in case that its pointer is damaged."""
        if tag_of_job(job_id) is None:
            self._remember(job_id, tag)

    def prepare(self, job: JobRecord, *, keep_s: float) -> str:
        """Return the tag of a new job, and make sure that the sweep and `of` will find the job under it.

        Args:
            keep_s: Seconds for which its outcome is kept.

        Raises:
            IdempotencyConflict: The id belongs to a job of another element.
        """
        tag = element_tag(job.element)
        self.announce([job.element])
        told = tag_of_job(job.id)
        if told is None:
            told = self._point(job.id, tag, for_s=job.expires_s + keep_s + _MARGIN_S)
        if told != tag:
            raise IdempotencyConflict(
                "id belongs to a job of another element: use another id", out_id=job.id, argument="id"
            )
        return tag

    def announce(self, elements: Iterable[str]) -> None:
        """Tell every sweep that these elements exist."""
        now = time.monotonic()
        due = [each for each in elements if now - self._announced.get(each, -_ANNOUNCE_S) >= _ANNOUNCE_S]
        if due:
            redis: Any = self._redis
            try:
                # Not decoded by the client: whatever is there, it is there.
                known = redis.execute_command("HMGET", ELEMENTS, *map(element_tag, due), NEVER_DECODE=True)
            except ResponseError as error:
                if not is_wrong_type(error):
                    raise
                return  # a worker makes it anew within a second, with the elements that it has
            self._add(due, known=known)
            self._announced |= dict.fromkeys(due, now)

    def tags(self) -> list[str]:
        """Return the tags of all elements that have had a job."""
        try:
            found = self._found()
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            # Every worker and producer announces its elements again.
            CommonKeys(self._redis).set_aside(ELEMENTS, "hash")
            found = []
        lost = [each for each in self._announced if element_tag(each) not in found]
        self._add(lost, known=[None] * len(lost))
        return sorted({*found, *map(element_tag, lost)})

    def _found(self) -> list[str]:
        # Not decoded by the client: one name that is not a valid text would hide all others.
        redis: Any = self._redis
        names: list[bytes] = redis.execute_command("HKEYS", ELEMENTS, NEVER_DECODE=True)
        return [tag for name in names if is_tag(tag := name.decode("ascii", "replace"))]

    def _add(self, elements: Sequence[str], known: Sequence[bytes | None]) -> None:
        # No write if nothing changes, so that a full Redis can still be swept.
        new: dict[Any, Any] = {
            element_tag(name): name for name, there in zip(elements, known, strict=True) if there is None
        }
        if new:
            self._redis.hset(ELEMENTS, mapping=new)

    def _point(self, job_id: str, tag: str, *, for_s: float) -> str:
        # A promise rests on it: without the pointer, nobody finds the job.
        name, keep_ms = pointer(job_id), round(for_s * 1000)
        if replicas := replicas_of(self._redis):
            new = acknowledged(self._redis, replicas, "SET", name, tag, "PX", keep_ms, "NX")
        else:
            new = self._redis.set(name, tag, nx=True, px=keep_ms)
        if not new:
            tag = cast("str | None", self._redis.get(pointer(job_id))) or tag
        self._remember(job_id, tag)
        return tag

    def _remember(self, job_id: str, tag: str) -> None:
        if len(self._pointers) >= _REMEMBERED:
            self._pointers.clear()
        self._pointers[job_id] = tag

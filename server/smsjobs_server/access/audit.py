"""What was done on the pages: who, what, when. It is only ever added to.

An entry is written before the act, and the act is not done if it cannot be written. If the act then fails, that is a
second entry. ``sms:audit`` is a Redis stream of the last ten thousand; each entry is a line of the log too, which is what to
keep for longer. No entry has a phone number, a code or a parameter.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from smsjobs.contract import KEY_PREFIX, visible
from smsjobs.facts import Fact, tell

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs_server.access.visitors import Visitor

__all__ = ["Acted", "Audit", "Entry"]

_STREAM: Final = f"{KEY_PREFIX}:audit"

#: How many entries are kept; Redis may keep some more.
_MOST: Final = 10_000

#: Most characters of a field.
_LONGEST: Final = 200


@dataclass(frozen=True, kw_only=True)
class Acted(Fact):
    """Somebody did something on the operator's pages, or tried in vain."""

    action: ClassVar[str] = "acted"
    level = logging.INFO
    sentence = "somebody acted on the pages"
    logger = "smsjobs.pages"

    #: Who: a name of the proxy's or the provider's; for a token its role.
    by: str
    #: How he was let in: ``token``, ``proxy`` or ``oidc``.
    via: str
    #: A stable word, such as ``job.retry``.
    act: str
    #: What it was done to: an id, or a name.
    target: str | None = None
    #: Why it was not done.
    failed: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the audit log."""

    at: datetime
    by: str
    via: str
    act: str
    target: str
    #: Why it was not done; empty where nothing speaks against it.
    failed: str


class Audit:
    """The audit log.

    Args:
        redis: Gives the ledger's client.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def note(self, visitor: Visitor, act: str, target: str = "", *, failed: str = "") -> None:
        """Write down that somebody does something, before it is done; or that it failed, with the reason.

        Raises:
            redis.exceptions.RedisError: It is not written down. Then it must not be done.
        """
        told = {"by": visitor.name, "via": visitor.via, "act": act, "target": target, "failed": failed}
        fields = {name: visible(value)[:_LONGEST] for name, value in told.items() if value}
        self._redis.xadd(_STREAM, fields, maxlen=_MOST, approximate=True)
        tell(Acted(**fields))

    def newest(self, count: int, *, before: str = "") -> Sequence[tuple[str, Entry]]:
        """The newest entries, the newest first, each with its id.

        Args:
            before: An id; only entries that are older.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable, or what is there is not an audit log.
        """
        latest = f"({before}" if before else "+"
        command = ("XREVRANGE", _STREAM, latest, "-", "COUNT", count)
        # Not decoded by the client: one that is not a valid text would hide all others.
        found = self._redis.execute_command(*command, NEVER_DECODE=True)
        return [_entry(entry_id, fields) for entry_id, fields in found]


def _entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> tuple[str, Entry]:
    texts = {
        name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()
    }
    told = {name: texts.get(name, "") for name in ("by", "via", "act", "target", "failed")}
    at_ms = int(entry_id.partition(b"-")[0])
    return entry_id.decode(), Entry(at=datetime.fromtimestamp(at_ms / 1000, UTC), **told)

"""What workers have learned of templates, in Redis, and what they are asked to learn.

====================================  ======  ===================================================================================
``sms:{<tag>}:templates``             hash    code -> the template's JSON, with the time at which it was learned
``sms:{<tag>}:templates:asked``       zset    code -> ms at which somebody last asked for it
``sms:{<tag>}:templates:lanes``       zset    lane and code -> ms at which a producer last sent so, told hourly
``sms:{<tag>}:templates:turn:…``      string  a worker asks Aliyun now, so no other does
``sms:{<tag>}:templates:unapproved``  zset    code -> ms of its last use, of those that are used and known not to be approved
``sms:{<tag>}:templates:signature``   string  the signature's JSON, as it was learned last
``sms:{<tag>}:templates:sends``       hash    signature -> ms at which a day's first message went under it, or it was first there; "" -> the one that the element has
====================================  ======  ===================================================================================

Nothing rests on it: what is too old, not there or cannot be read is not known. A key of a wrong type is set aside.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.exceptions import ResponseError

from smsjobs.contract import LANES, element_tag
from smsjobs.redis_store import is_wrong_type, key

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from smsjobs.templates.template import Template

__all__ = ["FRESH_S", "PRESENT", "USED_S", "TemplateStore", "fresh_for_s", "is_fresh"]

T = TypeVar("T")

#: Seconds after which a worker asks Aliyun again about a template that somebody uses.
FRESH_S: Final = 3600.0

#: The same where the template or its signature is not approved: somebody waits for Aliyun, or changes it just now.
_CHANGES_S: Final = 60.0

#: Seconds for which what was learned is believed while no worker has learned it again.
_BELIEVED_S: Final = 24 * 3600.0

#: Seconds for which a template is learned again after somebody has last asked for it, and for which it counts as used.
USED_S: Final = 24 * 3600.0

#: Seconds for which the last send of a signature is kept, and most signatures of an element: it has one at a time.
_SENDS_S: Final = 400 * 24 * 3600
_MOST_SIGNATURES: Final = 20

#: The field that holds the signature that the element has. It cannot be one itself.
PRESENT: Final = ""

#: Most templates of an element that are asked for, and that are kept. Aliyun lets an account make 100 a day.
_MOST_ASKED: Final = 500
_MOST_KEPT: Final = 1000


class TemplateStore:
    """What is known of the templates of all elements.

    Args:
        redis: The ledger's client. Each method raises its errors.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def known(self, element: str, code: str) -> Template | None:
        """What is known of a template; None where it is nothing, or too old to be believed."""
        raw: bytes | None = self._raw(_kept(element), "hash", "HGET", code)
        if raw is None:
            return None
        from smsjobs.templates.template import Template  # noqa: PLC0415  only where one is known

        try:
            # Bytes that are no text are a ValueError, and so is half a character, which is told to nobody.
            data = json.loads(raw.decode())
            json.dumps(data, ensure_ascii=False).encode()
            template = Template.from_json(data)
        except (ValueError, RecursionError):
            return None
        # What is told to come from the future would be believed for ever.
        if not -FRESH_S < _age_s(template) <= _BELIEVED_S:
            return None
        return template

    def ask(self, element: str, code: str, *, lane: str | None = None) -> None:
        """Have workers learn of a template, and keep what they know of it fresh for a day.

        Args:
            lane: The lane on which it is sent: it counts as used for a day. None: it is on none yet.
        """
        self._note_use(_asked(element), code)
        if lane is not None:
            self._note_use(_lanes(element), f"{lane} {code}")

    def _note_use(self, name: str, what: str) -> None:
        def note() -> None:
            pipeline: Any = self._redis.pipeline(transaction=False)
            pipeline.zadd(name, {what: round(time.time() * 1000)})
            pipeline.zremrangebyrank(name, 0, -_MOST_ASKED - 1)
            pipeline.expire(name, round(USED_S))
            pipeline.execute()

        self._beside_damage(name, "zset", note)

    def asked(self, element: str) -> list[str]:
        """The templates that somebody has asked for lately, whether it sends them or not."""
        return self._used_lately(_asked(element))

    def lanes(self, element: str) -> dict[str, frozenset[str]]:
        """The lanes on which each template was sent lately, by its code."""
        found: dict[str, frozenset[str]] = {}
        for each in self._used_lately(_lanes(element)):
            lane, _, code = each.partition(" ")
            found[code] = found.get(code, frozenset()) | {lane}
        return found

    def _used_lately(self, name: str) -> list[str]:
        since_ms = round((time.time() - USED_S) * 1000)
        found: list[bytes] = self._raw(name, "zset", "ZRANGEBYSCORE", since_ms, "+inf")
        return [each.decode("utf-8", "replace") for each in found]

    def take_turn(self, element: str, code: str, *, for_s: float) -> bool:
        """Whether this worker is the one to ask Aliyun now."""
        turn = key(element_tag(element), "templates", "turn", code)
        if self._redis.set(turn, "1", nx=True, px=round(for_s * 1000)):
            return True
        if self._redis.pttl(turn) == -1:
            self._redis.delete(turn)  # no turn of ours has no end
        return False

    def learn(self, element: str, template: Template) -> None:
        """Keep what Aliyun told."""
        name = _kept(element)

        def keep() -> None:
            if self._redis.hlen(name) >= _MOST_KEPT:
                self._redis.delete(name)  # what is used is learned again
            pipeline: Any = self._redis.pipeline(transaction=False)
            pipeline.hset(name, template.code, json.dumps(template.to_json(), ensure_ascii=False))
            pipeline.expire(name, round(_BELIEVED_S))
            if template.signature:
                sign = json.dumps(template.signature.to_json(), ensure_ascii=False)
                pipeline.set(key(element_tag(element), "templates", "signature"), sign, ex=round(_BELIEVED_S))
            pipeline.execute()

        self._beside_damage(name, "hash", keep)
        self._list_unapproved(element, template)

    def _list_unapproved(self, element: str, template: Template) -> None:
        """Keep whether it is used and has to be approved: figures need not read all templates then."""
        name = key(element_tag(element), "templates", "unapproved")
        used_ms = None if template.is_good else self._last_use_ms(element, template.code)

        def note() -> None:
            pipeline: Any = self._redis.pipeline(transaction=False)
            pipeline.zrem(name, template.code)
            if used_ms is not None:
                pipeline.zadd(name, {template.code: used_ms})
            pipeline.expire(name, round(_BELIEVED_S))
            pipeline.execute()

        self._beside_damage(name, "zset", note)

    def _last_use_ms(self, element: str, code: str) -> float | None:
        name = _lanes(element)

        def scores() -> list[float | None]:
            pipeline: Any = self._redis.pipeline(transaction=False)
            for lane in LANES:
                pipeline.zscore(name, f"{lane} {code}")
            found: list[float | None] = pipeline.execute()
            return found

        return max((each for each in self._beside_damage(name, "zset", scores) if each), default=None)

    def note_signature(self, element: str, signature: str, *, sends: bool) -> None:
        """Note that messages go under that signature now; or that the element has it now, so that its idle time has a beginning."""
        name, now_ms = _sends(element), round(time.time() * 1000)

        def note() -> None:
            if self._redis.hlen(name) >= _MOST_SIGNATURES:
                self._redis.delete(name)
            pipeline: Any = self._redis.pipeline(transaction=False)
            if sends:
                pipeline.hset(name, signature, now_ms)
            else:
                pipeline.hsetnx(name, signature, now_ms)
                pipeline.hset(name, PRESENT, signature)
            pipeline.expire(name, _SENDS_S)
            pipeline.execute()

        self._beside_damage(name, "hash", note)

    def idle_s(self, element: str, signature: str) -> float | None:
        """Seconds since messages last went under that signature, or since it was first there; None where nobody knows."""
        text: bytes = self._raw(_sends(element), "hash", "HGET", signature) or b""
        return max(0.0, time.time() - int(text) / 1000) if text.isdigit() and len(text) < 17 else None

    def _raw(self, name: str, kind: str, command: str, *arguments: Any) -> Any:
        """What a key holds, as bytes: one value that is not a valid text would hide all others from a client that decodes."""
        redis: Any = self._redis
        return self._beside_damage(
            name, kind, lambda: redis.execute_command(command, name, *arguments, NEVER_DECODE=True)
        )

    def _beside_damage(self, name: str, kind: str, step: Callable[[], T]) -> T:
        try:
            return step()
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
        from smsjobs.ledger import Aside  # noqa: PLC0415  only where something is damaged

        Aside(self._redis, keep_s=0).set_key_aside(name, kind)
        return step()

    def wait_for(self, element: str, code: str, *, timeout_s: float) -> Template | None:
        """What is known of a template; where it is nothing, ask for it and wait for a worker.

        A worker is waited for as well where the template could not be sent and was not learned just now: it may be approved
        by now. If no worker tells of it in time, that is what is given.
        """
        until = time.monotonic() + timeout_s
        while (template := self.known(element, code)) is None or not (
            template.may_be_sent or is_fresh(template)
        ):
            left_s = until - time.monotonic()
            if left_s <= 0:
                return template
            self.ask(element, code)
            time.sleep(min(0.2, left_s))
        return template


def is_fresh(template: Template) -> bool:
    """Whether Aliyun need not be asked again yet."""
    return fresh_for_s(template) > 0


def fresh_for_s(template: Template) -> float:
    """Seconds until Aliyun has to be asked again; none, or fewer, where it has to be now."""
    return (FRESH_S if template.may_be_sent else _CHANGES_S) - _age_s(template)


def _age_s(template: Template) -> float:
    return (datetime.now(UTC) - template.learned_at).total_seconds()


def _kept(element: str) -> str:
    return key(element_tag(element), "templates")


def _lanes(element: str) -> str:
    return key(element_tag(element), "templates", "lanes")


def _sends(element: str) -> str:
    return key(element_tag(element), "templates", "sends")


def _asked(element: str) -> str:
    return key(element_tag(element), "templates", "asked")

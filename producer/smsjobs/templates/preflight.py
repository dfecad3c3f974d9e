"""The look at a message before it is enqueued: does it fit what is known of its template?

It never waits for anybody, asks Redis once a minute for each template, and tells it once an hour that it is used. Where nothing is known, or Redis does not answer,
every message passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from redis.exceptions import RedisError

from smsjobs.contract import InvalidArguments, JobRecord
from smsjobs.facts import TemplateMisfit, tell
from smsjobs.templates.store import TemplateStore, is_fresh

if TYPE_CHECKING:
    from smsjobs.templates.template import Template

__all__ = ["MODES", "Mode", "Preflight"]

#: ``"off"``: no look, and workers learn nothing. ``"warn"``: what does not fit is logged. ``"refuse"``: it is an error.
Mode = Literal["off", "warn", "refuse"]
MODES: Final[tuple[Mode, ...]] = ("off", "warn", "refuse")

#: Seconds for which this process goes by what it has read, and by that it has found nothing.
_KNOWN_S: Final = 60.0
_UNKNOWN_S: Final = 10.0

#: Seconds after which this process tells again that a template is used: what nobody tells of for a day does not count.
_TOLD_S: Final = 3600.0

#: Most templates that this process remembers.
_MOST: Final = 1000


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What this process remembers of a template."""

    #: Until when it is not looked up again.
    until: float
    template: Template | None
    #: The lanes on which it is used, with the time from which that is told again.
    lanes: Mapping[str, float] = field(default_factory=dict)


class Preflight:
    """Looks at messages by what workers have learned.

    Args:
        store: What they have learned.
        mode: What follows.
        clock: Seconds, rising.
    """

    def __init__(
        self, store: TemplateStore, mode: Mode, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._mode = mode
        self._clock = clock
        self._memory: dict[tuple[str, str], _Known] = {}

    def check(self, job: JobRecord) -> None:
        """Refuse a job whose parameters do not fit its template, or log it.

        Raises:
            InvalidArguments: They do not, and the mode is ``"refuse"``.
        """
        if self._mode == "off":
            return
        template = self._template(job.element, job.message.template, job.lane)
        if template is None:
            return
        from smsjobs.templates.rules import find_faults  # noqa: PLC0415  only where a template is known

        faults = find_faults(template, job.message.params)
        if not faults:
            return
        problems = "; ".join(faults)
        if self._mode == "refuse":
            raise InvalidArguments.about("params", f"do not fit {job.message.template}: {problems}")
        tell(TemplateMisfit(element=job.element, template=job.message.template, problems=problems))

    def _template(self, element: str, code: str, lane: str) -> Template | None:
        now = self._clock()
        known = self._memory.get((element, code))
        if known is not None and now < known.until and now < known.lanes.get(lane, now):
            return known.template
        try:
            if known is None or now >= known.until:
                known = self._look_up(element, code, known.lanes if known else {})
            tell_at = known.lanes.get(lane, now)
            if now >= tell_at:
                self._store.ask(element, code, lane=lane)
                tell_at = now + _TOLD_S
        except RedisError:
            tell_at = now + _UNKNOWN_S
            known = _Known(until=tell_at, template=None)
        if len(self._memory) >= _MOST:
            self._memory.clear()
        self._memory[element, code] = replace(known, lanes={**known.lanes, lane: tell_at})
        return known.template

    def _look_up(self, element: str, code: str, told: Mapping[str, float]) -> _Known:
        template = self._store.known(element, code)
        until = self._clock() + (_KNOWN_S if template else _UNKNOWN_S)
        # What has to be learned again is asked for again, by each lane.
        return _Known(until=until, template=template, lanes=told if template and is_fresh(template) else {})

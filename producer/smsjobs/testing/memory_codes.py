"""Codes and counts in memory, by the same rules as the scripts in Redis. The same tests run over both."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from smsjobs.testing.clock import Clock
from smsjobs.verification.limits import Limit
from smsjobs.verification.store import AGAIN_S, REMEMBER_S, Checked, Held, Issued, SendRequest, Tags, Try

__all__ = ["MemoryCodes"]

_DAY_S: Final = 24 * 3600.0

#: Length of each window, and how far its beginning in Beijing is before that in UTC, in seconds.
_WINDOWS: Final = ((60.0, 0.0), (3600.0, 0.0), (_DAY_S, 8 * 3600.0))


@dataclass(kw_only=True)
class _Code:
    salt: str
    digits: int
    proof: str = field(repr=False)
    expires: float = 0
    tries: int = 0
    sends: int = 0
    pending: int = 0
    pending_at: float = 0


class MemoryCodes:
    """The store of `smsjobs.testing`."""

    def __init__(self, clock: Clock) -> None:
        self._now = clock
        self._lock = threading.Lock()
        self._codes: dict[str, _Code] = {}
        self._numbers: dict[str, list[float]] = {}
        self._counts: dict[tuple[str, int, float], int] = {}

    def issue(self, request: SendRequest) -> Issued | Held:
        """Count a send and give it the live code, else the request's; or refuse it."""
        with self._lock:
            rules, now = request.rules, self._now()
            which, code = self._latest(request.code)
            if code and (code.expires <= now or code.tries >= rules.max_checks):
                code = None
            if code and code.pending and now < code.pending_at + AGAIN_S:
                return self._issued(request, which, code, code.pending)
            held = self._held(request)
            if held is not None:
                return self._issued(request, which, code, code.pending) if code and code.pending else held
            self._count(request)
            if code is None:
                self._forget(request.code)
                code = _Code(salt=request.salt, digits=rules.digits, proof=request.proof)
                which, self._codes[request.code[0]] = 1, code
            code.sends += 1
            code.expires = now + rules.ttl_s
            code.pending, code.pending_at = code.sends, now
            return self._issued(request, which, code, code.sends)

    def confirm(self, tag: str, salt: str, send: int) -> None:
        """The send is in the ledger: the next one is a new one."""
        with self._lock:
            code = self._codes.get(tag)
            if code and (code.salt, code.pending) == (salt, send):
                code.pending = 0

    def salts(self, code: Tags) -> Tags:
        """The salt of the code of each tag; empty where there is none."""
        with self._lock:
            current, old = ("" if tag not in self._codes else self._codes[tag].salt for tag in code)
        return current, old

    def check(self, tried: Try) -> Checked:
        """Count a try; the right one ends the code."""
        with self._lock:
            which, code = self._latest(tried.code)
            if code is None:
                return Checked(status="none_sent", tries_left=0)
            if code.tries >= tried.max_checks:
                return Checked(status="too_many_tries", tries_left=0)
            if code.expires <= self._now():
                return Checked(status="expired", tries_left=0)
            if code.proof == tried.proofs[which - 1]:
                self._forget(tried.code)
                return Checked(status="ok", tries_left=0)
            code.tries += 1
            return Checked(status="wrong", tries_left=tried.max_checks - code.tries)

    def _latest(self, tags: Tags) -> tuple[int, _Code | None]:
        known = {tag: self._codes[tag] for tag in tags if tag in self._codes}
        found = [
            (known[tag].expires, -which, which)
            for which, tag in enumerate(tags, 1)
            if tag in known and known[tag].expires + REMEMBER_S > self._now()
        ]
        if not found:
            return 1, None
        which = max(found)[2]
        return which, known[tags[which - 1]]

    def _forget(self, tags: Tags) -> None:
        for tag in tags:
            self._codes.pop(tag, None)

    def _issued(self, request: SendRequest, which: int, code: _Code, send: int) -> Issued:
        return Issued(
            which=which,
            salt=code.salt,
            digits=code.digits,
            send=send,
            left_s=round(code.expires - self._now(), 3),
            wait_s=round(self._number_wait(request), 3),
        )

    def _held(self, request: SendRequest) -> Held | None:
        rules = request.rules
        held = Held(whose="number", wait_s=self._number_wait(request))
        client = self._clock_wait(request.client, rules.per_client)
        if client > held.wait_s:
            held = Held(whose="client", wait_s=client)
        purpose = self._clock_wait((f"{rules.element}:{rules.purpose}", ""), rules.ceiling)
        if purpose > held.wait_s:
            held = Held(whose="purpose", wait_s=purpose)
        return held if held.wait_s > 0 else None

    def _number_wait(self, request: SendRequest) -> float:
        now, limit = self._now(), request.rules.per_number
        times = sorted(
            time for tag in request.number for time in self._numbers.get(tag, ()) if time > now - _DAY_S
        )
        wait = 0.0
        for most, (length, _) in zip((limit.minute, limit.hour), _WINDOWS, strict=False):
            start = now - now % length
            if most is not None and sum(time >= start for time in times) >= most:
                wait = max(wait, start + length - now)
        if limit.day is not None and len(times) >= limit.day:
            wait = max(wait, times[-limit.day] + _DAY_S - now)
        return wait

    def _clock_wait(self, tags: Tags, limit: Limit) -> float:
        now, wait = self._now(), 0.0
        for index, (most, (length, shift)) in enumerate(zip(limit.windows, _WINDOWS, strict=True)):
            start = now - (now + shift) % length
            used = sum(self._counts.get((tag, index, start), 0) for tag in tags if tag)
            if most is not None and used >= most:
                wait = max(wait, start + length - now)
        return wait

    def _count(self, request: SendRequest) -> None:
        now, rules = self._now(), request.rules
        self._numbers.setdefault(request.number[0], []).append(now)
        for tag in (request.client[0], f"{rules.element}:{rules.purpose}"):
            for index, (length, shift) in enumerate(_WINDOWS):
                window = (tag, index, now - (now + shift) % length)
                self._counts[window] = self._counts.get(window, 0) + bool(tag)

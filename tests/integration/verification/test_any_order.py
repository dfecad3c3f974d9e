"""Sends, resends, lost hand-overs, checks and the passing of time, in any order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from smsjobs import QueueUnavailable, RequestFailed, VerificationRefused
from smsjobs.verification import Keyring, Limit
from support.any_order import play
from support.code_bench import Bench, MemoryBench, RedisBench

PHONES = ["13800138000", "85251234567"]
CLIENTS = [None, "203.0.113.7"]
TTL, MOST_TRIES, DAY = 150, 3, 86_400
PER_NUMBER = Limit(minute=1, hour=3, day=4)
PER_CLIENT = Limit(minute=2, hour=4, day=6)
CEILING = Limit(minute=3, hour=6, day=9)


@dataclass
class Code:
    """What is to be expected of a number's code."""

    text: str
    expires: float
    tries: int = 0
    #: Since when a send is counted and not known to be handed over.
    pending_at: float | None = None
    #: The job that was recorded before the answer was lost.
    job: str | None = None
    used: bool = False


@dataclass(frozen=True)
class Counted:
    """A send that the limits have counted."""

    at: float
    phone: str
    client: str | None


@dataclass
class HandOver:
    """Stands before `sendMessage`: sees every code, and breaks when told to."""

    real: Callable[..., Any]
    breaks: str = "never"
    code: str = ""
    jobs: list[str] = field(default_factory=list)

    def __call__(self, **message: Any) -> Any:
        """Hands over, and breaks before or after it where told to."""
        self.code = message["params"]["code"]
        if self.breaks == "before":
            raise QueueUnavailable
        job = self.real(**message)
        if job.id not in self.jobs:
            self.jobs.append(job.id)
        if self.breaks == "after":
            raise QueueUnavailable
        return job


class AnyOrder(RuleBasedStateMachine):
    """Compares every answer with what a plain list of all sends says it should be."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.login = bench.verification(
            ttl=TTL, max_checks=MOST_TRIES, per_number=PER_NUMBER, per_client=PER_CLIENT, ceiling=CEILING
        )
        self.hand_over = HandOver(bench.element.sendMessage)
        bench.element.sendMessage = self.hand_over
        self.rings = [
            Keyring.read(a * 4, b * 4, environ={})
            for a, b in (("new code", "old code"), ("old code", "new code"))
        ]
        self.login._keyring = self.rings[0]
        self.counted: list[Counted] = []
        self.codes: dict[str, Code] = {}
        self.stale: list[str] = ["000000"]

    @property
    def now(self) -> float:
        """The time in seconds."""
        return self.bench.clock()

    @rule(seconds=st.sampled_from([0.001, 59.999, 60, 90, 149.999, 150, 1800, 6 * 3600, DAY]))
    def time_passes(self, seconds: float) -> None:
        """Nothing else happens for a while."""
        self.bench.advance(seconds)

    @rule()
    def secrets_change_places(self) -> None:
        """Another process, which has the other secret first, continues."""
        self.rings.reverse()
        self.login._keyring = self.rings[0]

    @rule(phone=st.sampled_from(PHONES), client=st.sampled_from(CLIENTS))
    def send(self, phone: str, client: str | None) -> None:
        """Somebody asks for a code."""
        self.hand_over.breaks = "never"
        jobs = len(self.hand_over.jobs)
        expected, waits = self._expect(phone, client)
        if expected == "refused":
            with pytest.raises(VerificationRefused) as caught:
                self.login.send(phone, client)
            wait = max(waits.values())
            assert caught.value.retry_after == math.ceil(round(wait, 3))
            assert waits[caught.value.reason] == wait
            return
        lost = self.codes[phone].job if expected == "again" else None
        try:
            sent = self.login.send(phone, client)
        except RequestFailed as error:
            self._ended_meanwhile(error, phone, expected)
            return
        self._sent(phone, client, expected)
        if lost is not None:
            assert sent.job.id == lost
        assert len(self.hand_over.jobs) == jobs + (lost is None), (
            "one new message, unless it was handed over before"
        )
        code = self.codes[phone]
        code.pending_at = code.job = None
        assert sent.expires_in == pytest.approx(code.expires - self.now, abs=1)

    @rule(
        phone=st.sampled_from(PHONES),
        client=st.sampled_from(CLIENTS),
        breaks=st.sampled_from(["before", "after"]),
    )
    def send_is_cut_off(self, phone: str, client: str | None, breaks: str) -> None:
        """Somebody asks for a code, and the process does not get to the end of it."""
        self.hand_over.breaks = breaks
        expected, _ = self._expect(phone, client)
        with pytest.raises(RequestFailed) as caught:
            self.login.send(phone, client)
        if expected == "refused":
            assert isinstance(caught.value, VerificationRefused)
            return
        if not isinstance(caught.value, QueueUnavailable):
            self._ended_meanwhile(caught.value, phone, expected)
            return
        self._sent(phone, client, expected)
        code = self.codes[phone]
        if expected == "new":
            code.pending_at, code.job = self.now, None
        if breaks == "after":
            code.job = code.job or self.hand_over.jobs[-1]

    @precondition(lambda self: self.codes)
    @rule(data=st.data(), kind=st.sampled_from(["right", "right", "wrong", "stale"]))
    def check(self, data: st.DataObject, kind: str) -> None:
        """Somebody types a code."""
        phone = data.draw(st.sampled_from(sorted(self.codes)))
        code = self.codes[phone]
        tried = {
            "right": code.text,
            "wrong": f"{(int(code.text) + 1) % 1_000_000:06}",
            "stale": data.draw(st.sampled_from(self.stale)),
        }[kind]
        result = self.login.check(phone, tried)
        assert bool(result) is (result.status == "ok")
        if code.used:
            assert result.status == "none_sent"
        elif code.expires + 3600 <= self.now:
            # Forgotten, or about to be.
            assert result.status in ("none_sent", "expired", "too_many_tries")
        elif code.tries >= MOST_TRIES:
            assert result.status == "too_many_tries"
        elif code.expires <= self.now:
            assert result.status == "expired"
        elif tried == code.text:
            assert result.status == "ok"
            code.used = True
        else:
            code.tries += 1
            assert (result.status, result.tries_left) == ("wrong", MOST_TRIES - code.tries)

    @precondition(lambda self: self.codes)
    @rule(data=st.data())
    def check_until_dead(self, data: st.DataObject) -> None:
        """Somebody guesses."""
        for _ in range(MOST_TRIES):
            self.check(data, "wrong")

    @rule()
    def check_of_a_stranger(self) -> None:
        """Somebody types a code for a number that none was sent to."""
        assert self.login.check("13900139000", self.stale[-1]).status == "none_sent"

    def _live(self, phone: str) -> Code | None:
        code = self.codes.get(phone)
        dead = code is None or code.used or code.expires <= self.now or code.tries >= MOST_TRIES
        return None if dead else code

    def _expect(self, phone: str, client: str | None) -> tuple[str, dict[str, float]]:
        waits = self._waits(phone, client)
        code = self._live(phone)
        if (
            code
            and code.pending_at is not None
            and (self.now < code.pending_at + 60 or max(waits.values()) > 0)
        ):
            return "again", waits
        return ("refused" if max(waits.values()) > 0 else "new"), waits

    def _ended_meanwhile(self, error: RequestFailed, phone: str, how: str) -> None:
        """Real time passes too, and may be all that a send which is given out again has left."""
        assert (error.reason, how) == ("expired", "again")
        assert self.codes[phone].expires - self.now < 5

    def _sent(self, phone: str, client: str | None, how: str) -> None:
        code, text = self._live(phone), self.hand_over.code
        if code:
            assert text == code.text, "one live code for a number"
        if how == "again":
            return
        self.counted.append(Counted(self.now, phone, client))
        if code:
            code.expires = self.now + TTL
        else:
            self.codes[phone] = Code(text=text, expires=self.now + TTL)
            self.stale.append(text)

    def _waits(self, phone: str, client: str | None) -> dict[str, float]:
        to_number = sorted(each.at for each in self.counted if each.phone == phone)
        waits = {
            "number_limit": max(
                self._window(to_number, 60, PER_NUMBER.minute),
                self._window(to_number, 3600, PER_NUMBER.hour),
                self._rolling_day(to_number, PER_NUMBER.day),
            ),
            "ceiling": self._clock([each.at for each in self.counted], CEILING),
            "client_limit": 0.0,
        }
        if client:
            waits["client_limit"] = self._clock(
                [each.at for each in self.counted if each.client == client], PER_CLIENT
            )
        return waits

    def _clock(self, times: list[float], limit: Limit) -> float:
        return max(
            self._window(times, 60, limit.minute),
            self._window(times, 3600, limit.hour),
            self._window(times, DAY, limit.day),
        )

    def _window(self, times: list[float], length: int, most: int) -> float:
        """In Beijing, where a day begins eight hours before it does in UTC."""
        window = (self.now + 8 * 3600) // length
        used = sum((each + 8 * 3600) // length == window for each in times)
        return (window + 1) * length - 8 * 3600 - self.now if used >= most else 0.0

    def _rolling_day(self, times: list[float], most: int) -> float:
        within = [each for each in times if each > self.now - DAY]
        return within[-most] + DAY - self.now if len(within) >= most else 0.0


def test_any_order_in_memory() -> None:
    """Whatever the order of events, the fake answers as the rules say."""
    play(lambda: AnyOrder(MemoryBench()))


def test_any_order_in_redis(redis_bench: RedisBench) -> None:
    """Whatever the order of events, the scripts in Redis answer as the rules say."""

    def begin() -> AnyOrder:
        with redis_bench.server.client() as client:
            client.flushdb()
        redis_bench.reset()
        return AnyOrder(redis_bench)

    play(begin)

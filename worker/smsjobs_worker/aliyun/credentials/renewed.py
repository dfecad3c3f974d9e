"""Keys that end, and are renewed before they do."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Final, Protocol

from smsjobs_worker.aliyun.credentials.keys import NO_CREDENTIALS, Keys, KeySource, NoKeys
from smsjobs_worker.logs.facts import KeysNotRenewed, KeysRefused, tell
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.provider import NotSent

__all__ = ["Renewed", "Source", "next_renewal_s", "next_try_s"]

#: The shortest and the longest time between two renewals, in seconds. The longest also holds where nobody tells an end.
_SOONEST_S: Final = 5.0
_LATEST_S: Final = 600.0

#: The longest wait after a renewal that failed, in seconds.
_LONGEST_WAIT_S: Final = 30.0

#: Seconds for which refused keys are not used, and for which a refusal of keys that came because of one counts.
_BELIEVED_S: Final = 60.0


class Source(Protocol):
    """Where keys come from."""

    def fetch(self, *, anew: bool) -> Keys:
        """Keys; ``anew``: none that were kept.

        Raises:
            NoKeys: There are none at the moment.
        """
        ...


def next_renewal_s(keys: Keys, now: float) -> float:
    """Seconds until keys are fetched again: when a third of their time is left, so that many tries fit into it."""
    if keys.expires_at is None:
        return _LATEST_S
    return min(max((keys.expires_at - now) * 2 / 3, _SOONEST_S), _LATEST_S)


def next_try_s(failures: int) -> float:
    """Seconds until the next try after that many in a row have failed."""
    return min(2.0 ** min(failures - 1, 10), _LONGEST_WAIT_S)


class Renewed(KeySource):
    """The keys of a source. A thread fetches them: it begins with the first `take`, and ends with this object.

    Args:
        source: Where they come from.
        clock: Seconds since the epoch, against which their end is compared.
    """

    def __init__(self, source: Source, *, clock: Callable[[], float] = time.time) -> None:
        self._source = source
        self._clock = clock
        self._keys: Keys | None = None
        #: Keys that Aliyun refused, and the monotonic time at which they are tried again all the same.
        self._refused: Keys | None = None
        self._refused_until = 0.0
        #: The monotonic time until which a refusal of the present keys counts: they came because of a refusal, and were
        #: never accepted.
        self._believed_until = 0.0
        #: Failures in a row, the last one's cause, and the monotonic time before which there is no other try.
        self._failures, self._why, self._next_at = 0, "", 0.0
        #: The monotonic time at which the present fetch began; None: there is none.
        self._began_at: float | None = None
        self._forget()

    def _forget(self) -> None:
        """Begin without a thread, as after a fork."""
        self._began_at = None
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._thread = threading.Thread()

    def take(self, within_s: float) -> Keys:
        """The keys in force, at once where there are some."""
        if not self._thread.is_alive():
            self._start()
        return self._usable() or self._await(within_s)

    def accepted(self, keys: Keys) -> None:
        """A later refusal of these keys is a new one."""
        if keys is self._keys:
            self._believed_until = 0.0

    def refused(self, keys: Keys) -> bool:
        """Whether others are in force or fetched. Not where these came because of a refusal, and were never accepted."""
        with self._changed:
            now = time.monotonic()
            if keys != self._keys or (keys == self._refused and now < self._refused_until):
                return True
            if now < self._believed_until:
                return False
            self._refused, self._refused_until = keys, now + _BELIEVED_S
            self._wake.set()
        tell(KeysRefused(source=keys.source))
        return True

    def _usable(self) -> Keys | None:
        keys = self._keys
        if keys is None or (keys.expires_at is not None and self._clock() >= keys.expires_at):
            return None
        return None if keys == self._refused and time.monotonic() < self._refused_until else keys

    def _await(self, within_s: float) -> Keys:
        with self._changed:
            # Whoever comes while a fetch hangs does not wait as long as the first.
            until = within_s + (time.monotonic() if self._began_at is None else self._began_at)
            failures = self._failures
            while (keys := self._usable()) is None and self._failures == failures:
                now = time.monotonic()
                if now >= until or (self._began_at is None and now < self._next_at):
                    break
                if self._began_at is None:
                    self._wake.set()
                self._changed.wait(until - now)
        if keys is None:
            raise NotSent(NO_CREDENTIALS, f"no keys to sign with: {self._why or 'they did not come in time'}")
        return keys

    def _start(self) -> None:
        with self._changed:
            if not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=_renew, args=(weakref.ref(self), self._wake), name="smsjobs-keys", daemon=True
                )
                self._thread.start()

    def _round(self) -> float:
        """Fetch once; seconds until the next time."""
        with self._changed:
            now = time.monotonic()
            # Whoever has woken the thread until now is served by this round.
            self._wake.clear()
            if now < self._next_at:
                return self._next_at - now
            self._began_at = now
            anew = self._failures > 0 or (self._keys is not None and self._keys == self._refused)
        keys: Keys | None = None
        why = ""
        try:
            keys = self._source.fetch(anew=anew)
        except NoKeys as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001  somebody else's code; the thread must live on
            why = describe(error)
        with self._changed:
            wait_s = self._take_over(keys, why, anew=anew)
            self._began_at = None
            self._changed.notify_all()
        return wait_s

    def _take_over(self, keys: Keys | None, why: str, *, anew: bool) -> float:
        now = time.monotonic()
        if keys is not None and keys == self._refused and now < self._refused_until:
            if not anew:
                return 0.0  # they were refused while they were fetched
            if keys.security_token is not None:
                why = f"{keys.source}: it still gives a token that Aliyun refuses"
                keys = None
        if keys is None:
            self._failures, self._why = self._failures + 1, why
            wait_s = next_try_s(self._failures)
            self._next_at = now + wait_s
            tell(KeysNotRenewed(detail=why, left_s=self._left_s()))
            return wait_s
        if self._keys is not None and self._keys == self._refused:
            # These came because of a refusal. Lasting keys can be the same: then nothing but the refusal counts.
            self._refused, self._believed_until = None, now + _BELIEVED_S
        self._keys, self._failures, self._why, self._next_at = keys, 0, "", 0.0
        return next_renewal_s(keys, self._clock())

    def _left_s(self) -> float | None:
        """Seconds for which the present keys can still be used, where that is known."""
        if self._keys is None or self._keys.expires_at is None:
            return None
        return max(0.0, round(self._keys.expires_at - self._clock(), 1))


def _renew(of: weakref.ref[Renewed], wake: threading.Event) -> None:
    while (each := of()) is not None:
        wait_s = each._round()  # noqa: SLF001  its own thread
        del each
        wake.wait(wait_s)

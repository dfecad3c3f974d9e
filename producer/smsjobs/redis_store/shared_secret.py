"""A secret that all processes of an installation share, made by the first that needs it.

It is kept in Redis, sealed where ``SMS_PAYLOAD_KEY`` is set. Without that, it lies there as it is: whoever has a copy of
Redis has the secret too.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from redis.exceptions import ResponseError

from smsjobs.redis_store.failures import is_wrong_type
from smsjobs.redis_store.seal import CannotOpen, unseal

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.redis_store.seal import Seal

__all__ = ["BELIEVED_S", "OneAsks", "SecretDamaged", "SharedSecret"]

#: Bytes of a secret.
_LENGTH: Final = 32

#: Seconds for which a process believes what it knows. So whoever makes the secret knows when all others have it.
BELIEVED_S: Final = 0.25


class SecretDamaged(CannotOpen):
    """What lies in the secret's place is not a secret: nobody can read it, whatever his key."""


class OneAsks:
    """Lets one thread of many ask again what they all believe for `BELIEVED_S`, before that time is over.

    Else all threads of a busy worker would find at the same moment that it is over, and each would ask.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def due(self, read_at: float) -> Iterator[bool]:
        """Tell whether to ask in this block.

        Args:
            read_at: The monotonic time of what is known.
        """
        age_s = time.monotonic() - read_at
        alone = age_s >= BELIEVED_S / 2 and self._lock.acquire(blocking=False)
        try:
            # Where one asks for too long, or never came back from a fork, the others ask for themselves.
            yield alone or age_s >= BELIEVED_S
        finally:
            if alone:
                self._lock.release()


class SharedSecret:
    """One secret. Threads may share it.

    Args:
        redis: The ledger's client.
        name: Its key in Redis.
        seal: Seals it; None leaves it readable.
    """

    def __init__(
        self, redis: Redis, name: str, *, seal: Seal | None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._redis = redis
        self._name = name
        self._seal = seal
        self._sleep = sleep
        #: When it was read, what was found, and the secret in it. Replaced as a whole.
        self._known: tuple[float, str | None, bytes | None] = (-BELIEVED_S, None, None)
        self._asking = OneAsks()

    def __repr__(self) -> str:
        return "<SharedSecret>"

    def read(self) -> bytes | None:
        """The secret, or None if nobody has made it. What this process knows is at most a quarter of a second old.

        Raises:
            CannotOpen: It is sealed with a key that this process does not have.
            SecretDamaged: It is damaged.
        """
        read_at, _, secret = self._known
        with self._asking.due(read_at) as due:
            return self._read_again() if due else secret

    def _read_again(self) -> bytes | None:
        asked_at = time.monotonic()
        _, text, secret = self._known
        try:
            found = cast("str | None", self._redis.get(self._name))
            if found != text:
                secret = None if found is None else self._open(found)
        except CannotOpen:
            raise CannotOpen(
                f"{self._name} in Redis is sealed with an SMS_PAYLOAD_KEY that is not here",
                reason="job_unreadable",
            ) from None
        except ValueError:  # not text, or not such a number
            raise self._damaged() from None
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            raise self._damaged() from None
        self._known = (asked_at, found, secret)
        return secret

    def make(self, *, wait: bool = True) -> bytes:
        """The secret, made if nobody has made it.

        Args:
            wait: If this call makes it, return only when every process knows it. That takes a quarter of a second, once in
                the life of an installation.

        Raises:
            CannotOpen: As in `read`.
        """
        secret = self.read()
        if secret is not None:
            return secret
        new = secrets.token_hex(_LENGTH)
        made = self._redis.set(self._name, self._seal.close(new) if self._seal else new, nx=True)
        self._known = (-BELIEVED_S, None, None)
        if made and wait:
            self._sleep(BELIEVED_S)
        return self.read() or bytes.fromhex(new)

    def _damaged(self) -> SecretDamaged:
        return SecretDamaged(f"the secret {self._name} in Redis is damaged", reason="job_unreadable")

    def _open(self, found: str) -> bytes:
        """What is in it. It is sealed anew if its key is not the first any more, so that an old key can go."""
        secret = unseal(found, self._seal)
        if len(opened := bytes.fromhex(secret)) != _LENGTH:
            raise ValueError
        if self._seal and not self._seal.is_current(found):
            self._redis.set(self._name, self._seal.close(secret), xx=True)
        return opened

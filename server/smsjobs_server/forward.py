"""Passes on what this environment does not know, because an account has one address for all its environments.

What is to be passed on is in Redis before Aliyun gets its answer, so it outlives this process. It is marked, so that nobody
passes it on again, and signed, so that the other side knows from whom it comes.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from standardwebhooks import Webhook, WebhookVerificationError

from smsjobs.contract import event_id
from smsjobs.events import Hook, Item, Outbox
from smsjobs.facts import HandOverFailed, ItemsDropped, tell
from smsjobs.receipts import PASSED_ON

if TYPE_CHECKING:
    from smsjobs import Sms

__all__ = ["Forwarder", "is_signed"]

#: Pushes that are taken at once, and seconds for which nobody else takes them. Each has ten seconds.
_BATCH: Final = 5
_LEASE_S: Final = 60.0

#: How many pushes wait for one environment. What comes after them is dropped, and comes by a pull there.
_MOST_WAITING: Final = 1_000

#: Seconds between two looks for what is to be tried again.
_LOOK_S: Final = 1.0


def is_signed(body: bytes, headers: Mapping[str, str], secret: str | None) -> bool | None:
    """Whether another environment that knows the secret has signed this push; None: nobody says so.

    Without a secret nobody can have, so it fails closed.
    """
    if "webhook-signature" not in headers:
        return None
    if secret is None:
        return False
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: not text, or not base64
        return False
    return True


class Forwarder:
    """Passes pushes on, in threads of its own.

    Args:
        sms: What `smsjobs.connect` gave.
        targets: The other environments by their names.
    """

    def __init__(self, sms: Sms, targets: Mapping[str, Hook]) -> None:
        connection = sms.connection
        self._routes = [
            _Route(Outbox(connection.redis(), f"forward:{name}", seal=connection.settings.seal), hook)
            for name, hook in targets.items()
        ]

    def pass_on(self, items: list[dict[str, Any]]) -> None:
        """Have items passed on to every other environment: each takes what it knows.

        Raises:
            redis.exceptions.RedisError: They are not written down.
        """
        # In ASCII, for what was pushed may hold half a character, which is nothing else.
        body = json.dumps([{**each, PASSED_ON: True} for each in items])
        # The same push again, after an answer that Aliyun did not get, has the same id.
        item = Item(id=event_id("push", body), body=body, what=f"push of {len(items)}", since_s=time.time())
        for route in self._routes:
            route.put(item)

    def start(self) -> None:
        """Begin."""
        for route in self._routes:
            route.start()

    def stop(self) -> None:
        """End. What waits is passed on by the next one."""
        for route in self._routes:
            route.stop()


class _Route:
    """The way to one environment."""

    def __init__(self, outbox: Outbox, hook: Hook) -> None:
        self._outbox = outbox
        self._hook = hook
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"smsjobs-{outbox.name}", daemon=True)
        self.start: Callable[[], None] = self._thread.start

    def put(self, item: Item) -> None:
        if self._outbox.waiting() >= _MOST_WAITING:
            tell(ItemsDropped(to=self._outbox.name, reason="too_many_waiting", items=1))
            return
        self._outbox.put(item)
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(self._hook.within_s + 1)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            try:
                self._pass_on()
            except Exception as error:  # noqa: BLE001  the thread must go on, whatever it was
                tell(HandOverFailed(to=self._outbox.name, error=type(error).__name__, tries=0))

    def _pass_on(self) -> None:
        while not (self._stopping or self._hook.is_resting):
            was_down = self._hook.is_down
            items = self._outbox.take(most=1 if was_down else _BATCH, lease_s=_LEASE_S)
            for item in items:
                error = self._hook.post(item.id, item.body.encode())
                self._outbox.tried(item, error, now_s=time.time())
            if not items:
                return
            if was_down and not self._hook.is_down:
                self._outbox.hurry()

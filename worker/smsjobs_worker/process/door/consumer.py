"""Celery's consumer with a door before it: the outermost frame around everything that Celery does with a message."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from celery.worker.consumer.consumer import Consumer
from kombu import compression

from smsjobs_worker.logs.facts import MessageDropped, MessageUnfit, tell
from smsjobs_worker.logs.privacy import describe
from smsjobs_worker.process.door.message import Admitted, Dropped, admit

__all__ = ["GuardedConsumer", "refuse_compressed"]

_logger = logging.getLogger(__name__)

#: AMQP's code by which managed RabbitMQ servers close the connection of a client that asks too much.
_NOT_ALLOWED: Final = 530

#: Seconds before it is asked again.
_PAUSE_S: Final = 1.0


class GuardedConsumer(Consumer):  # type: ignore[misc]  # celery ships no types
    """Hands Celery only messages that it can end, and ends every other one itself."""

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        # By mingle and gossip other processes on the broker tell this one which tasks are revoked, and more.
        closed = {"without_mingle": True, "without_gossip": True}
        self._handle: Callable[[Any], None] | None = None
        refuse_compressed()
        super().__init__(*args, worker_options={**(worker_options or {}), **closed}, **kwargs)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """What each message is handed to."""
        self._handle = super().create_task_handler(*args, **kwargs)
        return self._receive

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """The connection to the broker was lost. Celery makes a new one at once."""
        super().on_connection_error_after_connected(exc)
        if getattr(exc, "code", None) == _NOT_ALLOWED:
            # RabbitMQ throttles. Asked again at once, over and over, it would do so for longer.
            time.sleep(_PAUSE_S)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """A message whose body cannot be had, such as a compressed one."""
        del exc
        self._receive(message)

    def _receive(self, message: Any) -> None:
        try:
            admitted = admit(
                headers=message.headers,
                body=message.body,
                content_type=message.content_type,
                content_encoding=message.content_encoding,
                broken=bool(message.errors),
            )
            if isinstance(admitted, Dropped):
                tell(MessageDropped(reason=admitted.reason))
                self._drop(message)
                return
            if admitted.problem:
                tell(MessageUnfit(reason=admitted.problem))
            _rewrite(message, admitted)
            if self._handle is not None:
                self._handle(message)
        except Exception as error:
            # Where the connection to the broker is lost, Celery makes a new one. Kombu counts a KeyError to that.
            if isinstance(error, self.connection_errors) and not isinstance(error, LookupError):
                raise
            tell(MessageDropped(reason="unexpected", error=describe(error)))
            self._drop(message)

    def _drop(self, message: Any) -> None:
        if not message.acknowledged:
            message.ack_log_error(_logger, self.connection_errors)


def refuse_compressed() -> None:
    """Have this process unpack no message: kombu does so before anybody can look at it, and without a bound."""

    def refuse(_: Any) -> Any:
        raise ValueError("compressed")

    for content_type in compression.encoders():  # type: ignore[no-untyped-call]
        encoder, _ = compression.get_encoder(content_type)  # type: ignore[no-untyped-call]
        compression.register(encoder, refuse, content_type)  # type: ignore[no-untyped-call]


def _rewrite(message: Any, admitted: Admitted) -> None:
    """Leave nothing in the message but what was admitted. Callbacks, links, chords, stamps and limits are gone with it."""
    message.headers = {
        "lang": "py",
        "task": admitted.task,
        "id": admitted.id,
        # What Celery shows of the arguments, in its log, its events and `celery inspect`.
        "argsrepr": "…",
        "kwargsrepr": "…",
    }
    message.properties = {}
    # As Celery's threads read it: its own reader of JSON makes other types of texts that are marked for it.
    arguments = [admitted.text, admitted.expires, admitted.eta, admitted.problem, admitted.traceparent]
    body = [arguments, {}, {}]
    message.body = json.dumps(body)
    message.content_type, message.content_encoding = "application/json", "utf-8"
    message.errors = []
    message._decoded_cache = body  # noqa: SLF001  or Celery would read it twice

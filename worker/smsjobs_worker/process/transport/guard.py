"""Whether our transports may stand on the kombu that is installed: they lean on names that are not its interface."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import kombu

from smsjobs.known_kombu import is_known
from smsjobs_worker.logs.facts import TransportPlain, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Choice", "choose", "harden", "tell_choice"]

#: Ours, or kombu's own (SMS_TRANSPORT).
Choice = Literal["own", "plain"]


def choose(wanted: Choice, version: str = kombu.__version__) -> Choice:
    """The transport that a worker gets.

    Args:
        wanted: What the settings say.
        version: That of kombu.
    """
    return "own" if wanted == "own" and is_known(version) else "plain"


def tell_choice(wanted: Choice, version: str = kombu.__version__) -> None:
    """Say why messages come by kombu's own transport, if they do."""
    if choose(wanted, version) == "plain":
        reason = "SMS_TRANSPORT" if wanted == "plain" else "unknown_kombu"
        tell(TransportPlain(reason=reason, kombu=version))


def harden(connection: Any, choice: Choice = "own") -> Any:
    """The connection, tried every second and not ever more rarely; with our transport if that is the choice.

    Args:
        connection: One of kombu's, to a Redis or to RabbitMQ; any other keeps its own transport.
        choice: With kombu's own, a message costs more round trips, and a text that is no message ends the worker.
    """
    connection.ensure_connection = partial(connection.ensure_connection, interval_start=1, interval_step=0)
    if choice == "own" and (ours := _transports().get(connection.transport_cls)):
        # Not as `transport_cls`, which stands in log lines.
        connection.get_transport_cls = lambda: ours
    return connection


def _transports() -> Mapping[str, Any]:
    # Only here: with an unknown kombu, what they are made from may be gone.
    from smsjobs_worker.process.transport.channel import TRANSPORTS  # noqa: PLC0415

    return TRANSPORTS

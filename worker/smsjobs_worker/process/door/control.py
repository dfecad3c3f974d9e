"""Commands by broadcast (`celery inspect`, `celery control`): an allow-list. Whoever may write to the broker may send them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from celery.app.control import Control
from celery.app.control import Mailbox as CeleryMailbox
from celery.worker.control import Panel
from kombu.pidbox import Node

from smsjobs_worker.logs.facts import CommandRefused, tell
from smsjobs_worker.logs.privacy import describe

__all__ = ["GuardedControl"]

#: Commands that read, and change nothing. Others read settings, write files, or take minutes.
_READING: Final = ("ping", "active", "reserved", "scheduled", "query_task", "active_queues", "clock")

#: Older names of commands.
_OLDER: Final[Mapping[str, str]] = {
    "dump_active": "active",
    "dump_reserved": "reserved",
    "dump_schedule": "scheduled",
    "dump_tasks": "registered",
}

_BY_THE_LEDGER: Final = "jobs are not revoked: a message is only a nudge, and the job would be sent all the same. What ends a job is the ledger"
_BY_SETTINGS: Final = "workers are changed by their settings and their command line, not by broadcast"

#: Why a command is refused.
_REASONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("revoke", "revoke_by_stamped_headers", "terminate"), _BY_THE_LEDGER),
    "rate_limit": "limits are an element's: set maxQps in its sms.json",
    "shutdown": "stop a worker by SIGTERM, or set SMS_REMOTE_SHUTDOWN=1 where it starts",
}


class _GuardedNode(Node):
    """Carries out the commands that are allowed. What it is told of others' clocks and revoked tasks is not believed."""

    state: Any = None
    channel: Any = None

    def handle_message(self, body: Any, message: Any = None) -> Any:
        """Carry out one broadcast, if it is for this worker."""
        del message
        try:
            match body:
                case {"pattern": str()}:
                    return self._refuse("pattern")  # a regular expression can take for ever
                case {"destination": list() as names} if self.hostname not in names:
                    return None
                case {"method": str() as method}:
                    return self._carry_out(method, body.get("arguments"), body)
            return self._refuse("unreadable")
        except Exception as error:
            # A broken channel is Celery's to make anew.
            if isinstance(error, self._lost()):
                raise
            tell(CommandRefused(command="unreadable", error=describe(error)))
            return None

    dispatch_from_message = handle_message

    def _carry_out(self, method: str, arguments: Any, body: Mapping[str, Any]) -> Any:
        reply = self._answer(method, arguments if isinstance(arguments, dict) else {})
        match body:
            case {"reply_to": {"exchange": str() as exchange, "routing_key": str() as key}}:
                self.reply(
                    {self.hostname: reply}, exchange=exchange, routing_key=key, ticket=body.get("ticket")
                )  # type: ignore[no-untyped-call]
        return reply

    def _answer(self, method: str, arguments: dict[str, Any]) -> Any:
        name = _OLDER.get(method, method)
        try:
            if name in _READING:
                return Panel.data[name](self.state, **arguments)
            if name in _OWN:
                return _OWN[name](self)
        except Exception as error:  # noqa: BLE001  such as an argument that the command has not
            tell(CommandRefused(command=name, error=describe(error)))
            return {"error": "the command does not take these arguments"}
        return self._refuse(method)

    def _refuse(self, method: str) -> dict[str, str]:
        # A name that Celery does not have is a text of the sender's.
        tell(
            CommandRefused(command=method if method in (*Panel.data, "pattern", "unreadable") else "unknown")
        )
        return {"error": _REASONS.get(method, _BY_SETTINGS)}

    def _lost(self) -> tuple[type[BaseException], ...]:
        client = self.channel.connection.client
        errors: tuple[type[BaseException], ...] = (*client.connection_errors, *client.channel_errors)
        return tuple(each for each in errors if not issubclass(each, LookupError))


def _hello(node: _GuardedNode) -> dict[str, Any]:
    """What another application's worker asks when it starts. Nothing is revoked here."""
    return {"revoked": [], "clock": node.state.app.clock.forward()}


def _registered(node: _GuardedNode) -> list[str]:
    return sorted(node.state.app.tasks)


def _stats(node: _GuardedNode) -> dict[str, Any]:
    # Without what Celery tells of the broker: its options may hold a password.
    told: dict[str, Any] = node.state.consumer.controller.stats()
    return {name: each for name, each in told.items() if name != "broker"}


def _shutdown(node: _GuardedNode) -> dict[str, str]:
    if not node.state.app.settings.remote_shutdown:
        return node._refuse("shutdown")  # noqa: SLF001
    Panel.data["shutdown"](node.state)
    raise AssertionError  # it has raised SystemExit


#: Commands that Celery's own function would carry out by more than is allowed.
_OWN: Final[Mapping[str, Callable[[_GuardedNode], Any]]] = {
    "hello": _hello,
    "registered": _registered,
    "stats": _stats,
    "shutdown": _shutdown,
}


class _GuardedMailbox(CeleryMailbox):  # type: ignore[misc]
    node_cls = _GuardedNode


class GuardedControl(Control):  # type: ignore[misc]
    """Celery's remote control, whose workers carry out what is allowed."""

    Mailbox = _GuardedMailbox

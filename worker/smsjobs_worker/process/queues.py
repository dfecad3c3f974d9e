"""What ``smsjobs serve --queues`` does, in a process of its own: it reads the queues of receipts.

It ends with 0 when it is told to, and with 2 where a setting is wrong.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final, NoReturn

from smsjobs.contract import InvalidArguments
from smsjobs.delivery import DeliveryStore
from smsjobs.events import EventStreams
from smsjobs.incoming import Incoming, read_push, tell_unreadable
from smsjobs.ledger import Ledger
from smsjobs.log_formats import FactsFormatter, JsonFormatter, LogFormat
from smsjobs.redis_store import connect_redis
from smsjobs.replies import LastJobs
from smsjobs.settings import SettingsError
from smsjobs.suppression import Feeding, SuppressedNumbers
from smsjobs_worker.elements import App
from smsjobs_worker.following.queues import Follower, find_queues
from smsjobs_worker.process.refusal import refuse_to_start
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.sending.providers import Providers

if TYPE_CHECKING:
    from smsjobs.settings import ConnectionSettings

__all__ = ["main"]

#: Seconds for one answer of Redis.
_REDIS_S: Final = 3.0


def main(
    argv: Sequence[str] | None = None,
    *,
    watched: Callable[[WorkerSettings], AbstractContextManager[Any]] = nullcontext,
) -> int:
    """Read the queues until SIGINT or SIGTERM, and give the exit status.

    Args:
        argv: The words of its command line.
        watched: What goes on beside it.
    """
    parser = argparse.ArgumentParser(prog="python -m smsjobs_worker.watching.queues", description=__doc__)
    parser.add_argument("--json", action="store_true", help="write what is read as one JSON document")
    arguments = parser.parse_args(argv)
    try:
        settings = WorkerSettings.read()
        followers = _followers(settings)
    except (SettingsError, InvalidArguments) as error:
        _refuse(error, as_json=arguments.json)
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    with watched(settings):
        _say(sorted(followers), as_json=arguments.json)
        for each in followers.values():
            each.start()
        ending.wait()
        for each in followers.values():
            each.stop()
    return 0


def _followers(settings: WorkerSettings) -> dict[str, Follower]:
    """A follower of each queue, by its name.

    Raises:
        SettingsError: No element has queues.
        InvalidArguments: The app, or an element of it, cannot load.
    """
    _set_up_log(settings.log)
    app = App(settings.app_dir)
    queues = find_queues(Providers(app), [each.fullName for each in app.elements()])
    if not queues:
        raise SettingsError(
            f'no element under {app.path / "SMS"} has "receipts": "queue" in its sms.json: add it, or leave --queues out'
        )
    incoming = _incoming(settings.connection)

    def take(bodies: Sequence[bytes]) -> None:
        read = read_push(*bodies, source="queue")
        tell_unreadable(read)
        incoming.take(read)

    return {name: Follower(name, open_queue, take) for name, open_queue in queues.items()}


def _incoming(connection: ConnectionSettings) -> Incoming:
    ledger = Ledger(
        connect_redis(connection.redis_url, timeout_s=_REDIS_S, replicas=connection.replicas),
        retention_s=connection.retention_s,
        retryable_s=connection.retryable_s,
        seal=connection.seal,
    )
    return Incoming(
        deliveries=DeliveryStore(ledger),
        feeding=Feeding(
            numbers=SuppressedNumbers(ledger.redis, seal=connection.seal),
            refused_scope=connection.suppress_refused,
        ),
        noted_jobs=LastJobs(ledger.redis, seal=connection.seal),
        events=EventStreams(ledger.redis, seal=connection.seal),
        opt_out_words=connection.opt_out_words,
    )


def _set_up_log(log: LogFormat) -> None:
    """Write what happens to standard error, from INFO on for our own facts, from WARNING on for others."""
    handler = logging.StreamHandler()
    lines = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(JsonFormatter() if log == "json" else FactsFormatter(lines))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("smsjobs").setLevel(logging.INFO)


def _refuse(error: SettingsError | InvalidArguments, *, as_json: bool) -> NoReturn:
    told: dict[str, object] = {"reason": "bad_setting", "message": str(error)}
    if isinstance(error, InvalidArguments):
        told = error.to_json()
    if as_json:
        sys.stdout.write(json.dumps({"error": told}, indent=2) + "\n")
    refuse_to_start(str(told["message"]))


def _say(names: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        text = json.dumps({"queues": list(names), "pid": os.getpid()}, indent=2)
    else:
        text = "\n".join(["Reading these queues. Ctrl-C ends it.", *(f"  {each}" for each in names)])
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

"""Which lanes have a worker now. The shell and the worker's doctor share it.

It asks the workers over Celery's remote control. Redis itself does not know: it keeps the queue's binding of a worker
that is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kombu.connection import Connection
from kombu.pidbox import Mailbox

from smsjobs.addresses import BrokerAddress
from smsjobs.contract import LANES

__all__ = ["ask_workers", "start_a_worker", "workers_by_lane"]

#: Seconds of silence after which no further answer is expected. A worker answers within milliseconds.
_SILENCE_S: Final = 1.0


def workers_by_lane(broker_url: str) -> Mapping[str, int] | None:
    """How many workers read each lane's queue, by the lane's name.

    It takes a second. A worker that is stopped (SIGSTOP), or too busy to answer, is not counted.

    Returns:
        None where it is not known: the broker is unreachable, or of a kind without remote control.
    """
    answers = ask_workers(broker_url, "active_queues", silence_s=_SILENCE_S)
    if answers is None:
        return None
    # Workers of other programs on the same broker answer too; they read other queues.
    queues = Counter(name for answer in answers for name in _queues(answer))
    return {lane.name: queues[lane.queue] for lane in LANES.values()}


def _queues(answer: Any) -> Iterator[str]:
    """The queues of which one answer tells. Whoever can write to the broker can answer anything."""
    for queues in answer.values() if isinstance(answer, dict) else ():
        for queue in queues if isinstance(queues, list) else ():
            if isinstance(queue, dict) and isinstance(name := queue.get("name"), str):
                yield name


def ask_workers(
    broker_url: str, command: str, *, silence_s: float, limit: int | None = None
) -> list[dict[str, Any]] | None:
    """The answers of all workers to a command of Celery's remote control.

    Args:
        silence_s: Seconds of silence after which no further answer is expected.
        limit: How many answers are enough; None waits for the silence.

    Returns:
        None where the broker is unreachable, or of a kind without remote control.
    """
    # Not through a Celery app: it would read CELERY_BROKER_URL, which is somebody else's.
    mailbox = Mailbox("celery", type="fanout", accept=["json"])  # type: ignore[no-untyped-call]
    # By default, kombu tries for 6 seconds more when nobody answers.
    broker = BrokerAddress.read(broker_url).with_timeouts(answer_s=5, connect_s=5)
    arguments = broker.arguments()
    arguments["transport_options"] |= {"max_retries": 1, "interval_start": 0}
    try:
        with Connection(broker.url, connect_timeout=5, **arguments) as connection:  # type: ignore[no-untyped-call]
            answers: list[dict[str, Any]] = mailbox(connection).multi_call(
                command, timeout=silence_s, limit=limit
            )
    except Exception:  # noqa: BLE001  every transport raises its own classes
        return None
    return answers


def start_a_worker(lane: str) -> str:
    """The command that starts a worker for the lane."""
    return f"celery -A smsjobs_worker worker -Q {LANES[lane].queue} -l INFO"

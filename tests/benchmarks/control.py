"""Pause, a restart of everything, resume and cancel, with a million recipients in flight.

Prints figures and asserts nothing: ``python tests/benchmarks/control.py [--recipients 1000000]``. Every recipient has
a text of his own, so that there are a hundred to a request.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from campaign import PLANNER, print_figures, write_people

from aliyun_sms_simulator import SimulatorProcess
from smsjobs import connect
from smsjobs.campaign import Campaign
from support.polling import until
from support.redis_server import RedisServer
from support.worker import WorkerProcess, write_element

#: What the simulator is told: it counts what it accepts, and keeps none of it.
SETTINGS = [
    each for one in ("latency_ms=100", "record_limit=100", "request_limit=0") for each in ("--set", one)
]
PER_REQUEST = 100


def main() -> None:
    """One campaign, stopped at a fifth, torn down, gone on with, and cancelled at two fifths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    count = parser.parse_args().recipients
    with (
        tempfile.TemporaryDirectory(prefix="control-") as directory,
        SimulatorProcess(SETTINGS) as simulator,
        RedisServer() as server,
    ):
        write_element(Path(directory), "Bench", simulator.url)
        people = Path(directory) / "people.csv"
        write_people(people, count, personal=True)
        workers = [
            WorkerProcess(server.url, Path(directory), lanes=("bulk",), options=("-c", "32", "-l", "WARNING"))
            for _ in range(2)
        ]
        try:
            for each in workers:
                each.start(wait=False)
            command = [sys.executable, "-c", PLANNER, server.url, str(people), "control"]
            planned = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
            campaign = connect(broker_url=server.url).campaign(planned["id"])
            figures = run(campaign, count, server, workers)
        finally:
            for each in workers:
                each.stop()
        requests = simulator.accepted_counts()
        figures |= {
            "recipients of accepted requests": sum(requests.values()) * PER_REQUEST,
            "requests accepted more than once": sum(times > 1 for times in requests.values()),
        }
    print_figures("control", figures)


def run(
    campaign: Campaign, count: int, server: RedisServer, workers: list[WorkerProcess]
) -> dict[str, float]:
    """The campaign's life; figures by name."""
    reached(campaign, count // 5)
    pause_ms = timed_ms(campaign.pause)
    at_pause = campaign.progress().accepted
    time.sleep(3)  # longer than any request that was under way
    rested = campaign.progress()
    for each in workers:
        each.kill()
    server.restart()
    for each in workers:
        each.start(wait=False)
    time.sleep(5)  # long enough for a worker to start and to send, if it would
    restarted = campaign.progress()
    campaign.resume()
    reached(campaign, 2 * count // 5)
    cancel_ms = timed_ms(campaign.cancel)
    ended = campaign.wait(timeout=120)
    return {
        "pause, ms": pause_ms,
        "recipients whose requests ended after it": rested.accepted - at_pause,
        "sent while paused, restarts included": restarted.accepted - rested.accepted,
        "cancel, ms": cancel_ms,
        "accepted": ended.accepted,
        "not sent": ended.not_sent,
        "unknown": ended.unknown,
        "rejected": ended.rejected,
        "recipients without an outcome": count - ended.settled,
    }


def reached(campaign: Campaign, accepted: int) -> None:
    """Wait until so many are accepted."""
    until(lambda: campaign.progress().accepted >= accepted, f"{accepted} are accepted", timeout=300)


def timed_ms(call: Callable[[], None]) -> float:
    """How long that takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()

"""A stage for each module, and a web application in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aliyun_sms_simulator import Simulator
from support.redis_server import RedisServer
from support.stage import Stage
from support.worker import WorkerProcess

Order = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """One for the whole run."""
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def stage(redis_server: RedisServer, simulator: Simulator) -> Iterator[Stage]:
    """The module's Redis, emptied, its simulator and an app with an element of the name SMS.Example."""
    with Stage(redis_server, simulator) as stage:
        stage.write()
        yield stage


@pytest.fixture
def own(simulator: Simulator) -> Iterator[Stage]:
    """A stage with a Redis of its own, to be harmed, or to have workers of the test's own."""
    with Stage(simulator=simulator) as stage:
        stage.write()
        yield stage


@pytest.fixture(scope="module")
def worker(stage: Stage) -> Iterator[WorkerProcess]:
    """One real worker for the tests of a module."""
    with stage.worker() as worker:
        yield worker


@pytest.fixture(scope="module")
def order(stage: Stage) -> Iterator[Order]:
    """Gives an order to a web application in another process, and what became of it."""
    program = Path(__file__).parents[1] / "support" / "web_app.py"
    with subprocess.Popen(
        [sys.executable, str(program)],
        env={**os.environ, "SMS_BROKER_URL": stage.server.url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def give(**arguments: Any) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(arguments) + "\n")
            process.stdin.flush()
            answer: dict[str, Any] = json.loads(process.stdout.readline())
            return answer

        yield give

"""What all tests share: a Redis server of their own, on a free port; and how they are shared out among processes."""

import os
import signal
from collections.abc import Iterator

import pytest

from aliyun_sms_simulator import SimulatorProcess
from support.redis_server import RedisServer, use_redis_server

# Started in the background of a script, a process ignores SIGINT, and so would everything that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

_program = use_redis_server()

# Else workers would ask the simulator about every template that a test uses.
os.environ.setdefault("SMS_PREFLIGHT", "off")


def pytest_report_header() -> str:
    """Which Redis the tests run on."""
    return f"redis-server: {_program}"


def pytest_xdist_auto_num_workers() -> int:
    """Two processes a core for `-n auto`: most of the longer tests wait for other processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 2 * cores


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One server for each process that runs tests; a test that harms it restarts it or starts its own."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[SimulatorProcess]:
    """One simulator in a process of its own for each process that runs tests; each stage on it begins with a reset."""
    with SimulatorProcess(["--set", "request_limit=50000"]) as simulator:
        yield simulator


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty Redis."""
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url

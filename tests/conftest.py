"""What all tests share: a Redis server of their own, on a free port; and how they are shared out among processes."""

import os
import signal
from collections.abc import Iterator

import pytest

from aliyun_sms_simulator import SimulatorProcess
from smsjobs.facts import fact, lines
from support.redis_server import RedisServer, use_redis_server

# Started in the background of a script, a process ignores SIGINT, and so would everything that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

_program = use_redis_server()

# Else workers would ask the simulator about every template that a test uses.
os.environ.setdefault("SMS_PREFLIGHT", "off")


def pytest_report_header() -> str:
    """Which Redis the tests run on."""
    return f"redis-server: {_program}"


#: What mostly waits for other processes. The rest computes.
_WAITING = tuple(f"tests/{room}/" for room in ("faults", "hostile", "acceptance", "pages", "packaging"))

#: What takes minutes. Begun last, it would be waited for alone.
_LONGEST = ("tests/acceptance/test_shell.py", "tests/pages/operating/test_operator.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mix files that wait and files that compute, so that neither is left alone with the cores in the end.

    Where several processes share the files out, each begins with the first that nobody has.
    """
    files: dict[str, list[pytest.Item]] = {}
    for each in items:
        files.setdefault(each.nodeid.partition("::")[0], []).append(each)
    waiting, computing = [], []
    for name, each in files.items():
        (waiting if name.startswith(_WAITING) else computing).append(each)
    kinds = [kind for kind in (waiting, computing) if kind]
    # The place of each is how much of its kind is before it.
    mixed = sorted(
        (at / len(kind), number, at) for number, kind in enumerate(kinds) for at in range(len(kind))
    )
    items[:] = [item for _, number, at in mixed for item in kinds[number][at]]
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


def pytest_xdist_auto_num_workers() -> int:
    """Two processes a core for `-n auto`: most of the longer tests wait for other processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 2 * cores


@pytest.fixture(autouse=True)
def _nothing_told_yet() -> None:
    """A trouble that repeats within a minute is counted and not logged again, also where another test had it first."""
    for each in fact._subscribers:
        told = getattr(each, "__self__", None)
        if isinstance(told, lines.LogLines):
            told._troubles.clear()


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

"""What `demo` starts: a private Redis, a simulated Aliyun and a worker, with nothing left of them afterwards."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from smsjobs.contract import LANES
from smsjobs.embedded import TemporaryRedis
from smsjobs_shell.sandbox.children import Children
from smsjobs_shell.sandbox.stage import (
    ACCOUNT,
    Simulator,
    hold_redis,
    start_simulator,
    start_worker,
    wait_for_simulator,
    wait_for_workers,
    worker_environment,
    write_element,
)
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.signals import ending_in_order, held_back

__all__ = ["DemoSystem", "demo_system"]

#: The templates that the simulated Aliyun knows. It refuses every other one.
_CATALOGUE: Final = {
    "templates": [
        {"code": "SMS_100000001", "content": "您的验证码是${code},5分钟内有效。", "kind": "verification"},
        {"code": "SMS_100000002", "content": "${name}您好,今晚22点至24点进行${event},敬请谅解。"},
    ]
}


@dataclass(frozen=True, kw_only=True)
class DemoSystem:
    """What runs."""

    redis_url: str = field(repr=False)
    simulator: Simulator
    #: The worker of smsjobs, and whatever else was started.
    workers: Children

    def tail(self) -> str:
        """The end of the workers' logs."""
        return "\n\n".join(each.tail() for each in self.workers)


@contextmanager
def demo_system(
    screen: Screen, starting: str, start_more: Callable[[DemoSystem], object] | None = None
) -> Iterator[DemoSystem]:
    """Redis, the simulator and the workers, ready for messages until the ``with`` block ends.

    Args:
        screen: Shows what is started.
        starting: What is started, as a text.
        start_more: Starts further workers.
    """
    with ending_in_order(), ExitStack() as stack:
        with held_back():
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smsjobs-demo-")))
        servers = stack.enter_context(Children(directory, grace_s=3))
        with screen.working(starting):
            redis_url, simulator = _put_up(stack, servers, directory)
            workers = stack.enter_context(Children(directory, grace_s=3))
            system = DemoSystem(redis_url=redis_url, simulator=simulator, workers=workers)
            queues = [each.queue for each in LANES.values()]
            env = worker_environment(redis_url=redis_url, app=directory / "app")
            start_worker(workers, "demo", queues, env)
            if start_more is not None:
                start_more(system)
            wait_for_workers(workers, redis_url)
        yield system


def _put_up(stack: ExitStack, servers: Children, directory: Path) -> tuple[str, Simulator]:
    catalogue, ready_file = directory / "catalogue.json", directory / "simulator.json"
    catalogue.write_text(json.dumps(_CATALOGUE), encoding="utf-8")
    start_simulator(
        servers, ready_file, ["--port", "0", "--control-port", "0", "--catalogue", str(catalogue)]
    )
    redis_url = hold_redis(stack, TemporaryRedis)
    simulator = wait_for_simulator(servers, ready_file)
    account: dict[str, Any] = {**ACCOUNT, "endpoint": simulator.url}
    write_element(directory / "app", "SMS.Demo", "演示短信", account)
    closed = {"endpoint": f"http://127.0.0.1:{_closed_port(stack)}", "connectTimeoutMs": 500}
    write_element(directory / "app", "SMS.Unreachable", "连不上的短信", account | closed)
    return redis_url, simulator


def _closed_port(stack: ExitStack) -> int:
    """A port that refuses connections: it is bound, so that nobody else takes it, and nobody listens."""
    holder = stack.enter_context(socket.socket())
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    return port

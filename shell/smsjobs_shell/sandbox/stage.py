"""The parts that `demo` and `dev` start: an embedded Redis, the simulator, an app with elements, and workers."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from smsjobs.embedded import EmbeddedRedis
from smsjobs.presence import ask_workers
from smsjobs_shell.sandbox.children import Child, Children
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.signals import held_back

__all__ = [
    "ACCOUNT",
    "QUICK",
    "Inbox",
    "Simulator",
    "hold_redis",
    "start_inbox",
    "start_simulator",
    "start_worker",
    "wait_for_inbox",
    "wait_for_simulator",
    "wait_for_workers",
    "worker_environment",
    "write_element",
]

#: An account of the simulator, which takes any; without its endpoint.
ACCOUNT: Final = {
    "accessKey": "demo_access_key",
    "accessSecret": "demo_access_secret",
    "verifySign": "示例公司",
}

#: Seconds that a part may take to be ready. A worker imports Aliyun's SDK, which is large.
READY_S: Final = 60.0

#: Options of a worker. On one machine workers have nothing to tell each other, and waiting for each other costs a second.
QUICK: Final = ("--without-mingle", "--without-gossip")

# The environment's proxy must not be asked for localhost.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """The addresses of the simulator."""

    #: The value of ``endpoint`` in ``sms.json``.
    url: str
    #: The URL of its control API.
    control_url: str

    def accepted(self, *, after: int = 0) -> list[dict[str, Any]]:
        """The requests that it accepted, oldest first, without the first `after` ones."""
        return self._items(f"accepted?offset={after}")

    def received(self) -> list[dict[str, Any]]:
        """The requests that reached it, oldest first."""
        return self._items("requests")

    def lose_answers(self) -> None:
        """Accept each message from now on, and close the connection without an answer."""
        fault = json.dumps({"kind": "close_after", "times": None}).encode()
        with _OPENER.open(f"{self.control_url}/faults", data=fault, timeout=5):
            pass

    def _items(self, path: str) -> list[dict[str, Any]]:
        with _OPENER.open(f"{self.control_url}/{path}", timeout=5) as answer:
            items: list[dict[str, Any]] = json.load(answer)["items"]
        return items


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """Where the inbox is."""

    port: int
    #: The secret part of the address for receipts.
    secret: str = field(repr=False)

    @property
    def url(self) -> str:
        """The address of its root."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def receipts_url(self) -> str:
        """Where the simulator pushes receipts and replies."""
        return f"{self.url}/receipts/{self.secret}"


def hold_redis(stack: ExitStack, make: Callable[[], EmbeddedRedis]) -> str:
    """Start the server, or join it, until the stack ends. It gives the server's URL."""
    with held_back():  # a new server may make its directory
        redis = make()
        stack.callback(redis.stop)
        redis.start()
    return redis.url


def start_simulator(children: Children, ready_file: Path, arguments: Sequence[str]) -> Child:
    """Start the simulator, which writes its addresses into `ready_file`."""
    ready_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "aliyun_sms_simulator", "--ready-file", str(ready_file), *arguments]
    return children.start("simulator", command, os.environ)


def wait_for_simulator(children: Children, ready_file: Path) -> Simulator:
    """Wait until the simulator has written its addresses, and give them.

    Raises:
        CommandFailed: It ended, or took too long.
    """

    def told() -> Simulator | None:
        if not ready_file.exists():
            return None
        where = json.loads(ready_file.read_text(encoding="utf-8"))
        return Simulator(url=where["url"], control_url=where["control_url"])

    return children.wait_until(tr("starting the simulator"), told, within_s=READY_S)


def start_inbox(
    children: Children, *, port: int, simulator_file: Path, redis_url: str, price: float
) -> Inbox:
    """Start the inbox. It answers a moment later.

    Args:
        children: Gets its process.
        port: Its port; 0 takes a free one.
        simulator_file: Where the simulator writes its addresses, now or later.
        redis_url: Of the ledger.
        price: Of a part, in yuan.

    Raises:
        OSError: The port cannot be used.
    """
    simulator_file.unlink(missing_ok=True)
    secret = secrets.token_urlsafe(24)
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("SMS_REDIS_URL", "SMS_RESULT_BACKEND")
    }
    # Taken here, so that the simulator can be told where receipts go while the inbox still starts.
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        words = ("--socket", taken.fileno(), "--simulator-file", simulator_file, "--price", price)
        children.start(
            "inbox",
            [sys.executable, "-m", "smsjobs_server.inbox", *map(str, words)],
            kept | {"SMS_BROKER_URL": redis_url, "SMS_RECEIPT_SECRET": secret},
            sockets=[taken.fileno()],
        )
        return Inbox(port=taken.getsockname()[1], secret=secret)


def wait_for_inbox(children: Children, inbox: Inbox) -> None:
    """Wait until the inbox answers.

    Raises:
        CommandFailed: It ended, or took too long.
    """

    def answers() -> bool | None:
        try:
            socket.create_connection(("127.0.0.1", inbox.port), timeout=1).close()
        except OSError:
            return None
        return True

    children.wait_until(tr("starting the inbox"), answers, within_s=READY_S)


def worker_environment(*, redis_url: str, app: Path, **more: str) -> dict[str, str]:
    """The environment of a worker: ours, but with this Redis for everything, and this app."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("SMS_REDIS_URL", "SMS_RESULT_BACKEND") and not name.startswith("CELERY_")
    }
    return kept | {"SMS_BROKER_URL": redis_url, "SMS_APP": str(app)} | more


def start_worker(children: Children, name: str, queues: Sequence[str], env: Mapping[str, str]) -> Child:
    """Start a worker process for those queues."""
    worker = (
        "-A",
        "smsjobs_worker",
        "worker",
        "-Q",
        ",".join(queues),
        "-n",
        f"{name}@%h",
        "-l",
        "INFO",
        *QUICK,
    )
    return children.start(f"{name} worker", [sys.executable, "-m", "celery", *worker], env)


def wait_for_workers(children: Children, redis_url: str) -> None:
    """Wait until all these workers answer.

    Raises:
        CommandFailed: One ended, or took too long.
    """
    count = len(list(children))

    def answered() -> bool | None:
        answers = ask_workers(redis_url, "ping", silence_s=0.5, limit=count)
        return (answers is not None and len(answers) >= count) or None

    children.wait_until(tr("starting the workers"), answered, within_s=READY_S)


def write_element(app: Path, full_name: str, title: str, settings: Mapping[str, Any]) -> None:
    """Write an Instance of ``SMS.Aliyun`` into the app."""
    directory = app.joinpath(*full_name.split("."))
    directory.mkdir(parents=True, exist_ok=True)
    define = {"title": title, "type": "SMS.Aliyun", "backendBundleEntry": "."}
    for name, content in (("e.json", define), ("sms.json", settings)):
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (directory / name).write_text(f"{text}\n", encoding="utf-8")

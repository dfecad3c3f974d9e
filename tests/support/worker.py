"""A real worker process, with its log at hand."""

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from support.nursery import Forked, nursery

READY = " ready."

#: The product's app.
APP = "smsjobs_worker"

#: The same, with a hand on named points of a send.
PROBED = "support.probed_worker"

_TESTS = Path(__file__).parents[1]


class WorkerProcess:
    """`celery -A smsjobs_worker worker`, started from a test.

    Args:
        redis_url: Broker, result backend and ledger.
        app_dir: The directory that holds SMS/.
        app: The module of the Celery app: the product's own, or `PROBED`.
        lanes: The lanes whose queues it reads.
        options: More words for the command line.
        packages: Where another version of our packages is.
        **env: More settings, such as ``SMS_LEASE="2"``.
    """

    def __init__(
        self,
        redis_url: str,
        app_dir: Path,
        *,
        app: str = APP,
        lanes: tuple[str, ...] = ("verification", "notification", "bulk"),
        options: tuple[str, ...] = ("--concurrency", "8"),
        packages: Path | None = None,
        **env: str,
    ) -> None:
        self._log_file = tempfile.NamedTemporaryFile(prefix="worker-", suffix=".log")  # noqa: SIM115
        self._arguments = [
            *("-A", app, "worker", "--loglevel", "info"),
            *("--without-gossip", "--without-mingle", "-n", f"test-{os.urandom(4).hex()}@%h"),
            *("-Q", ",".join(f"sms.{each}" for each in lanes)),
            *options,
        ]
        self._env = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("SMS_", "CELERY_"))},
            "SMS_BROKER_URL": redis_url,
            "SMS_APP": str(app_dir),
            "PYTHONUNBUFFERED": "1",
            **({} if app == APP else {"PYTHONPATH": str(_TESTS)}),
            **({"PYTHONPATH": str(packages)} if packages else {}),
            **env,
        }
        self._packages = packages
        self.process: Forked | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._log_file.close()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self.process is not None
        return self.process.pid

    def start(self, *, wait: bool = True, timeout: float = 30, **env: str) -> None:
        """Start it, and wait until it reads its queues.

        Args:
            wait: Whether to wait.
            timeout: The longest wait, in seconds.
            **env: Settings for this start only.
        """
        assert self.process is None or self.process.poll() is not None, "it runs already"
        self._seen = seen = len(self.log())
        log = self._log_file.fileno()
        self.process = nursery(self._packages).start(
            "celery.__main__", self._arguments, env={**self._env, **env}, stdout=log, stderr=log
        )
        if wait:
            self.wait_for_log(READY, timeout=timeout, after=seen)

    def log(self) -> str:
        """All it has written."""
        return Path(self._log_file.name).read_text("utf-8", "replace")

    def wait_for_log(self, text: str, *, timeout: float = 30, after: int = 0) -> None:
        """Wait until the log has that text."""
        limit = time.monotonic() + timeout
        while text not in self.log()[after:]:
            assert self.process is not None
            assert self.process.poll() is None, f"the worker ended:\n{self.log()}"
            assert time.monotonic() < limit, f"no {text!r} in the worker's log:\n{self.log()}"
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker's process."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(10)

    @property
    def ready(self) -> bool:
        """Whether it runs and has said since its last start that it reads its queues."""
        return self.process is not None and self.process.poll() is None and READY in self.log()[self._seen :]

    def wait(self, timeout: float = 30) -> int:
        """Wait until it ends by itself; its exit status."""
        assert self.process is not None
        return self.process.wait(timeout)

    def stop(self, timeout: float = 30) -> None:
        """SIGTERM, and SIGKILL if that does not end it in time."""
        if self.process is None or self.process.poll() is not None:
            return
        os.kill(self.pid, signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()


def write_element(app_dir: Path, name: str, endpoint: str, kind: str = "SMS.Aliyun", **more: object) -> str:
    """Write an SMS element whose endpoint is a simulator's; returns its full name."""
    folder = app_dir / "SMS" / name
    folder.mkdir(parents=True, exist_ok=True)
    define = {"title": name, "type": kind, "backendBundleEntry": "."}
    account = {
        "accessKey": "your_access_key",
        "accessSecret": "your_access_secret",
        "verifySign": "your_signature",
        "endpoint": endpoint,
        **more,
    }
    (folder / "e.json").write_text(json.dumps(define), "utf-8")
    (folder / "sms.json").write_text(json.dumps(account), "utf-8")
    return f"SMS.{name}"

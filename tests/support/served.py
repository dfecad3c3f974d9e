"""`smsjobs serve` as a process, with a port or with queues."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Self

__all__ = ["SECRET", "QueueReader", "Served"]

SECRET = "a-secret-path-of-tests"


class _Serve:
    """The command, once it has told that it is ready."""

    def __init__(self, *arguments: str, **settings: str) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("SMS_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "smsjobs_shell", "serve", "--json", *arguments],
            env=env | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        text = ""
        while not text.endswith("}\n"):
            line = self.process.stdout.readline()
            assert line, self.process.communicate()
            text += line
        self.told = json.loads(text)

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Stop it. Gives the exit status and what it logged."""
        self.process.send_signal(how)
        _, log = self.process.communicate(timeout=20)
        return self.process.returncode, log


class QueueReader(_Serve):
    """A running reader of queues.

    Args:
        redis_url: Of its ledger.
        app_dir: Where the elements are.
        settings: Further variables of its environment.
    """

    def __init__(self, redis_url: str, app_dir: Path, **settings: str) -> None:
        super().__init__("--queues", SMS_BROKER_URL=redis_url, SMS_APP=str(app_dir), **settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)


class Served(_Serve):
    """A running server.

    Args:
        redis_url: Of its ledger.
        secret: The secret part of the path.
        arguments: Further words of the command.
        settings: Further variables of its environment.
    """

    def __init__(self, redis_url: str, secret: str | None = SECRET, *arguments: str, **settings: str) -> None:
        settings |= {"SMS_RECEIPT_SECRET": secret} if secret else {}
        super().__init__("--port", "0", *arguments, SMS_BROKER_URL=redis_url, **settings)
        self.host, _, port = self.told["url"].removeprefix("http://").rpartition(":")
        self.port = int(port)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """One request. It may come in the moment before the server listens."""
        end_s = time.monotonic() + 5
        while True:
            with closing(http.client.HTTPConnection(self.host, self.port, timeout=10)) as connection:
                try:
                    connection.request(method, path, body, headers)
                    answer = connection.getresponse()
                    return answer.status, answer.read()
                except ConnectionRefusedError:
                    assert time.monotonic() < end_s
                    time.sleep(0.05)

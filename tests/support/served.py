"""`smsjobs serve` as a process, with a port or with queues."""

import http.client
import json
import os
import signal
import socket
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

from support.nursery import nursery
from support.polling import until

__all__ = ["SECRET", "QueueReader", "Served"]

SECRET = "a-secret-path-of-tests"


class _Serve:
    """A command, once it has told that it is ready."""

    def __init__(self, module: str, *arguments: str, **settings: str) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("SMS_")}
        self._log = tempfile.NamedTemporaryFile(prefix="served-", suffix=".log")  # noqa: SIM115
        ours, its = os.pipe()
        self.process = nursery().start(
            module, arguments, env=env | settings, stdout=its, stderr=self._log.fileno()
        )
        os.close(its)
        self._told = os.fdopen(ours)
        text = ""
        while not text.endswith("}\n"):
            line = self._told.readline()
            assert line, self._logged()
            text += line
        self.told = json.loads(text)

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Stop it. Gives the exit status and what it logged."""
        self.process.send_signal(how)
        status = self.process.wait(30)
        self._told.close()
        return status, self._logged()

    def _logged(self) -> str:
        return Path(self._log.name).read_text("utf-8")


class QueueReader(_Serve):
    """A running reader of queues.

    Args:
        redis_url: Of its ledger.
        app_dir: Where the elements are.
        by_command: Whether `smsjobs serve --queues` becomes it, which then imports all that it needs.
        settings: Further variables of its environment.
    """

    def __init__(self, redis_url: str, app_dir: Path, *, by_command: bool = False, **settings: str) -> None:
        words = ("smsjobs_shell", "serve", "--queues") if by_command else ("smsjobs_worker.watching.queues",)
        super().__init__(*words, "--json", SMS_BROKER_URL=redis_url, SMS_APP=str(app_dir), **settings)

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
        words = ("serve", "--json", "--port", "0", *arguments)
        super().__init__("smsjobs_shell", *words, SMS_BROKER_URL=redis_url, **settings)
        self.host, _, port = self.told["url"].removeprefix("http://").rpartition(":")
        self.port = int(port)
        until(self._listens, "it listens")

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """One request."""
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=20)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def _listens(self) -> bool:
        """It tells where it will listen a moment before it does."""
        with suppress(ConnectionRefusedError), socket.create_connection((self.host, self.port), timeout=20):
            return True
        return False

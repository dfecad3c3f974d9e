"""`smsjobs dev` as a process, and what it tells of itself."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

__all__ = ["Dev"]


class Dev:
    """Everything that `smsjobs dev` starts, on free ports.

    Args:
        directory: Where it keeps its data.
        arguments: Further words of the command.
    """

    def __init__(self, directory: Path, *arguments: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMS_", "CELERY_"))}
        words = ("dev", "--single", "--simulator-port", "0", "--json", *arguments)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "smsjobs_shell", *words],
            env=kept,
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        text = ""
        while not text.endswith("\n}\n"):
            line = self.process.stdout.readline()
            assert line, self.process.communicate()
            text += line
        told = json.loads(text)
        #: What it tells its user to export.
        self.environment: dict[str, str] = told["environment"]
        self.inbox: str = told["inbox"]
        self.url: str = self.environment["SMS_INBOX_URL"]
        self.control_url: str = told["simulator"]["control_url"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)

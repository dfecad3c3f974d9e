"""Processes whose traces are recorded, as ``docs/traces.md`` starts them: each under `opentelemetry-instrument`."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from support.polling import until

_BIN = Path(sys.executable).parent

#: Where the SDK writes its spans: to stdout, at once.
_SETTINGS = {
    "OTEL_TRACES_EXPORTER": "console",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_BSP_SCHEDULE_DELAY": "50",
}


@dataclass(frozen=True, kw_only=True)
class Span:
    """A span as the SDK wrote it."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str | None
    begun: datetime
    ended: datetime
    status: str
    attributes: dict[str, Any]

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended - self.begun).total_seconds()


class Traced:
    """A process whose spans are recorded.

    Args:
        words: Its command line.
        settings: Its environment, beside ours without what is smsjobs's.
    """

    def __init__(self, *words: str, **settings: str) -> None:
        self._out = tempfile.NamedTemporaryFile(prefix="traced-", suffix=".txt")  # noqa: SIM115
        env = {name: value for name, value in os.environ.items() if not name.startswith(("SMS_", "OTEL_"))}
        self.process = subprocess.Popen(
            [_BIN / "opentelemetry-instrument", *words],
            env=env | _SETTINGS | settings | {"PATH": f"{_BIN}{os.pathsep}{env['PATH']}"},
            stdout=self._out.fileno(),
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._out.close()

    def wait_for(self, text: str) -> None:
        """Wait until it has written that."""
        until(lambda: text in self.written() or self.process.poll() is not None, f"{text!r} is written")
        assert text in self.written(), self.written()

    def wait(self, timeout: float = 30) -> None:
        """Wait until it ends by itself, well."""
        assert self.process.wait(timeout) == 0, self.written()

    def end(self) -> None:
        """SIGTERM, and wait: what it has not written of its spans, it writes then."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)

    def written(self) -> str:
        """All that it has written."""
        return Path(self._out.name).read_text("utf-8", "replace")

    def spans(self) -> list[Span]:
        """Its spans."""
        return list(_spans(self.written().splitlines()))


def _spans(lines: Iterable[str]) -> Iterator[Span]:
    """What is written from a line that is a brace to the next that is one."""
    found: list[str] = []
    for line in lines:
        if line == "{" or found:
            found.append(line)
        if line == "}" and found:
            yield _span(json.loads("\n".join(found)))
            found = []


def _span(told: dict[str, Any]) -> Span:
    return Span(
        name=told["name"],
        kind=told["kind"].removeprefix("SpanKind."),
        trace=told["context"]["trace_id"].removeprefix("0x"),
        id=told["context"]["span_id"].removeprefix("0x"),
        parent=(told["parent_id"] or "").removeprefix("0x") or None,
        begun=datetime.fromisoformat(told["start_time"]),
        ended=datetime.fromisoformat(told["end_time"]),
        status=told["status"]["status_code"],
        attributes=told["attributes"],
    )

"""The advice for a lane that no worker reads, so that nothing is sent."""

from __future__ import annotations

import os

from smsjobs.presence import start_a_worker
from smsjobs.settings import EMBEDDED
from smsjobs_shell.terminal.language import tr
from smsjobs_shell.terminal.screen import Screen

__all__ = ["tell_that_no_worker_answers"]


def tell_that_no_worker_answers(screen: Screen, lane: str) -> None:
    """Tell it, and how to start a worker."""
    screen.line(
        "\n" + tr("No worker of the lane {lane} answers, so nothing is sent. To start one:", lane=lane)
    )
    screen.line(f"  SMS_APP=path/to/app {start_a_worker(lane)}", exact=True)
    if os.environ.get("SMS_BROKER_URL") == EMBEDDED:
        screen.line(tr("Or, to try it out with a simulated Aliyun:") + "\n  smsjobs dev", exact=True)

"""What is to be said where no worker of a lane answers, so that nothing is sent."""

from __future__ import annotations

import os

from smsjobs.presence import start_a_worker
from smsjobs.settings import EMBEDDED
from smsjobs_shell.terminal.screen import Screen

__all__ = ["tell_that_no_worker_answers"]


def tell_that_no_worker_answers(screen: Screen, lane: str) -> None:
    """Say it, and how to start one."""
    screen.line(f"\nNo worker of the lane {lane} answers, so it waits. To start one:")
    screen.line(f"  SMS_APP=path/to/app {start_a_worker(lane)}", exact=True)
    if os.environ.get("SMS_BROKER_URL") == EMBEDDED:
        screen.line("or, to try it out with a simulated Aliyun:\n  smsjobs dev", exact=True)

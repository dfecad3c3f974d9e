"""``smsjobs cancel``: stop a job that waits to be sent."""

from __future__ import annotations

import click

from smsjobs import connect
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.options import ID, with_screen
from smsjobs_shell.terminal.screen import Screen

__all__ = ["cancel"]


@click.command(
    short_help="Stop a job that waits to be sent.",
    epilog="""\b
Example:
  smsjobs cancel k3qv7a-3b9f0c1e-...

The exit status is 1 if it is too late. What was cancelled can be sent again by
smsjobs retry. A campaign is stopped by smsjobs campaign cancel.""",
)
@click.argument("job_id", type=ID, metavar="JOB_ID")
@with_screen
def cancel(screen: Screen, *, job_id: str) -> None:
    """Stop a job that waits to be sent. It is never sent, and its outcome is not_sent, reason "cancelled"."""
    job = connect().job(job_id)
    if not job.cancel():
        status = job.status()
        raise CommandFailed(
            f"it is too late: the job is {status}", "too_late", more={"id": job_id, "status": status}
        )
    screen.line("It is cancelled, and will not be sent.")
    screen.document({"id": job_id, "cancelled": True})

"""Names that leave the process. They are written out, so that renaming a function or a module changes none of them."""

from __future__ import annotations

from typing import Final

__all__ = ["KEY_PREFIX", "SEND_TASK", "SUBMIT_TASK", "VERSION"]

#: The version of jobs, results and errors as JSON. A reader accepts this one and every older one.
VERSION: Final = 1

#: The task that carries one job further. Its only argument is the job's id.
SEND_TASK: Final = "smsjobs.send"

#: The task by which a plain Celery client enqueues a job. Its keyword arguments are the job's JSON fields.
SUBMIT_TASK: Final = "smsjobs.submit"

#: Every Redis key of ours begins with this word and a colon.
KEY_PREFIX: Final = "sms"

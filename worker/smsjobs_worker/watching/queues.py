"""The process of ``smsjobs serve --queues``, watched as its settings say: ``python -m smsjobs_worker.watching.queues``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from smsjobs_worker.process.queues import main as read_queues
from smsjobs_worker.watching.watched import watched

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Read the queues until SIGINT or SIGTERM, and give the exit status."""
    return read_queues(argv, watched=watched)


if __name__ == "__main__":
    sys.exit(main())

"""Keeps outcomes for less than an hour, which is the least that `SMS_RETENTION` takes, so that a soak sees them expire.

``python -m benchmarks.short_retention <seconds> <module> …`` runs a module so.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Mapping

from smsjobs import settings

__all__ = ["shorten"]


def shorten(seconds: float) -> None:
    """Have this process keep outcomes for so long, whatever the environment says."""
    read = settings.read_number

    def read_number(environ: Mapping[str, str], name: str, default: float, *, at_least: float) -> float:
        return seconds if name == "SMS_RETENTION" else read(environ, name, default, at_least=at_least)

    settings.read_number = read_number


if __name__ == "__main__":
    shorten(float(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

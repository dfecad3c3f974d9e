"""Runs the program of its command line, as `python -c` does, in a process that has imported our packages already."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run it, with the further words as its arguments."""
    program, *words = sys.argv[1:]
    sys.argv = ["-c", *words]
    exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})  # a test's own

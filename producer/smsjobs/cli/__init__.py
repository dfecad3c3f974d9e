"""The command ``smsjobs``: try it out, send, ask, and check from a shell. Plain text without rich."""

from smsjobs.cli.program import main

__all__ = ["main"]

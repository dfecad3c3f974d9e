"""The command ``smsjobs``: try it out, send, ask, and check from a shell. Plain text without rich."""

from smsjobs_shell.program import main

__all__ = ["main"]

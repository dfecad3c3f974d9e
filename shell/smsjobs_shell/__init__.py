"""The command ``smsjobs``: try it out, send, watch and check from a shell. Without rich its output is plain text."""

from smsjobs_shell.program import main

__all__ = ["main"]

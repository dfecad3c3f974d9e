"""File names as text that can be written, stored and hashed."""

from __future__ import annotations

import os

from smsjobs.contract.arguments import is_whole

__all__ = ["readable"]


def readable(name: str) -> str:
    """Return the name as text of whole characters. The same name always gives the same text.

    If a name's bytes are not valid text in the system's encoding, Python's string for it contains halves of
    characters. Most such files come from an archive that was made on Windows in China, where names are GBK.
    """
    if is_whole(name):
        return name
    try:
        raw = os.fsencode(name)
    except UnicodeEncodeError:
        # This string was made in Python. No file can have this name.
        return name.encode("utf-8", "replace").decode()
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")

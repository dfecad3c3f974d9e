"""Names of files as text that can be written, stored and hashed."""

from __future__ import annotations

import os

from smsjobs.contract.arguments import is_whole

__all__ = ["readable"]


def readable(name: str) -> str:
    """That name as text of whole characters, the same each time.

    A name whose bytes are no text in the system's encoding comes from Python with halves of characters in it. Most
    such files were unpacked from an archive that was made on Windows in China, where names are GBK.
    """
    if is_whole(name):
        return name
    try:
        raw = os.fsencode(name)
    except UnicodeEncodeError:
        # It is no file's name, but was made in Python.
        return name.encode("utf-8", "replace").decode()
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")

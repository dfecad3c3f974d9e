"""Reading an element's files: only inside its directory, as text, with a memory of what was read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from smsjobs_worker.elements.problems import Broken, Problem

__all__ = ["Reads", "Signature", "read_file", "read_inside", "signature"]

#: What tells one state of a file from another: mtime in ns, size, inode. None: there is no such file.
Signature = tuple[int, int, int] | None

#: The largest file that is read, in bytes.
MAX_BYTES = 1024 * 1024


def signature(path: Path) -> Signature:
    """The file's state now."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Reads:
    """Every file that was read, with its signature from just before."""

    def __init__(self) -> None:
        self._seen: dict[Path, Signature] = {}

    def note(self, path: Path) -> None:
        """Remember the file as it is now; the first note of a file counts."""
        self._seen.setdefault(path, signature(path))

    def seen(self) -> dict[Path, Signature]:
        """Every noted file and the state it was in."""
        return dict(self._seen)

    def now(self) -> dict[Path, Signature]:
        """Every noted file and the state it is in."""
        return {path: signature(path) for path in self._seen}


class _NotAFile(OSError):
    """It is a pipe, a device or the like."""


def read_file(path: Path) -> bytes:
    """The file's content, up to one byte more than is permitted.

    Raises:
        OSError: It cannot be read, or is a pipe or a device: those may never end, or never begin.
    """
    # A pipe without a writer would wait for one.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _NotAFile
        return file.read(MAX_BYTES + 1)


def read_inside(directory: Path, name: str, *, element: str, shown: str, reads: Reads) -> str:
    """The text of a file in that directory.

    Args:
        name: Its path relative to the directory, with ``/``.
        shown: The directory as messages show it.

    Raises:
        Broken: The name leaves the directory, or there is no such file, or it is not UTF-8 text.
    """

    def broken(cause: str, hint: str) -> Broken:
        return Broken([Problem(element=element, file=f"{shown}/{name}", cause=cause, hint=hint)])

    if not isinstance(name, str) or not name or "\0" in name or "\\" in name:
        raise Broken(
            [Problem(element=element, cause="no file name", hint="name a file in the element's directory")]
        )
    path = directory / name
    if not _is_inside(path, directory):
        raise broken("outside of the element's directory", "move the file into the element's directory")
    reads.note(path)
    try:
        content = read_file(path)
        if len(content) > MAX_BYTES:
            raise broken("larger than 1 MiB", "make it smaller")
        return content.decode("utf-8-sig")
    except _NotAFile:
        raise broken("not a regular file", "write a file in its place") from None
    except FileNotFoundError:
        raise broken("no such file", "create it") from None
    except UnicodeDecodeError:
        raise broken("not UTF-8 text", "save it as UTF-8") from None
    except OSError as error:
        cause = f"cannot be read ({os.strerror(error.errno or 0)})"
        raise broken(cause, "let the worker's user read it") from None


def _is_inside(path: Path, directory: Path) -> bool:
    try:
        return path.resolve().is_relative_to(directory.resolve())
    except (OSError, RuntimeError):  # a loop of symbolic links
        return False

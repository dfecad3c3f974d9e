"""The process that runs the embedded redis-server and shuts it down after its last user.

It is started as a script in a session of its own, so a Ctrl-C in a terminal reaches neither it nor the server. It
imports only the standard library, to start fast and stay small.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

__all__ = ["keep"]

# Seconds. Writing the append-only file takes much less, but a server stopped by SIGSTOP never ends by itself.
SHUTDOWN_S = 10


def keep(program: str, users: Path, server_lock: int) -> int:
    """Run `program`, configured from standard input, until nobody holds the lock on `users`. Return its exit status.

    Args:
        program: The redis-server to run.
        users: The file on which each process that uses the server holds a shared lock.
        server_lock: An open, locked file. The server inherits it, so it stays locked while this process or the server
            lives.
    """
    os.umask(0o077)
    server = subprocess.Popen([program, "-"], pass_fds=[server_lock])  # noqa: S603  a program we found, no shell
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    threading.Thread(target=_end_after_the_last_user, args=[server, users], daemon=True).start()
    return server.wait()


def _end_after_the_last_user(server: "subprocess.Popen[bytes]", users: Path) -> None:
    # A lock belongs to an open file. So the kernel releases the lock of a killed process, and a forked child keeps its
    # parent's lock.
    with users.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        server.terminate()
        try:
            server.wait(SHUTDOWN_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    if os.fork():  # so that the caller does not wait for the keeper's end
        sys.exit()
    sys.exit(keep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))

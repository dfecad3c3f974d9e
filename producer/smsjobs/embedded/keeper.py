"""The process that runs the embedded redis-server and shuts it down after its last user.

It is started as a script, in a session of its own, so that a Ctrl-C in a terminal reaches neither it nor the
server. It imports the standard library only, to start fast and to stay small.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

__all__ = ["keep"]

# Writing out the append-only file takes far less; a server that is stopped (SIGSTOP) never ends by itself.
SHUTDOWN_S = 10


def keep(program: str, users: Path, server_lock: int) -> int:
    """Runs `program`, configured from standard input, until nobody holds the lock on `users`; gives its exit status.

    Args:
        program: The redis-server to run.
        users: The file on which each process that uses the server holds a shared lock.
        server_lock: A locked file, open. The server inherits it, so it stays locked while either of us lives.
    """
    os.umask(0o077)
    server = subprocess.Popen([program, "-"], pass_fds=[server_lock])  # noqa: S603  a program we found, no shell
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    threading.Thread(target=_end_after_the_last_user, args=[server, users], daemon=True).start()
    return server.wait()


def _end_after_the_last_user(server: "subprocess.Popen[bytes]", users: Path) -> None:
    # A lock belongs to open files, not to good manners: the kernel gives it up for a process that was killed too,
    # and a forked child keeps its parent's.
    with users.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        server.terminate()
        try:
            server.wait(SHUTDOWN_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    if os.fork():  # whoever started us need not wait for us to end
        sys.exit()
    sys.exit(keep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))

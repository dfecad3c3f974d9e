"""Cuts off answers that do not come to an end.

A socket's time-out begins anew with every byte, so an answer that trickles would hold its thread for ever: two of
them silence a worker of two threads. Here an answer has a time as a whole. At its end the connection is shut down, and
whoever reads from it finds a broken answer, which is an answer lost.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import Final

__all__ = ["Deadlines"]

#: Seconds between two looks.
_LOOK_S: Final = 0.25


class Deadlines:
    """The answers that are awaited just now, at most one a thread."""

    def __init__(self) -> None:
        #: By thread: its connection, and until when it waits.
        self._awaited: dict[int, tuple[socket.socket, float]] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread()
        os.register_at_fork(after_in_child=self._forget)

    def begin(self, connection: socket.socket, *, within_s: float) -> None:
        """This thread awaits an answer on that connection, for as long at most."""
        self._awaited[threading.get_ident()] = (connection, time.monotonic() + within_s)
        if not self._thread.is_alive():
            self._start()

    def end(self) -> None:
        """This thread has its answer, or its error."""
        self._awaited.pop(threading.get_ident(), None)

    def _start(self) -> None:
        with self._lock:
            if not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="smsjobs-deadlines", daemon=True)
                self._thread.start()

    def _forget(self) -> None:
        """After a fork: the parent's threads are not here, and its connections are not ours to cut."""
        self._awaited.clear()
        self._lock = threading.Lock()
        self._thread = threading.Thread()

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            # A copy is made in one step; others begin and end meanwhile.
            for connection, until in self._awaited.copy().values():
                if time.monotonic() >= until:
                    with contextlib.suppress(OSError):
                        # Of TLS's socket too the plain one is shut: its reader is in the middle of TLS's own state.
                        socket.socket.shutdown(connection, socket.SHUT_RDWR)

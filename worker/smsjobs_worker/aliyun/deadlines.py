"""Cuts off answers that never end.

A socket's time-out begins again with every byte, so an answer that trickles would hold its thread for ever. Two of
them stop a worker of two threads. Here an answer has a deadline as a whole: the connection is shut down then, and its
reader finds a broken answer, which is an answer lost.
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
    """The answers that are awaited now, at most one for each thread."""

    def __init__(self) -> None:
        #: For each thread: its connection, and the monotonic time until which it waits.
        self._awaited: dict[int, tuple[socket.socket, float]] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread()
        os.register_at_fork(after_in_child=self._forget)

    def begin(self, connection: socket.socket, *, within_s: float) -> None:
        """This thread awaits an answer on that connection, for at most that many seconds."""
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
        """After a fork the parent's threads do not exist, and its connections must not be cut."""
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
                        # The plain socket's method, also for TLS: the reading thread is using TLS's state.
                        socket.socket.shutdown(connection, socket.SHUT_RDWR)

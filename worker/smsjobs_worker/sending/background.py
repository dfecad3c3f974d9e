"""A step that is repeated in a thread of its own, such as the sweep."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Background"]


class Background:
    """Repeats a step until it is stopped.

    Args:
        step: What to do.
        name: The thread's name.
        every_s: Seconds from the end of a step to the next one.
        failed: Tells what a step raised. The next one is tried all the same, whatever that was.
    """

    def __init__(
        self, step: Callable[[], object], *, name: str, every_s: float, failed: Callable[[Exception], None]
    ) -> None:
        self._step = step
        self._every_s = every_s
        self._failed = failed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is under way, or after 5 seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def is_stopping(self) -> bool:
        """Whether it was told to stop, so that a long step can end early."""
        return self._stopping.is_set()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                self._step()
            except Exception as error:  # noqa: BLE001  without the next step jobs would wait for ever
                self._failed(error)

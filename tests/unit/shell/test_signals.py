"""How a command is ended."""

import signal
import sys
import weakref
from pathlib import Path

import pytest

from smsjobs_shell.sandbox.children import Children
from smsjobs_shell.terminal.signals import ending_in_order, held_back, raise_if_told

ENDS = [
    (signal.SIGINT, KeyboardInterrupt, None),
    (signal.SIGTERM, SystemExit, 143),
    (signal.SIGHUP, SystemExit, 129),
]


def lose(number: int) -> None:
    """Raise the signal where Python drops its exception: in the callback of a weak reference."""

    class Lock:
        pass

    lock = Lock()
    reference = weakref.ref(lock, lambda _: signal.raise_signal(number))
    del lock
    assert reference() is None


def test_interrupt_is_held_back() -> None:
    """A Ctrl-C in the middle of a start or a stop comes after it, not never."""
    finished = []

    def start_or_stop() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            finished.append(True)

    with pytest.raises(KeyboardInterrupt):
        start_or_stop()
    assert finished


@pytest.mark.parametrize(("number", "error", "status"), ENDS)
def test_ends_in_order(number: int, error: type[BaseException], status: int | None) -> None:
    """Ctrl-C, SIGTERM and a closed terminal run the clean-up, SIGTERM and SIGHUP with a status of their own."""
    before = signal.getsignal(number)
    with pytest.raises(error) as caught, ending_in_order():
        signal.raise_signal(number)
    assert getattr(caught.value, "code", None) == status
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(("number", "error", "status"), ENDS)
def test_lost_where_something_is_waited_for(
    number: int, error: type[BaseException], status: int | None, tmp_path: Path
) -> None:
    """A signal whose exception Python dropped ends the next wait."""

    def lose_and_wait() -> None:
        with ending_in_order(), Children(tmp_path, grace_s=1) as children:
            lose(number)
            children.wait_until("something", lambda: None, within_s=20)

    with pytest.raises(error) as caught:
        lose_and_wait()
    assert getattr(caught.value, "code", None) == status


@pytest.mark.parametrize(("number", "error", "status"), ENDS)
def test_lost_before_the_end(
    number: int, error: type[BaseException], status: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A signal whose exception Python dropped is the command's end at the latest, and shows no traceback."""
    with pytest.raises(error) as caught, ending_in_order():
        lose(number)
    assert getattr(caught.value, "code", None) == status
    assert capsys.readouterr().err == ""


def test_the_next_block_is_told_nothing() -> None:
    """What ended one block ends no other, and Python shows what it drops as before."""
    before = sys.unraisablehook
    with pytest.raises(SystemExit), ending_in_order():
        signal.raise_signal(signal.SIGTERM)
    with ending_in_order():
        raise_if_told()
    assert sys.unraisablehook is before

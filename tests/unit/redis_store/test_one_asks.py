"""Who asks Redis again for what a process believes."""

import threading
import time

from smsjobs.redis_store import BELIEVED_S, OneAsks


def asks(asking: OneAsks, read_at: float) -> bool:
    with asking.due(read_at) as due:
        return due


def test_what_is_fresh_is_believed() -> None:
    """Nobody asks again soon after it was read."""
    assert not asks(OneAsks(), time.monotonic())


def test_one_asks_while_it_is_believed() -> None:
    """When half of the time is over one thread asks, and the others believe it meanwhile."""
    asking = OneAsks()
    others: list[bool] = []
    with asking.due(time.monotonic() - 0.6 * BELIEVED_S) as due:
        assert due
        believing = time.monotonic() - 0.6 * BELIEVED_S
        threads = [threading.Thread(target=lambda: others.append(asks(asking, believing))) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        late = time.monotonic() - believing >= BELIEVED_S  # on a machine that stood still
    assert late or others == [False] * 8
    assert asks(asking, time.monotonic() - 0.6 * BELIEVED_S)


def test_nobody_believes_it_for_longer() -> None:
    """When its time is over everybody asks, whatever the one who asks waits for."""
    asking = OneAsks()
    with asking.due(-BELIEVED_S):
        assert asks(asking, time.monotonic() - BELIEVED_S)

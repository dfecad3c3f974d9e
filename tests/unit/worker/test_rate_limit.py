"""The windows of a rate, as tables."""

import pytest

from smsjobs_worker.sending.rate_limit import bulk_window, windows


@pytest.mark.parametrize(
    ("max_qps", "everyone", "others", "remark"),
    [
        (100, (100, 1), (80, 1), "a fifth is kept"),
        (10, (10, 1), (8, 1), "a fifth is kept"),
        (5, (5, 1), (4, 1), "one of five"),
        (4, (4, 1), (3, 1), "rounded for verification"),
        (3, (3, 1), (2, 1), "one of three"),
        (2, (2, 1), (1, 1), "one of two"),
        (1, (1, 1), (1, 2), "every second one"),
        (1.9, (1, 1), (1, 2), "never above the rate"),
        (0.5, (1, 2), (1, 4), "one in two seconds"),
        (0.3, (1, 4), (1, 8), "one in four, for three would be too fast"),
        (0.01, (1, 100), (1, 200), "one in a hundred seconds"),
    ],
)
def test_windows(max_qps: float, everyone: tuple[int, int], others: tuple[int, int], remark: str) -> None:
    """A rate's window never permits more than the rate, and the other lanes' one leaves some to verification."""
    found = [(each.amount, each.get_expiry()) for each in windows(max_qps)]
    assert found == [everyone, others], remark


@pytest.mark.parametrize("max_qps", [0.01, 0.3, 0.5, 1, 1.5, 2, 3, 4, 5, 9, 10, 12, 13, 50, 100, 999.5, 5000])
def test_each_window_leaves_something(max_qps: float) -> None:
    """Whatever the rate, bulk has less of it than the others together, and these less than all."""

    def rate(window) -> float:
        return window.amount / window.get_expiry()

    everyone, others = windows(max_qps)
    assert 0 < rate(bulk_window(max_qps)) < rate(others) < rate(everyone) <= max_qps

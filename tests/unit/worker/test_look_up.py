"""Which of a job's numbers are looked up."""

import pytest

from smsjobs_worker.sending.look_up import sample


@pytest.mark.parametrize(
    ("count", "found"),
    [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (4, [0, 2, 3]), (1000, [0, 500, 999])],
)
def test_sample(count: int, found: list[int]) -> None:
    """Of few numbers all are looked up, of many the first, one in the middle and the last."""
    assert sample([str(n) for n in range(count)]) == [str(n) for n in found]

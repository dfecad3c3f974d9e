"""A sample of a campaign's recipients."""

from collections import Counter

import pytest

from smsjobs.delivery import sample

#: Of three carriers: 600, 300 and 100 numbers, mixed.
PEOPLE = [
    f"{prefix}{n:08d}"
    for n in range(1000)
    for prefix in (("138",) * 6 + ("130",) * 3 + ("189",))[n % 10 :][:1]
]


def test_each_carrier_has_its_share() -> None:
    """A tenth of the recipients is a tenth of each carrier's, one more or less; and nobody is in it twice."""
    for seed in range(20):
        taken = sample(PEOPLE, 0.1, str(seed))
        by_carrier = Counter(each[:3] for each in taken)
        assert len(set(taken)) == len(taken) == 100
        assert all(
            abs(by_carrier[prefix] - many) <= 1 for prefix, many in (("138", 60), ("130", 30), ("189", 10))
        )


@pytest.mark.parametrize(("share", "count"), [(0, 0), (1, 1000), (0.5, 500), (0.999, 999), (0.0001, None)])
def test_size(share: float, count: int | None) -> None:
    """Nobody, everybody, and what is between; of many small chunks it is right on the average."""
    taken = sample(PEOPLE, share, "seed")
    assert set(taken) <= set(PEOPLE)
    assert len(taken) == (count if count is not None else len(taken))
    small = sum(len(sample(PEOPLE[:10], 0.05, str(seed))) for seed in range(2000))
    assert 850 < small < 1150


def test_same_seed_same_sample() -> None:
    """A chunk has the same sample whoever asks."""
    assert sample(PEOPLE, 0.1, "chunk-1") == sample(list(reversed(PEOPLE)), 0.1, "chunk-1")
    assert sample(PEOPLE, 0.1, "chunk-1") != sample(PEOPLE, 0.1, "chunk-2")

"""Digests of a job's numbers."""

import pytest

from smsjobs.contract import count_recipients, find_recipient, recipient_digests

JOB = "abcdef-00000000-0000-4000-8000-000000000001"


def _numbers(count: int) -> list[str]:
    return [str(13800138000 + n) for n in range(count)]


@pytest.mark.parametrize("count", [1, 2, 100, 101, 1000])
def test_each_number_is_found_at_its_place(count: int) -> None:
    """Every number of a job is found at its position, none shares another's, and their count is told."""
    numbers = _numbers(count)
    digests = recipient_digests(JOB, numbers)
    assert [find_recipient(digests, JOB, each) for each in numbers] == list(range(count))
    assert count_recipients(digests) == count


def test_other_numbers_are_not_found() -> None:
    """Of numbers that the job has not, hardly any is taken for one of its numbers."""
    digests = recipient_digests(JOB, _numbers(1))
    strangers = [str(15900000000 + n) for n in range(2000)]
    assert sum(find_recipient(digests, JOB, each) is not None for each in strangers) < 3


def test_a_number_given_twice_counts_once() -> None:
    """A number that stands twice in a job is one recipient."""
    digests = recipient_digests(JOB, ["13800138000", "13800138001", "13800138000"])
    assert count_recipients(digests) == 2
    assert find_recipient(digests, JOB, "13800138001") == 1


def test_thousands_of_numbers_share_a_digest() -> None:
    """A digest tells nobody's number: many numbers fit it, and those of another job are different ones."""
    digests = recipient_digests(JOB, ["13800138000"])
    assert len(digests) == 5
    fitting = [n for n in range(600_000) if find_recipient(digests, JOB, str(13800138000 + n)) == 0]
    assert len(fitting) > 1
    assert recipient_digests("another", ["13800138000"]) != digests

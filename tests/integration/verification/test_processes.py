"""Many processes at one number."""

import multiprocessing
import time
from typing import Any

from smsjobs import VerificationRefused
from smsjobs.verification import Limit
from support.code_bench import RedisBench

PROCESSES, ROUNDS, ALLOWED = 6, 20, 3

_fork = multiprocessing.get_context("fork")


def _play(bench: RedisBench, barrier: Any, results: Any) -> None:
    login = bench.verification(per_number=Limit(day=ALLOWED))
    for number in range(ROUNDS):
        phone = f"138001380{number:02}"
        barrier.wait(30)
        jobs = []
        # One more than is allowed: whoever comes late finds what the others have left.
        for _ in range(ALLOWED + 1):
            try:
                jobs.append(login.send(phone).job.id)
            except VerificationRefused as refusal:
                jobs.append(refusal.reason)
        barrier.wait(30)
        codes = bench.codes(phone)
        barrier.wait(30)
        right = login.check(phone, next(iter(codes.values())))
        results.put((number, set(jobs) - {"number_limit"}, set(codes.values()), bool(right)))
    results.close()
    results.join_thread()


def test_one_number(redis_bench: RedisBench) -> None:
    """Of many processes that ask for one number's code exactly as many sends come as are allowed, all with one code;
    and of as many right checks at once exactly one succeeds.
    """  # noqa: D205  one sentence
    barrier, results = _fork.Barrier(PROCESSES), _fork.Queue()
    processes = [
        _fork.Process(target=_play, args=(redis_bench, barrier, results), daemon=True)
        for _ in range(PROCESSES)
    ]
    for each in processes:
        each.start()
    told = [results.get(timeout=30) for _ in range(PROCESSES * ROUNDS)]
    for each in processes:
        each.join(10)
    for number in range(ROUNDS):
        of_round = [each for each in told if each[0] == number]
        assert len(set().union(*(jobs for _, jobs, _, _ in of_round))) == ALLOWED
        assert len(set().union(*(codes for _, _, codes, _ in of_round))) == 1
        assert [right for *_, right in of_round].count(True) == 1
    assert len(redis_bench.codes()) == ROUNDS * ALLOWED


def _hammer(bench: RedisBench, barrier: Any, results: Any, first: int) -> None:
    login = bench.verification(per_number=Limit(), per_client=Limit(hour=25), ceiling=Limit(hour=40))
    barrier.wait(30)
    granted = 0
    for index in range(20):
        try:
            login.send(f"138001380{(first * 20 + index) % 100:02}", f"203.0.113.{first % 2}")
            granted += 1
        except VerificationRefused:
            time.sleep(0)
    results.put(granted)
    results.close()
    results.join_thread()


def test_ceiling(redis_bench: RedisBench) -> None:
    """Of many processes that send to many numbers exactly as many get through as the ceiling allows."""
    barrier, results = _fork.Barrier(5), _fork.Queue()
    processes = [
        _fork.Process(target=_hammer, args=(redis_bench, barrier, results, first), daemon=True)
        for first in range(5)
    ]
    for each in processes:
        each.start()
    assert sum(results.get(timeout=30) for _ in processes) == 40
    for each in processes:
        each.join(10)
    assert len(redis_bench.codes()) == 40

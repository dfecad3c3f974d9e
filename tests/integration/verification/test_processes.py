"""Many processes at one number."""

from smsjobs import VerificationRefused
from smsjobs.verification import Limit
from support.code_bench import At, RedisBench
from support.processes import in_processes, meet

PROCESSES, ROUNDS, ALLOWED = 6, 8, 3


def _play(_: int, url: str) -> list[tuple[set[str], set[str], bool]]:
    """Of each round: jobs and other refusals than the number's, codes, and whether the check was right."""
    bench = RedisBench(At(url), timeout=30)
    login = bench.verification(per_number=Limit(day=ALLOWED))
    told = []
    for number in range(ROUNDS):
        phone = f"138001380{number:02}"
        meet()
        jobs = []
        # One more than is allowed: whoever comes late finds what the others have left.
        for _ in range(ALLOWED + 1):
            try:
                jobs.append(login.send(phone).job.id)
            except VerificationRefused as refusal:
                jobs.append(refusal.reason)
        meet()
        codes = set(bench.codes(phone).values())
        meet()
        right = login.check(phone, next(iter(codes)))
        told.append((set(jobs) - {"number_limit"}, codes, bool(right)))
    bench.sms.close()
    return told


def test_one_number(redis_bench: RedisBench) -> None:
    """Of many processes that ask for one number's code exactly as many sends come as are allowed, all with one code;
    and of as many right checks at once exactly one succeeds.
    """  # noqa: D205  one sentence
    for of_round in zip(*in_processes(PROCESSES, _play, redis_bench.server.url), strict=True):
        assert len(set().union(*(jobs for jobs, _, _ in of_round))) == ALLOWED
        assert len(set().union(*(codes for _, codes, _ in of_round))) == 1
        assert [right for *_, right in of_round].count(True) == 1
    assert len(redis_bench.codes()) == ROUNDS * ALLOWED


def _click(_: int, url: str) -> str:
    bench = RedisBench(At(url), timeout=30)
    login = bench.verification()
    hand_over = bench.element.sendMessage

    def together(**message: object) -> object:
        # Both have been given a send before either hands one over.
        meet()
        return hand_over(**message)

    bench.element.sendMessage = together
    job = login.send("13800138000").job
    bench.sms.close()
    return job.id


def test_two_clicks(redis_bench: RedisBench) -> None:
    """Two clicks at the same moment get the same job, and neither is refused."""
    jobs = in_processes(2, _click, redis_bench.server.url)
    assert jobs == list(redis_bench.codes()) * 2


def _hammer(first: int, url: str) -> int:
    bench = RedisBench(At(url), timeout=30)
    login = bench.verification(per_number=Limit(), per_client=Limit(hour=25), ceiling=Limit(hour=40))
    meet()
    granted = 0
    for index in range(20):
        try:
            login.send(f"138001380{(first * 20 + index) % 100:02}", f"203.0.113.{first % 2}")
            granted += 1
        except VerificationRefused:
            continue
    bench.sms.close()
    return granted


def test_ceiling(redis_bench: RedisBench) -> None:
    """Of many processes that send to many numbers exactly as many get through as the ceiling allows."""
    assert sum(in_processes(5, _hammer, redis_bench.server.url)) == 40
    assert len(redis_bench.codes()) == 40

"""`maxQps` over several processes and threads, counted in a real Redis."""

import json
import os
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from smsjobs.contract import LANES
from smsjobs_worker.sending.rate_limit import Permits
from support.nursery import run
from support.polling import in_time, until
from support.redis_server import RedisServer

TAKE = textwrap.dedent(
    """
    import json, redis, sys, threading, time
    from smsjobs.contract import LANES
    from smsjobs_worker.sending.rate_limit import Permits
    url, lane, qps, threads, for_s = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:])
    permits, taken, client = Permits(url), [], redis.Redis.from_url(url)
    client.rpush("here", lane)
    while not client.exists("begin"):
        time.sleep(0.01)
    end = time.time() + for_s
    def take():
        while time.time() < end:
            if permits.take("SMS.Test", LANES[lane], qps, within_s=max(0, end - time.time())):
                taken.append(time.time())
    running = [threading.Thread(target=take) for _ in range(int(threads))]
    for each in running: each.start()
    for each in running: each.join()
    print(json.dumps(taken))
    """
)
TESTS = Path(__file__).parents[2]


@contextmanager
def taking(
    url: str, processes: list[tuple[str, int]], *, qps: float, for_s: float
) -> Iterator[Callable[[], list[float]]]:
    """Processes of these lanes that take permits in so many threads; a call waits for them, and gives the time of each permit."""
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    with ThreadPoolExecutor(len(processes)) as pool, redis.Redis.from_url(url) as client:
        running = [
            pool.submit(run, "support.script", TAKE, url, lane, str(qps), str(threads), str(for_s), env=env)
            for lane, threads in processes
        ]
        until(lambda: client.llen("here") == len(processes), "all are there", timeout=90)
        client.set("begin", 1)
        yield lambda: [time for each in running for time in json.loads(each.result().stdout)]


def most_in_a_second(times: list[float]) -> int:
    """The most of them in any stretch of a second, less what a thread on a busy machine may be late to note its permit."""
    times = sorted(times)
    return max((sum(1 for other in times if begin <= other < begin + 0.7) for begin in times), default=0)


def test_all_together_never_exceed_the_rate(redis_url: str) -> None:
    """Three processes with eight threads each, of all lanes, take no more than the rate in any second, and go on."""
    lanes = [("verification", 8), ("notification", 8), ("bulk", 8)]
    with taking(redis_url, lanes, qps=20, for_s=3) as told:
        times = told()
    assert 20 < len(times) <= 20 * 4
    assert most_in_a_second(times) <= 20


def test_verification_gets_its_share_while_bulk_takes_all_it_can(redis_url: str) -> None:
    """While bulk saturates its share, a code waits for its permit a moment only, and bulk still gets on."""
    permits = Permits(redis_url)
    with taking(redis_url, [("bulk", 12), ("bulk", 12)], qps=10, for_s=3) as told:
        time.sleep(0.7)  # bulk is at it by now
        for _ in range(3):
            with in_time(0.7):
                assert permits.take("SMS.Test", LANES["verification"], 10, within_s=5)
            time.sleep(0.6)  # slower than the share that is kept
        assert len(told()) >= 12


def test_no_rate_is_no_limit(redis_url: str) -> None:
    """An element without maxQps takes permits without asking Redis."""
    permits = Permits(redis_url)
    assert all(permits.take("SMS.Test", LANES["bulk"], None, within_s=0) for _ in range(1000))
    with redis.Redis.from_url(redis_url) as client:
        assert list(client.scan_iter()) == []


def test_elements_do_not_share_a_rate(redis_url: str) -> None:
    """Each element has its own rate, and its keys are ours and expire."""
    permits = Permits(redis_url)
    for name in ("SMS.A", "SMS.B"):
        assert permits.take(name, LANES["verification"], 1, within_s=0)
        assert not permits.take(name, LANES["verification"], 1, within_s=0)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        keys = list(client.scan_iter())
        assert keys
        assert all(key.startswith("sms:qps") and 0 < client.ttl(key) <= 20 for key in keys)


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_redis_unreachable_raises_in_time(fault: str) -> None:
    """While Redis is unreachable taking a permit raises within its time-out, and works again when it is back."""
    with RedisServer() as server:
        permits = Permits(server.url, timeout_s=0.5)
        assert permits.take("SMS.A", LANES["verification"], 100, within_s=1)
        server.kill() if fault == "kill" else server.pause()
        with in_time(2), pytest.raises(redis.RedisError):
            permits.take("SMS.A", LANES["verification"], 100, within_s=1)
        server.restart() if fault == "kill" else server.resume()
        assert permits.take("SMS.A", LANES["verification"], 100, within_s=1)

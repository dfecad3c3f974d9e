"""What a sweep costs with ten jobs waiting, and with a million.

Off by default, for it takes half a minute and a gigabyte: ``pytest -s tests/benchmarks/test_sweep_million.py --sweep-million``.
"""

import statistics
import time

import pytest
import redis

from smsjobs.ledger import Ledger
from smsjobs.redis_store import connect_redis
from support.keys import agenda, job_key
from support.ledgers import a_job
from support.redis_server import RedisServer

#: How many jobs are due at each sweep, whatever is stored.
DUE = 10
SWEEPS = 50

FILL = """
for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local id = 'waiting-' .. n
  redis.call('HSET', KEYS[2] .. id, 'state', 'queued', 'job', ARGV[5], 'lane', 'bulk', 'element', 'SMS.Test', 'key', '',
    'created', ARGV[3], 'due', ARGV[4], 'expires', ARGV[4] + 1000, 'requeue', 30000, 'looks', 0, 'attempts', 0, 'token', '')
  redis.call('ZADD', KEYS[1], ARGV[4] + n % 100000, id)
end
"""


def fill(client: redis.Redis, count: int, now_s: float) -> None:
    """Store so many jobs that wait for tomorrow."""
    script = client.register_script(FILL)
    for first in range(0, count, 5000):
        script(
            keys=[agenda(), job_key("")],
            args=[
                first,
                min(first + 5000, count) - 1,
                round(now_s * 1000),
                round((now_s + 86400) * 1000),
                "x" * 300,
            ],
        )


def sweep_ms(client: redis.Redis, now_s: float) -> float:
    """The median time of a sweep that finds ten due jobs, in milliseconds."""
    clock = now_s

    def tell() -> float:
        return clock

    ledger = Ledger(client, clock=tell)
    times = []
    for _ in range(SWEEPS):
        for _ in range(DUE):
            ledger.record(a_job(lane_name="bulk", expires=86400))
        clock += 31
        begun = time.perf_counter()
        found = ledger.sweep()
        times.append((time.perf_counter() - begun) * 1000)
        assert len(found) >= DUE
        for due in found:
            client.delete(job_key(due.job_id))
            client.zrem(agenda(), due.job_id)
    return statistics.median(times)


@pytest.mark.timeout(600)
def test_sweep_costs_what_is_due_and_not_what_is_stored(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sweep that finds ten due jobs takes about as long with a million waiting as with ten."""
    if not request.config.getoption("--sweep-million", default=False):
        pytest.skip("takes half a minute and a gigabyte: --sweep-million")
    now_s = 1_800_000_000.0
    with RedisServer() as server:
        with server.client() as client:
            client.config_set("appendonly", "no")
            client.config_set("save", "")
        client = connect_redis(server.url, timeout_s=60)
        fill(client, 10, now_s)
        few = sweep_ms(client, now_s)
        fill(client, 1_000_000, now_s)
        assert client.zcard(agenda()) == 1_000_000
        many = sweep_ms(client, now_s)
        client.close()
    with capsys.disabled():
        print(
            f"\na sweep with {DUE} jobs due: {few:.2f} ms with 10 waiting, {many:.2f} ms with 1,000,000 waiting;"
            f" ratio {many / few:.2f}"
        )
    assert many < 3 * few

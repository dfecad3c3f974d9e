"""Sentinels promote a replica: workers and producers follow by themselves."""

import time

from smsjobs import SendResult
from smsjobs.contract import LANES
from smsjobs.presence import workers_by_lane
from smsjobs_worker.sending.rate_limit import Permits
from support.polling import until
from support.replicated import Sentinels
from support.stage import Stage, count, outcome


def test_workers_and_producers_follow() -> None:
    """Broker, results, ledger, permits and presence work by Sentinels, and again within seconds of the master's death."""
    with Sentinels(replicas=2) as sentinels, Stage(sentinels) as stage:
        stage.write()
        with stage.worker(SMS_REPLICAS="1", SMS_VISIBILITY="4") as worker:
            jobs = [stage.send("SMS.Example") for _ in range(5)]
            assert all(isinstance(outcome(each), SendResult) for each in jobs)
            until(lambda: _answers(sentinels), "the worker answers")
            assert Permits(sentinels.url).take("SMS.Other", LANES["bulk"], 5, within_s=0)
            assert sentinels.master() is sentinels.nodes[0]
            sentinels.nodes[0].kill()
            begun = time.monotonic()
            jobs += [stage.send("SMS.Example", idempotency_key=f"{number}") for number in range(5)]
            recorded_s = time.monotonic() - begun
            assert isinstance(outcome(jobs[-1]), SendResult)
            print(f"recorded after {recorded_s:.1f} s, sent after {time.monotonic() - begun:.1f} s")
            assert time.monotonic() - begun < 20  # 7 s on an idle machine
            assert count(stage, jobs).twice == ()
            until(lambda: _answers(sentinels), "the worker answers at the new master")
            log = worker.log()
    for secret in ("servers@", "servers%40", "sentinels:?", "sentinels%3A"):
        assert secret not in log


def _answers(sentinels: Sentinels) -> bool:
    return (workers_by_lane(sentinels.url) or {}).get("notification") == 1

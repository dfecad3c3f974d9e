"""A broker that was down comes back: what was recorded meanwhile goes out within seconds."""

import time

from smsjobs import SendResult, connect
from support.redis_server import RedisServer
from support.stage import Stage, outcome


def test_no_slow_tail(stage: Stage) -> None:
    """Jobs recorded while the broker is down are sent within seconds of its return."""
    with (
        RedisServer() as broker,
        stage.worker(redis_url=broker.url, SMS_REDIS_URL=stage.server.url, SMS_SWEEP="0.5"),
    ):
        sms = connect(broker_url=broker.url, redis_url=stage.server.url, timeout=1)
        assert isinstance(outcome(stage.send("SMS.Example", sms=sms)), SendResult)
        broker.kill()
        jobs = [
            stage.send("SMS.Example", sms=sms, lane=lane) for lane in ("verification", "notification", "bulk")
        ]
        time.sleep(6)  # an outage has a length
        broker.start()
        back = time.monotonic()
        assert all(isinstance(outcome(job), SendResult) for job in jobs)
        took = time.monotonic() - back
        print(f"sent {took:.1f} s after the broker's return")
        assert took < 8
        sms.close()

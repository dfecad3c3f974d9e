"""The ids of chunks on their way to the broker."""

import base64
import json

import pytest
import redis

from smsjobs_worker.process.app import create_app
from smsjobs_worker.process.broker import Broker
from smsjobs_worker.process.settings import WorkerSettings


def test_published_together(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many chunks are published in a few writes rather than in some for each, as their ids and nothing else."""
    app = create_app(WorkerSettings.read({"SMS_BROKER_URL": redis_url}))
    broker = Broker(app)
    broker.publish([("first", "bulk")])
    writes = []
    send = redis.connection.AbstractConnection.send_packed_command

    def counted(self, command, *args, **more):
        writes.append(b"LPUSH" in b"".join(command))
        return send(self, command, *args, **more)

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_packed_command", counted)
    broker.publish([(f"test-{n}", "bulk") for n in range(500)])
    app.close()
    assert sum(writes) == 1
    assert len(writes) < 30
    monkeypatch.undo()
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        messages = client.lrange("sms.bulk", 0, -1)
    bodies = [json.loads(base64.b64decode(json.loads(each)["body"])) for each in messages]
    assert sorted(args[0] for args, _, _ in bodies) == sorted(["first", *(f"test-{n}" for n in range(500))])
    assert all((len(args), kwargs) == (1, {}) for args, kwargs, _ in bodies)

"""A real worker beside a thousand damaged entries: it sends as before, says what is damaged, and an operator clears it up."""

import json
import os
import time
from collections.abc import Callable, Iterator

import pytest

from aliyun_sms_simulator import Simulator
from smsjobs import RequestFailed, SmsError
from smsjobs.contract import element_tag
from smsjobs.redis_store import key
from support.damage import ENTRY_DAMAGES, replace_by
from support.ledgers import PHONE
from support.nursery import smsjobs
from support.polling import until
from support.redis_server import RedisServer
from support.stage import Stage, outcome, word
from support.worker import WorkerProcess

TAG = element_tag("SMS.Example")

OTHER = "13900139000"


@pytest.fixture(scope="module")
def stage(redis_server: RedisServer) -> Iterator[Stage]:
    """The module's stage."""
    with Simulator() as simulator, Stage(redis_server, simulator) as stage:
        stage.write()
        yield stage


@pytest.fixture(scope="module")
def worker(stage: Stage) -> Iterator[WorkerProcess]:
    """One worker for the module."""
    with stage.worker() as worker:
        yield worker


def test_a_thousand_entries(stage: Stage, worker: WorkerProcess) -> None:
    """After a thousand damaged entries of all kinds a probe is accepted, and what waits is sent at its time."""
    waiting = stage.send("SMS.Example", countdown=2)
    damages = list(ENTRY_DAMAGES.values())
    with stage.client() as client:
        entry = client.hgetall(key(TAG, "job", waiting.id)) | {"due": "0", "looks": "0"}
        pipe = client.pipeline(transaction=False)
        for number in range(1000):
            name = key(TAG, "job", f"damaged-{number}")
            pipe.hset(name, mapping=entry)
            damages[number % len(damages)](pipe, name)
        pipe.execute()
        client.zadd(key(TAG, "agenda"), {f"damaged-{number}": 0 for number in range(1000)})
        assert word(outcome(stage.send("SMS.Example"), timeout=5)) == "accepted"
        assert word(outcome(waiting, timeout=10)) == "accepted"
        until(lambda: client.hlen(key(TAG, "aside")) == 1000, "all are set aside")
        assert client.zcard(key(TAG, "agenda")) == 0
    assert "something damaged was set aside" in worker.log()
    assert "unreachable" not in worker.log()
    assert word(outcome(stage.send("SMS.Example"), timeout=5)) == "accepted"


def test_a_campaign_beside_a_damaged_one(stage: Stage, worker: WorkerProcess) -> None:
    """A campaign is sent to its end beside one whose pending chunks are a string, which tells why it is paused."""
    del worker
    element = stage.sms.getElement("SMS.Example")
    people = [str(13900139000 + number) for number in range(300)]
    with stage.client() as client:
        client.zadd(key(TAG, "agenda"), {"wt": 1})
        bad = element.campaign(
            "bad", recipients=people, verifyTemplateCode="SMS_123456789", params={"code": "1"}
        )
        # It may have been sent already; then the next one is the damaged one.
        replace_by("string")(client, key(TAG, "campaign", bad.id, "pending"))
        client.sadd(key(TAG, "campaigns:open"), bad.id)
        client.hset(key(TAG, "campaign", bad.id), "state", "running")
        good = element.campaign(
            "good", recipients=people, verifyTemplateCode="SMS_123456789", params={"code": "1"}
        )
        client.lpush(key(TAG, "campaign", good.id, "pending"), "abc")
    assert good.wait(timeout=20).accepted == 300
    until(lambda: "string" in bad.progress().reason, "the damaged one tells why")
    assert bad.progress().state == "paused"


def test_shell(stage: Stage, worker: WorkerProcess) -> None:
    """An operator sees what is damaged in `doctor` and `set-aside list`, puts back what he fixed, and drops the rest."""
    del worker
    env = {**os.environ, "SMS_BROKER_URL": stage.server.url, "SMS_APP": str(stage.app_dir)}
    with stage.client() as client:
        fixable, hopeless = (stage.send("SMS.Example", countdown=1) for _ in range(2))
        client.hset(key(TAG, "job", fixable.id), "state", "split")
        replace_by("list")(client, key(TAG, "job", hopeless.id))
        ids = {each: f"{TAG}:job:{each.id}" for each in (fixable, hopeless)}
        room = key(TAG, "aside")
        until(lambda: all(client.hexists(room, f"job:{each.id}") for each in ids), "both are set aside")
        client.hset(key(TAG, "job", fixable.id), "state", "queued")
    with pytest.raises(SmsError) as told:
        hopeless.get(timeout=5)
    assert told.value.reason == "job_unreadable"
    found = smsjobs("doctor", "--json", env=env)
    shown = [each for each in json.loads(found.stdout)["findings"] if each["subject"] == "set aside"]
    assert {each["verdict"] for each in shown} == {"bad"}
    listed = json.loads(smsjobs("set-aside", "list", "--json", env=env).stdout)["set_aside"]
    assert set(ids.values()) <= {each["id"] for each in listed}
    assert smsjobs("set-aside", "put-back", ids[fixable], env=env).returncode == 0
    assert word(outcome(fixable, timeout=10)) == "accepted"
    assert smsjobs("set-aside", "drop", ids[hopeless], env=env).returncode == 0
    dropped = outcome(hopeless, timeout=5)
    assert isinstance(dropped, RequestFailed)
    assert (dropped.outcome, dropped.reason) == ("unknown", "dropped")
    again = smsjobs("set-aside", "drop", ids[hopeless], "--json", env=env)
    assert (again.returncode, json.loads(again.stdout)["error"]["reason"]) == (1, "not_set_aside")
    left = json.loads(smsjobs("set-aside", "list", "--json", env=env).stdout)["set_aside"]
    assert not set(ids.values()) & {each["id"] for each in left}


@pytest.mark.parametrize("name", ["list", "secret"])
def test_damaged_suppression_list(stage: Stage, worker: WorkerProcess, name: str) -> None:
    """Codes and notifications are sent at once; promotional messages wait until the list is fixed, and then leave out who is on it."""
    del worker
    name = key("suppressed", name)
    element = stage.sms.getElement("SMS.Example")
    people = [PHONE, OTHER]

    def campaign(about: str, *, promotional: bool) -> Callable[[], int]:
        started = element.campaign(
            f"{about} {name}",
            recipients=people,
            verifyTemplateCode="SMS_1",
            params={"code": "1"},
            promotional=promotional,
        )
        return lambda: started.progress().accepted

    stage.sms.suppression.add(PHONE)
    with stage.client() as client:
        whole = client.dump(name)
        replace_by("list")(client, name)
        # What processes know of the secret is up to a quarter of a second old.
        time.sleep(0.5)
        sms = stage.connect()
        held = stage.send("SMS.Example", OTHER, lane="bulk", sms=sms)
        until(lambda: held.info().last_error == "list_damaged", "it waits")
        for lane in ("verification", "notification"):
            assert word(outcome(stage.send("SMS.Example", lane=lane, sms=sms), timeout=5)) == "accepted"
        notice = campaign("a notice", promotional=False)
        until(lambda: notice() == 2, "it is sent to all")
        client.delete(name)
        client.restore(name, 0, whole)
        assert stage.sms.suppression.has(PHONE)
        tag = element_tag("SMS.Example")
        client.hset(key(tag, "job", held.id), "due", "0")
        client.zadd(key(tag, "agenda"), {held.id: 0})
        assert word(outcome(held, timeout=15)) == "accepted"
        sms.close()

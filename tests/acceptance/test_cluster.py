"""The ledger in a Redis Cluster of three masters, with a real worker: elements on several nodes, broker and results beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.result import AsyncResult

from aliyun_sms_simulator import SimulatorProcess
from smsjobs import RequestFailed
from smsjobs.contract import LANES
from smsjobs.settings import ConnectionSettings
from smsjobs.verification import Limit
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.doctor import Finding, examine
from support.cluster import Cluster
from support.redis_server import RedisServer
from support.stage import TEMPLATE, Stage, count, new_phone, outcome, word

SECRET = "a secret that is good for tests only"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Three masters."""
    with Cluster() as running:
        yield running


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, redis_server: RedisServer, simulator_process: SimulatorProcess
) -> Iterator[Stage]:
    """Three elements, one on each node, and a worker."""
    with Stage(redis_server, simulator_process, cluster=cluster) as stage:
        for each in cluster.elements():
            stage.write(each, maxQps=500)
        with stage.worker(SMS_REPLIES="1"):
            yield stage


@pytest.fixture(scope="module")
def elements(cluster: Cluster) -> list[str]:
    """Their names."""
    return [f"SMS.{each}" for each in cluster.elements()]


def test_jobs(stage: Stage, cluster: Cluster, elements: list[str]) -> None:
    """Jobs of all elements and lanes are sent once; their results are where Celery keeps them, answers lost or not."""
    jobs = [
        stage.send(element, lane=lane, idempotency_key=f"{element} {lane} {number}")
        for element in elements
        for lane in LANES
        for number in range(3)
    ]
    lost = new_phone()
    stage.simulator.fault("reset_after", phone=lost)
    jobs.append(stage.send(elements[1], lost, lane="verification"))
    phone = new_phone()
    same = [stage.send(elements[2], phone, idempotency_key="the same").id for _ in range(2)]
    assert same[0] == same[1]
    found = count(stage, [*jobs, stage.sms.job(same[0])])
    assert found.outcomes == {"accepted": 29}
    assert (found.twice, found.open) == ((), ())
    assert {AsyncResult(each.id, app=stage.celery).get(timeout=20)["outcome"] for each in jobs} == {
        "accepted"
    }
    for node in cluster.nodes:
        with node.client() as client:
            assert client.keys("sms:{*}:job:*")
            assert not client.keys("celery*")


def test_a_plain_client(stage: Stage, elements: list[str]) -> None:
    """A plain Celery client's job, whose id tells no element, is found on its node."""
    arguments = {
        "element": elements[2],
        "phoneList": [new_phone()],
        "params": {"code": "1"},
        "verifyTemplateCode": TEMPLATE,
    }
    sent = stage.celery.send_task("smsjobs.submit", kwargs=arguments, queue="sms.notification")
    assert sent.get(timeout=30)["outcome"] == "accepted"
    assert stage.sms.job(sent.id).get(timeout=10).out_id == sent.id


def test_campaigns(stage: Stage, elements: list[str]) -> None:
    """A campaign of each element, each on its node, reaches everybody once."""
    people = [new_phone() for _ in range(1500)]
    campaigns = [
        stage.sms.getElement(each).campaign(
            "spring", recipients=people, verifyTemplateCode=TEMPLATE, params={"code": "1"}
        )
        for each in elements
    ]
    for each in campaigns:
        each.wait(timeout=60)
        assert each.progress().accepted == 1500
        assert {row.outcome for row in each.report()} == {"accepted"}


def test_verification(stage: Stage, elements: list[str]) -> None:
    """A code of each element arrives and is right once."""
    for each in elements:
        login = stage.sms.getElement(each).verification(
            "login", verifyTemplateCode=TEMPLATE, secret=SECRET, per_number=Limit(hour=1)
        )
        phone = new_phone()
        assert word(outcome(login.send(phone, "203.0.113.7").job)) == "accepted"
        (sent,) = stage.simulator.accepted(phone=phone)
        assert login.check(phone, sent["params"]["code"])
        assert not login.check(phone, sent["params"]["code"])


def test_suppression(stage: Stage, elements: list[str]) -> None:
    """The one list of suppressed numbers holds for the elements of every node."""
    phone = new_phone()
    stage.sms.suppression.add(phone, scope="all")
    for each in elements:
        with pytest.raises(RequestFailed, match="suppressed"):
            stage.send(each, phone)
    assert stage.sms.suppression.remove(phone)
    assert word(outcome(stage.send(elements[0], phone))) == "accepted"


def findings(stage: Stage, cluster: Cluster, **more: str) -> list[Finding]:
    """What the doctor finds about the ledger."""
    asked = {"SMS_BROKER_URL": stage.server.url, "SMS_REDIS_URL": cluster.url, **more}
    connection = ConnectionSettings.read(environ=asked)
    settings = WorkerSettings(connection=connection, app_dir=Path(stage.app_dir), lanes=LANES)
    return [each for each in examine(settings) if each.subject in ("ledger", "results")]


def test_doctor(stage: Stage, cluster: Cluster, elements: list[str]) -> None:
    """The doctor looks at each node, tells which elements it has, and has a job of its own recorded."""
    for each in elements:
        outcome(stage.send(each))
    found = findings(stage, cluster)
    texts = [each.text for each in found]
    assert "the Cluster has 3 masters and all slots" in texts
    for each, node in zip(elements, cluster.nodes, strict=True):
        assert f"the node 127.0.0.1:{node.port} has {each}" in texts
        assert f"the node 127.0.0.1:{node.port}: it never evicts a job (maxmemory-policy noeviction)" in texts
    assert any("was recorded, claimed, settled and removed" in each for each in texts)
    assert "the result backend took a result of its own, and forgot it" in texts
    assert {each.verdict for each in found} == {"good"}
    assert "servers@/secret" not in str(found)
    (refused,) = [each for each in findings(stage, cluster, SMS_REPLICAS="1") if each.verdict == "bad"]
    assert "SMS_REPLICAS=1 replicas do not have it in time" in refused.text

"""Accounts without keys in their files: a real worker, Aliyun's library of credentials, and the simulator as STS and metadata service."""

from collections.abc import Iterator

import pytest

from smsjobs import RequestFailed
from support.polling import until
from support.stage import Stage, outcome, word
from support.worker import WorkerProcess

ROLE = "acs:ram::1000000000000001:role/sms"
NO_KEYS = {"accessKey": None, "accessSecret": None}

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture(scope="module")
def worker(stage: Stage) -> Iterator[WorkerProcess]:
    """One real worker, as on an ECS instance: the address of the metadata service leads to the simulator."""
    simulator = stage.simulator
    stage.write("Instance", credentials="default", **NO_KEYS)
    stage.write("Role", roleArn=ROLE, stsEndpoint=simulator.url, **NO_KEYS)
    env = {"HTTP_PROXY": simulator.url, "NO_PROXY": "127.0.0.1", "HOME": str(stage.app_dir)}
    with stage.worker(**env) as worker:
        yield worker


@pytest.fixture(autouse=True)
def instance(stage: Stage) -> Iterator[None]:
    """An instance with a role, and no faults."""
    stage.simulator.reset()
    stage.simulator.set(instance_role="sms-sender")
    yield
    stage.simulator.reset()


@pytest.mark.parametrize("name", ["Instance", "Role"])
def test_sends(stage: Stage, name: str) -> None:
    """A message goes out signed by the role of the instance, and by a role that is taken on with it; tokens that end do not stop it."""
    element = f"SMS.{name}"
    jobs = [stage.send(element)]
    assert word(outcome(jobs[0])) == "accepted"
    stage.simulator.expire_tokens()
    jobs.append(stage.send(element))
    result = outcome(jobs[1])
    assert (result.outcome, result.attempts) == ("accepted", 2)
    codes = [each["code"] for each in stage.simulator.requests(action="SendSms")]
    assert codes[-2:] == ["InvalidSecurityToken.Expired", "OK"]
    assert [stage.simulator.accepted_count(each.id) for each in jobs] == [1, 1]


def test_waits_for_keys(stage: Stage, worker: WorkerProcess) -> None:
    """While the metadata service is silent nothing is sent, and what has not expired goes out once it answers."""
    stage.simulator.fault("close_before", action="InstanceMetadata", times=None)
    stage.simulator.expire_tokens()
    short, long = stage.send("SMS.Instance", expires=3), stage.send("SMS.Instance", expires=60)
    ended = outcome(short)
    assert isinstance(ended, RequestFailed)
    assert (ended.code, ended.outcome, ended.reason) == (46003, "not_sent", "no_credentials")
    assert stage.simulator.accepted_counts() == {}
    stage.simulator.clear_faults()
    assert word(outcome(long)) == "accepted"
    assert stage.simulator.accepted_counts() == {long.id: 1}
    until(lambda: "action=keys_not_renewed" in worker.log(), "it is told")


def test_nothing_secret_in_the_log(stage: Stage, worker: WorkerProcess) -> None:
    """What was fetched and refused is in no line of the worker's log."""
    for private in ("STS.", "your_access_secret", "Signature=", "SecurityToken="):
        assert private not in worker.log()

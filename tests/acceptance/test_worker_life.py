"""A worker's life: starting, its elements' files, stopping, and an unreachable Redis."""

import json
import signal

import pytest

from smsjobs import QueueUnavailable, SendResult
from support.polling import in_time, until
from support.stage import Stage, outcome
from support.worker import WorkerProcess

LOADER = """
class Loader:
    def __init__(self, nodes):
        self.nodes = nodes

    def load(self):
        return Sender(self.nodes[0].getFile("greeting.txt").strip())


class Sender:
    def __init__(self, greeting):
        self.greeting = greeting

    def sendMessage(self, phoneList, params, verifyTemplateCode):
        return {"Code": "OK", "BizId": self.greeting, "Message": f"{len(phoneList)} number"}
"""


def test_a_worker_with_broken_elements_does_not_start(stage: Stage) -> None:
    """A worker refuses to start, lists all that is wrong with every element, and shows no secret."""
    directory = stage.app_dir / "SMS"
    stage.write("NoSign", verifySign="")
    stage.write("NoType")
    (directory / "NoType" / "e.json").write_text(json.dumps({"title": "x", "type": "SMS.Nowhere"}))
    stage.write("NoJson")
    (directory / "NoJson" / "sms.json").write_text('{"accessSecret": "your_access_secret",')
    try:
        worker = stage.worker()
        worker.start(wait=False)
        assert worker.wait(30) == 2
    finally:
        for name in ("NoSign", "NoType", "NoJson"):
            (directory / name / "e.json").unlink()
    log = worker.log()
    for part in (
        "does not start",
        "SMS.NoSign",
        "verifySign",
        "SMS.NoType",
        "SMS.Nowhere",
        "SMS.NoJson",
        "sms.json",
    ):
        assert part in log, log
    assert "your_access_secret" not in log


def test_a_changed_account_is_picked_up(stage: Stage, worker: WorkerProcess) -> None:
    """A running worker signs with the new account after sms.json has changed."""
    element = stage.write("Changing", verifySign="before")
    assert outcome(stage.send(element)).outcome == "accepted"
    stage.write("Changing", verifySign="after")

    def new_sign() -> bool:
        job = stage.send(element)
        assert outcome(job).outcome == "accepted"
        (accepted,) = stage.simulator.accepted(out_id=job.id)
        return accepted["sign_name"] == "after"

    until(new_sign, "the new signature is used", every=0.2, timeout=10)


def test_a_type_of_the_applications_own(stage: Stage, worker: WorkerProcess) -> None:
    """A Type that is a directory of the application sends jobs from the queue like the official one."""
    kind, instance = stage.app_dir / "SMS" / "Greeter", stage.app_dir / "SMS" / "Hello"
    kind.mkdir()
    (kind / "e.json").write_text(json.dumps({"title": "t", "type": "SMS.Meta", "backendBundleEntry": "."}))
    (kind / "__init__.py").write_text(LOADER)
    instance.mkdir()
    (instance / "e.json").write_text(
        json.dumps({"title": "h", "type": "SMS.Greeter", "backendBundleEntry": "."})
    )
    (instance / "greeting.txt").write_text("hello")
    job = stage.send("SMS.Hello")
    result = job.get(timeout=20)
    assert (result.biz_id, result.response["Message"]) == ("hello", "1 number")
    assert stage.stored(job)["biz_id"] == "hello"


def test_a_worker_that_is_told_to_stop_finishes_its_requests(own: Stage) -> None:
    """SIGTERM ends a worker after the requests that it has begun, with their outcomes, and it begins no others."""
    # Long enough for the signal to come before the first answer, however busy the machine is.
    own.write(readTimeoutMs=20_000)
    own.simulator.set_latency(3_000)
    with own.worker(options=("--concurrency", "4")) as worker:
        jobs = [own.send("SMS.Example") for _ in range(12)]
        until(lambda: own.simulator.request_counts().get("SendSms", 0) >= 4, "four requests have begun")
        worker.signal(signal.SIGTERM)
        assert worker.wait(20) == 0
        own.simulator.set_latency(0)
        ended = [job for job in jobs if job.status() == "accepted"]
        begun = own.simulator.request_counts()["SendSms"]
        assert begun == len(ended)
        assert 4 <= begun <= 8
        assert {job.status() for job in jobs if job not in ended} == {"queued"}
        # The rest is not lost: the next worker takes it.
        worker.start()
        assert {outcome(job).outcome for job in jobs} == {"accepted"}
        assert {own.stored(job)["outcome"] for job in jobs} == {"accepted"}
    assert own.simulator.accepted_counts(at_least=2) == {}


def test_a_worker_goes_on_when_redis_comes_back(own: Stage) -> None:
    """Redis is unreachable: sendMessage raises in time; a running worker reconnects by itself and continues where it was."""
    with own.worker() as worker:
        assert outcome(own.send("SMS.Example")).outcome == "accepted"
        later = own.send("SMS.Example", countdown=2)
        own.server.kill()
        with in_time(8), pytest.raises(QueueUnavailable) as caught:
            own.send("SMS.Example", idempotency_key="again")
        assert (caught.value.code, caught.value.reason) == (46003, "queue_unavailable")
        own.server.restart()
        again = own.send("SMS.Example", idempotency_key="again")
        assert isinstance(outcome(again), SendResult)
        assert isinstance(outcome(later), SendResult)
        assert own.stored(again)["outcome"] == "accepted"
        assert worker.process is not None
        assert worker.process.poll() is None
    assert own.simulator.accepted_counts(at_least=2) == {}


def test_a_worker_may_start_before_redis(own: Stage) -> None:
    """A worker that starts while Redis is unreachable waits for it and then works."""
    own.server.kill()
    worker = own.worker()
    worker.start(wait=False)
    try:
        worker.wait_for_log("Trying again in")
        own.server.restart()
        assert isinstance(outcome(own.send("SMS.Example")), SendResult)
    finally:
        worker.stop()

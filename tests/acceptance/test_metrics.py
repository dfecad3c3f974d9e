"""A real worker and a real `smsjobs serve`, scraped over HTTP while jobs of every kind run."""

import json
from collections.abc import Iterator

import pytest

from support.polling import until
from support.ports import free_port
from support.scraped import Scraped, scrape
from support.served import SECRET, Served
from support.stage import Stage, new_phone, outcome, word
from support.worker import WorkerProcess


@pytest.fixture(scope="module")
def port() -> int:
    """Where the worker serves its figures."""
    return free_port()


@pytest.fixture(scope="module")
def worker(stage: Stage, port: int) -> Iterator[WorkerProcess]:
    """A worker that counts."""
    with stage.worker(SMS_METRICS_PORT=str(port)) as worker:
        yield worker


def test_every_kind_of_job(stage: Stage, worker: WorkerProcess, port: int) -> None:
    """Accepted, refused, lost and found, tried again, and of no element: each is counted once, and nothing personal is shown."""
    phones = {kind: new_phone() for kind in ("accepted", "refused", "lost", "again")}
    stage.simulator.fault("code", phone=phones["refused"], code="isv.AMOUNT_NOT_ENOUGH")
    stage.simulator.fault("reset_after", phone=phones["lost"])
    stage.simulator.fault("throttling", phone=phones["again"])
    jobs = {kind: stage.send("SMS.Example", phone) for kind, phone in phones.items()}
    jobs["absent"] = stage.send("SMS.Nowhere")
    ends = {kind: word(outcome(job)) for kind, job in jobs.items()}
    assert ends == {
        "accepted": "accepted",
        "refused": "rejected balance",
        "lost": "accepted",
        "again": "accepted",
        "absent": "rejected element_not_found",
    }
    # The outcome is there a moment before it is told.
    until(lambda: scrape(port)("smsjobs_jobs_total") == 5, "all are counted")
    found = scrape(port)
    about = {"element": "SMS.Example", "lane": "notification"}
    jobs_, tries = "smsjobs_jobs_total", "smsjobs_attempts_total"
    assert found(jobs_, **about, outcome="accepted", reason="response") == 2
    assert found(jobs_, **about, outcome="accepted", reason="lookup") == 1
    assert found(jobs_, **about, outcome="rejected", reason="balance") == 1
    assert found(jobs_, element="other", reason="element_not_found") == 1
    assert found(tries, **about, result="accepted", aliyun_code="OK") == 2
    assert found(tries, **about, result="rejected", aliyun_code="isv.AMOUNT_NOT_ENOUGH") == 1
    assert found(tries, **about, result="lost", aliyun_code="") == 1
    assert found(tries, **about, result="not_sent", aliyun_code="") == 1
    assert found("smsjobs_balance_refusals_total", element="SMS.Example") == 1
    assert found("smsjobs_lookups_total", result="found") == 1
    assert found("smsjobs_waits_total", state="looking_up") >= 1
    assert found("smsjobs_request_seconds_count", lane="notification") == 5
    # Of each job once, however often it was tried.
    assert found("smsjobs_queue_seconds_count", lane="notification") == 4
    assert found("smsjobs_job_seconds_count", lane="notification") == 5
    assert not [each for each in phones.values() if each in found.text]
    assert not [each.id for each in jobs.values() if each.id in found.text]
    assert scrape(port, "/") == scrape(port, "/metricsx") == scrape(port, "/../metrics") == 404


def test_the_ledger(stage: Stage, worker: WorkerProcess) -> None:
    """`smsjobs serve` tells what is in the ledger, and counts the receipts that it takes."""
    phone, unknown = new_phone(), new_phone()
    stage.simulator.fault("hang_before", phone=unknown)
    job = stage.send("SMS.Example", phone)
    lost = stage.send("SMS.Example", unknown, lane="verification")
    later = stage.send("SMS.Example", countdown=3600)
    assert outcome(job).outcome == "accepted"
    assert word(outcome(lost)) == "unknown no_answer"
    served = Served(stage.server.url)
    try:
        assert served.told["metrics"] == "local"
        pushed = {
            "out_id": job.id,
            "phone_number": phone,
            "success": True,
            "err_code": "DELIVERED",
            "send_time": "2026-11-28 12:00:00",
            "report_time": "2026-11-28 12:00:07",
        }
        for _ in range(2):  # Aliyun may tell it twice
            assert served.ask("POST", f"/receipts/{SECRET}", json.dumps([pushed]).encode())[0] == 200
        found: Scraped = scrape(served.port)
    finally:
        _, log = served.end()
    assert found("smsjobs_ledger_up") == 1
    assert found("smsjobs_ledger_open") == 1, "the one of later"
    assert found("smsjobs_unknown") == 1
    assert found("smsjobs_not_well") >= 1
    assert found("smsjobs_oldest_due_seconds") == 0
    assert {lane: found("smsjobs_lane_served", lane=lane) for lane in ("verification", "notification")} == {
        "verification": 1,
        "notification": 1,
    }
    assert found("smsjobs_deliveries_total", carrier="mobile", state="delivered", err_code="DELIVERED") == 1
    assert found("smsjobs_delivery_seconds_sum", carrier="mobile") == 7
    assert found("smsjobs_redis_used_bytes") > 0
    assert not any(text in found.text + log for text in (phone, unknown, job.id, later.id))
    later.cancel()


def test_a_port_in_use(stage: Stage, worker: WorkerProcess, port: int) -> None:
    """A second worker with the same port does not start: it says why, with status 2."""
    other = stage.worker(SMS_METRICS_PORT=str(port))
    other.start(wait=False)
    assert other.wait() == 2
    assert f"SMS_METRICS_PORT: cannot listen on 127.0.0.1 port {port}: Address already in use" in other.log()
    assert "Traceback" not in other.log()

"""The producer as a guest: in threads, after a fork, in somebody else's Celery or Django process."""

import json
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from smsjobs import Element, Sms

GOOD = {
    "phoneList": ["13800138000"],
    "params": {"code": "739201"},
    "verifyTemplateCode": "SMS_1",
    "lane": "verification",
}


def queue_length(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.llen("sms.verification"))


def queued_ids(url: str) -> set[str]:
    with redis.Redis.from_url(url) as client:
        return {json.loads(each)["headers"]["id"] for each in client.lrange("sms.verification", 0, -1)}


def test_fifty_threads_send_at_once(element: Element, redis_url: str) -> None:
    """Fifty threads that share one producer send ten jobs each, and none is lost or sent twice."""
    with ThreadPoolExecutor(50) as pool:
        jobs = list(pool.map(lambda _: element.sendMessage(**GOOD), range(500)))
    assert len({job.id for job in jobs}) == 500
    # A message may be published again where the broker's answer came too late; it is the same job.
    assert queued_ids(redis_url) == {job.id for job in jobs}


def test_parent_and_forked_children_send(element: Element, redis_url: str) -> None:
    """After os.fork both sides of it send over connections of their own, also at the same time."""
    element.sendMessage(**GOOD)
    children = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                ids = {element.sendMessage(**GOOD).id for _ in range(20)}
                status = 0 if len(ids) == 20 else 2
            finally:
                os._exit(status)
        children.append(pid)
    for _ in range(20):
        assert element.sendMessage(**GOOD).status() == "queued"
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0, 0, 0]
    assert queue_length(redis_url) == 1 + 3 * 20 + 20


def start(program: str, redis_url: str, **env: str) -> "subprocess.Popen[str]":
    """A fresh interpreter with that program, our settings and no other of Celery's."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SMS_", "CELERY_"))}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), json.dumps(GOOD)],
        env={**clean, "SMS_BROKER_URL": redis_url, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process: "subprocess.Popen[str]") -> Any:
    """What the program printed, as JSON."""
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    return json.loads(out)


def test_processes_of_their_own_share_a_key(redis_url: str) -> None:
    """Processes started afresh that race with one key get one job."""
    program = """
        import json, sys
        from smsjobs import connect
        job = connect().getElement("SMS.Test").sendMessage(**json.loads(sys.argv[1]), idempotency_key="k")
        print(json.dumps(job.id))
    """
    processes = [start(program, redis_url) for _ in range(3)]
    assert len({answer(process) for process in processes}) == 1
    assert queue_length(redis_url) == 1


def test_another_celery_app_stays_as_it_is(redis_url: str) -> None:
    """The current app, the process's pools and their limit are somebody else's, and stay so."""
    program = """
        import json, os, sys, kombu.pools
        from celery import Celery, current_app
        from smsjobs import connect
        host = Celery("host", broker=os.environ["SMS_BROKER_URL"], set_as_current=True)
        host.conf.broker_pool_limit = 3
        host.send_task("theirs", queue="theirs")
        def theirs():
            return [kombu.pools.get_limit(), len(kombu.pools.connections), len(kombu.pools.producers)]
        before = theirs()
        connect().getElement("SMS.Test").sendMessage(**json.loads(sys.argv[1]))
        host.send_task("theirs", queue="theirs")
        print(json.dumps([before == theirs(), current_app._get_current_object() is host]))
    """
    assert answer(start(program, redis_url)) == [True, True]
    assert queue_length(redis_url) == 1
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen("theirs") == 2


def test_closed_producer_may_be_used_again(sms: Sms, redis_url: str) -> None:
    """After close() the next call connects again."""
    element = sms.getElement("SMS.Test")
    for _ in range(3):
        assert element.sendMessage(**GOOD).status() == "queued"
        sms.close()
    assert queue_length(redis_url) == 3


#: All at once, as far as they do not exclude each other: whichever is heeded, nothing is sent.
NOWHERE = {
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_WRITE_URL": "redis://127.0.0.1:1/0",
    "CELERY_RESULT_BACKEND": "redis://127.0.0.1:1/0",
    "DJANGO_SETTINGS_MODULE": "no_such_site.settings",
    "FORKED_BY_MULTIPROCESSING": "1",
}


@pytest.mark.parametrize(
    "env",
    [
        NOWHERE | {"CELERY_LOADER": "no.such.loader"},
        NOWHERE | {"CELERY_LOADER": "default", "CELERY_CONFIG_MODULE": "no_such_config"},
    ],
    ids=["no such loader", "no such configuration"],
)
def test_settings_of_somebody_else_are_ignored(redis_url: str, env: dict[str, str]) -> None:
    """Celery's and Django's variables in the environment change nothing: the job is sent at once."""
    program = """
        import json, sys, time
        from smsjobs import connect
        begun = time.monotonic()
        job = connect(timeout=30).getElement("SMS.Test").sendMessage(**json.loads(sys.argv[1]))
        print(json.dumps([job.status(), time.monotonic() - begun]))
    """
    status, took_s = answer(start(program, redis_url, **env))
    assert status == "queued"
    assert took_s < 15
    assert queue_length(redis_url) == 1
    with redis.Redis.from_url(redis_url) as client:
        assert client.pubsub_channels() == []

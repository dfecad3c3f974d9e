"""`smsjobs serve` as a process: the secret path, the bounds of a body, the sign of life, and its end."""

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from smsjobs import connect
from smsjobs.contract import element_tag
from smsjobs.receipts import LARGEST_PUSH
from smsjobs.redis_store import key
from support.keys import job_key
from support.ledgers import PHONE, a_job, accepted, granted
from support.nursery import smsjobs
from support.polling import Turns, in_time
from support.proxy import CuttingProxy
from support.redis_server import RedisServer
from support.served import SECRET, Served

PATH = f"/receipts/{SECRET}"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis of this file's own, which one test stops."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def served(server: RedisServer) -> Iterator[Served]:
    """One server for most tests."""
    served = Served(server.url)
    yield served
    status, log = served.end()
    assert (status, SECRET in log, PHONE in log) == (0, False, False)


def test_a_receipt_is_taken(server: RedisServer, served: Served) -> None:
    """Under the secret path the console's check is answered, and a push is written down."""
    assert served.told["receipts"] is True
    assert json.loads(served.ask("GET", PATH)[1])["code"] == 0
    with closing(connect(broker_url=server.url)) as sms:
        job, ledger = a_job(), sms.connection.ledger
        ledger.record(job)
        granted(ledger, job)
        ledger.settle(job.id, "token", accepted(job))
        report = {"out_id": job.id, "phone_number": PHONE, "success": True, "err_code": "DELIVERED"}
        status, body = served.ask("POST", PATH, json.dumps([report]).encode())
        assert (status, json.loads(body)) == (200, {"code": 0, "msg": "接收成功"})
        assert sms.job(job.id).delivery().state == "delivered"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/receipts/another-secret-of-tests"),
        ("GET", f"/receipts/{SECRET}x"),
        ("GET", f"/receipts/{SECRET[:-1]}"),
        ("GET", f"/receipts/{SECRET}/"),
        ("GET", "/receipts/%E4%BD%A0%ff"),
        ("GET", "/receipts"),
        ("GET", "/"),
        ("PUT", PATH),
        ("POST", "/healthz"),
    ],
)
def test_whatever_else_is_404_without_a_trace(served: Served, method: str, path: str) -> None:
    """A wrong secret, a wrong path and a wrong method look the same: nothing is there."""
    assert served.ask(method, path, b"[]" if method == "POST" else None) == (404, b"")


def test_silent_clients_cost_no_receipt(served: Served) -> None:
    """While more clients hang on than requests are permitted at the same time, Aliyun is answered."""
    assert served.ask("GET", PATH)[0] == 200
    slow = [socket.create_connection((served.host, served.port)) for _ in range(520)]
    for number, each in enumerate(slow):
        each.sendall((b"", b"GET / HTTP/1.1\r\nHost: a")[number % 2])
    assert served.ask("GET", PATH)[0] == 200
    for each in slow:
        each.close()


def test_too_large_a_body_is_refused(served: Served) -> None:
    """More than 1 MiB is refused, whether its length is told or not, and exactly 1 MiB is not."""
    assert served.ask("POST", PATH, b" " * (LARGEST_PUSH + 1))[0] == 413
    assert served.ask("POST", PATH, b" " * LARGEST_PUSH)[0] == 200
    assert served.ask("POST", PATH, iter([b" " * 2**19] * 3))[0] == 413  # type: ignore[arg-type]


def test_a_slow_client_holds_nothing(served: Served) -> None:
    """Clients that begin a push and never end it keep nobody else waiting."""
    slow = [socket.create_connection((served.host, served.port)) for _ in range(50)]
    for each in slow:
        each.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n[".encode())
    with in_time(1):
        assert served.ask("POST", PATH, b"[]")[0] == 200
    slow[0].settimeout(10)
    assert slow[0].recv(100).startswith(b"HTTP/1.1 408 ")
    for each in slow:
        each.close()


def test_in_time_while_redis_is_slow(server: RedisServer, served: Served) -> None:
    """At 500 receipts a second in batches of 100 each is answered within 0.7 s: with 503 while Redis hangs, else with 200."""
    with closing(connect(broker_url=server.url)) as sms:
        ledger, jobs = sms.connection.ledger, [a_job() for _ in range(100)]
        for job in jobs:
            ledger.record(job)
            granted(ledger, job)
            ledger.settle(job.id, "token", accepted(job))
        reports = [{"out_id": each.id, "phone_number": PHONE, "success": True} for each in jobs]
        body = json.dumps(reports).encode()

        def push(number: int) -> tuple[int, float, float]:
            time.sleep(number / 5)
            begun = time.monotonic()
            status, _ = served.ask("POST", PATH, body)
            return status, begun, time.monotonic()

        served.ask("POST", PATH, body)
        with Turns() as turns, ThreadPoolExecutor(20) as pool:
            pushes = pool.map(push, range(20))
            time.sleep(1.1)
            stops = time.monotonic()
            sms.connection.redis().execute_command("CLIENT", "PAUSE", "1500")
            stopped, continues = time.monotonic(), stops + 1.5
            answers = list(pushes)
        assert sms.job(jobs[-1].id).delivery().state == "delivered"
    # On a machine that holds the server up, what has its time is answered with 503, too.
    held_up = {503} if turns.late_s > 0.3 else set()
    assert {status for status, _, ended in answers if ended < stops} <= {200} | held_up
    assert {status for status, begun, ended in answers if stopped < begun and ended < continues} == {503}
    assert {status for status, begun, _ in answers if begun > stopped + 1.8} <= {200} | held_up
    assert max(ended - begun for _, begun, ended in answers) < 0.7 + turns.late_s


def test_killed_between_write_and_answer(server: RedisServer) -> None:
    """What a server had written when it was killed is taken again by another one, which changes nothing and tells no event."""
    with closing(connect(broker_url=server.url)) as sms, CuttingProxy(server.port) as proxy:
        job, ledger, redis = a_job(), sms.connection.ledger, sms.connection.redis()
        ledger.announce(["SMS.Test"])
        sms.connection.incoming.events.subscribe("hook")
        ledger.record(job)
        granted(ledger, job)
        report = {"out_id": job.id, "phone_number": PHONE, "success": True, "biz_id": "biz-of-the-kill"}
        body = json.dumps([report]).encode()
        with ExitStack() as stack:
            doomed = Served(server.url.replace(str(server.port), str(proxy.port)))
            stack.callback(doomed.end, signal.SIGKILL)
            doomed.ask("GET", PATH)
            proxy.at_the_cut = doomed.process.kill
            # Only the step that writes has it.
            proxy.cut_after(b"biz-of-the-kill")
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                doomed.ask("POST", PATH, body)
        assert proxy.cuts == 1
        stream = key(element_tag("SMS.Test"), "events")

        def written() -> tuple[object, object]:
            return redis.hgetall(job_key(job.id)), redis.xrange(stream)

        before = written()
        assert sms.job(job.id).delivery().state == "delivered"
        assert redis.xlen(stream) == 2
        other = Served(server.url)
        assert [other.ask("POST", PATH, body)[0] for _ in range(2)] == [200, 200]
        other.end()
        assert written() == before
        sms.connection.incoming.events.unsubscribe("hook")


def test_redis_is_gone(server: RedisServer, served: Served) -> None:
    """Without Redis a report is refused with 503, and the sign of life says why; with Redis again all is well."""
    report = json.dumps([{"out_id": a_job().id, "phone_number": PHONE, "success": True}]).encode()
    assert served.ask("GET", "/healthz") == (200, b'{"status":"ok"}')
    server.kill()
    assert served.ask("POST", PATH, report)[0] == 503
    assert served.ask("GET", "/healthz") == (503, b'{"status":"redis_unreachable"}')
    server.start()
    assert served.ask("POST", PATH, report)[0] == 200
    assert served.ask("GET", "/healthz")[0] == 200


def test_without_a_secret_no_receipt_is_taken(server: RedisServer) -> None:
    """On this machine's own address it runs without a secret, and takes nothing; Ctrl-C ends it with status 0."""
    served = Served(server.url, None)
    assert served.told["receipts"] is False
    for path in ("/receipts/", "/receipts/None", "/receipts"):
        assert served.ask("POST", path, b"[]")[0] == 404
    assert served.ask("GET", "/healthz")[0] == 200
    assert served.end(signal.SIGINT)[0] == 0


def test_only_allowed_addresses(server: RedisServer) -> None:
    """With SMS_RECEIPT_ADDRESSES, to anybody else the secret path is 404, whoever he says he is; it is logged, as JSON too."""
    forged = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    served = Served(server.url, SMS_RECEIPT_ADDRESSES="203.0.113.7, 198.51.100.0/24", SMS_LOG="json")
    assert served.ask("POST", PATH, b"[]", **forged) == (404, b"")
    assert served.ask("GET", "/healthz")[0] == 200
    status, log = served.end()
    assert status == 0
    assert [json.loads(line).get("reason") for line in log.splitlines()] == ["wrong_address"]
    served = Served(server.url, SMS_RECEIPT_ADDRESSES="203.0.113.7 127.0.0.0/8")
    assert served.ask("POST", PATH, b"[]")[0] == 200
    assert served.end() == (0, "")


@pytest.mark.parametrize(
    ("arguments", "secret"),
    [
        (["--host", "0.0.0.0"], None),
        (["--host", "::"], None),
        (["--host", "example.com"], None),
        ([], "too-short"),
        ([], "a/secret/with/slashes"),
    ],
)
def test_refuses_to_start(arguments: list[str], secret: str | None) -> None:
    """Without a good secret nothing but this machine's own address is served: it ends with status 2 and names the fix."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SMS_")}
    done = smsjobs("serve", *arguments, env=env | ({"SMS_RECEIPT_SECRET": secret} if secret else {}))
    assert done.returncode == 2
    assert "SMS_RECEIPT_SECRET" in done.stderr
    assert "token_urlsafe" in done.stderr
    assert secret is None or secret not in done.stderr


def test_a_port_in_use(served: Served, server: RedisServer) -> None:
    """A port that is in use is named, with what to do."""
    env = {**os.environ, "SMS_BROKER_URL": server.url, "SMS_RECEIPT_SECRET": SECRET}
    done = smsjobs("serve", "--port", str(served.port), env=env)
    assert done.returncode == 1
    assert "in use" in done.stderr

"""Connections: kept alive, shared, and dropped before they go stale."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from darabonba.core import DaraCore

from smsjobs_worker.aliyun import connections, lean
from smsjobs_worker.aliyun.account import Endpoint
from smsjobs_worker.aliyun.deadlines import Deadlines
from smsjobs_worker.logs.facts import ConnectionsUnmanaged
from smsjobs_worker.provider import AnswerLost
from support.facts import told
from support.polling import in_time


def test_kept_alive(machine, sender, message):
    """Requests one after another go over one connection, also those of another sender of the same endpoint."""
    for number in range(5):
        sender(machine.url).send(message, out_id=f"job-{number}")
    assert len(machine.paths) == 5
    assert machine.connections == 1


def test_shared_by_threads(machine, sender, message):
    """Threads take turns with the connections there are: never more of them than threads."""
    one = sender(machine.url)

    def work(number):
        for each in range(5):
            one.send(message, out_id=f"job-{number}-{each}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(machine.paths) == 20
    assert 1 <= machine.connections <= 4


def test_idle_connection(machine, sender, message, monkeypatch):
    """A connection that idled too long is not used again, so that a quiet system's first message is not lost."""
    one = sender(machine.url)
    one.send(message, out_id="job-1")
    monkeypatch.setattr(connections, "MAX_IDLE_S", 0.0)
    one.send(message, out_id="job-2")
    one.send(message, out_id="job-3")
    assert machine.connections == 3
    monkeypatch.undo()
    one.send(message, out_id="job-4")
    one.send(message, out_id="job-5")
    assert machine.connections == 3


def pool_of(url):
    """The pool of our session for that address."""
    [session] = [each for key, each in DaraCore._sessions.items() if key.startswith(f"{url}:80:")]
    pools = session.get_adapter(url).poolmanager.pools
    [pool] = [pools[key] for key in pools.keys()]  # noqa: SIM118  no mapping
    assert type(session).__module__ == type(pool).__module__ == connections.__name__
    return pool


def connections_made(transport, url):
    """How many connections were opened to that address, as far as that transport knows."""
    if transport == "sdk":
        return pool_of(url).num_connections
    return len(lean._connections["http", url.removeprefix("http://")]._idle)


def test_sdk_goes_our_way(machine, sender, message, transport):
    """The SDK makes its requests where ours is put; a new one that does not fails here."""
    sender(machine.url).send(message, out_id="job-1")
    assert len(machine.paths) == connections_made(transport, machine.url) == 1


@pytest.mark.parametrize("its_own", ["_sessions", "do_action"])
def test_unknown_sdk(its_own, monkeypatch):
    """An SDK that keeps its connections elsewhere is said so, and continues with its own."""
    endpoint = Endpoint(protocol="http", host="127.0.0.1:9")
    monkeypatch.setattr(lean, "_sdk_action", None if its_own == "do_action" else lean._sdk_action)
    if its_own == "_sessions":
        monkeypatch.delattr(DaraCore, "_sessions")
    with told() as facts:
        connections.prepare(endpoint)
        lean.use(endpoint)
    lean.leave(endpoint)
    assert facts == [ConnectionsUnmanaged()]


@pytest.mark.parametrize(
    "body",
    [
        b'{"Code": "OK", "Message": "OK", "BizId": "1^0", "RequestId": "R-1"}' + b" " * n
        for n in (10, 5_000_000)
    ],
    ids=["cut off", "too long"],
)
def test_answer_that_is_not_whole(body, sender, message):
    """An answer that was cut off behind its last bracket, or has no end in sight, is an answer lost."""
    announced = len(body) + (1 if len(body) < 1000 else 0)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % announced

    def answer():
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(head + body)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(AnswerLost):
            sender(f"http://127.0.0.1:{listener.getsockname()[1]}", transport="lean").send(
                message, out_id="job-1"
            )


FORK = """
import os, sys
from smsjobs_worker.aliyun import AliyunSms, read_account

account, _ = read_account({"accessKey": "k", "accessSecret": "s", "verifySign": "x", "endpoint": sys.argv[1]})
sender = AliyunSms(account)
call = {"phoneList": ["13800138000"], "params": {}, "verifyTemplateCode": "SMS_1"}
sender.sendMessage(**call)
child = os.fork()
sender.sendMessage(**call)
if child == 0:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_fork(machine):
    """A forked process opens a connection of its own, and leaves its parent's alone."""
    subprocess.run([sys.executable, "-c", FORK, machine.url], check=True, timeout=60)
    assert (len(machine.paths), machine.connections) == (3, 2)


def test_more_threads_than_the_sdk_keeps_connections(simulator, sender, message, transport):
    """Each of 64 threads finds a connection again for its next request, though the SDK would keep 40."""
    simulator.set_latency(250)
    one = sender(simulator.url, readTimeoutMs=20000)
    one.send(message, out_id="job")
    # Those of an earlier test whose simulator had the same port, beside its first one.
    earlier = connections_made(transport, simulator.url) - 1
    at_once = threading.Barrier(64)

    def work(number):
        for each in range(3):
            at_once.wait(30)
            one.send(message, out_id=f"job-{number}-{each}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if transport == "sdk":
        assert pool_of(simulator.url).num_requests >= 192
    assert connections_made(transport, simulator.url) - earlier <= 64


#: The beginnings of answers of which a byte comes now and then, and the end never.
TRICKLES = [
    (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n", b" "),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" "),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    (b"HTTP/1.1 200 O", b"K"),
]


@contextmanager
def trickling(begin, more, certificate=None):
    """The port of a server whose answer trickles, encrypted with that certificate."""
    over = threading.Event()

    def trickle():
        connection, _ = listener.accept()
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            connection = context.wrap_socket(connection, server_side=True)
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(begin)
            while not over.wait(0.05):
                connection.sendall(more)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=trickle, daemon=True)
        server.start()
        yield listener.getsockname()[1]
        over.set()
        server.join(5)


@pytest.mark.parametrize(
    ("begin", "more"), TRICKLES, ids=["body", "to the end", "chunks", "headers", "status"]
)
def test_trickling(sender, message, begin, more):
    """An answer that trickles is an answer lost after twice the read time-out, and holds no thread for longer."""
    with trickling(begin, more) as port:
        begun = time.monotonic()
        # The time-out for connecting is 1 s, so not twice that.
        with in_time(1.8), pytest.raises(AnswerLost):
            sender(f"http://127.0.0.1:{port}", readTimeoutMs=300).send(message, out_id="job-1")
        assert time.monotonic() - begun > 0.5


def test_trickling_encrypted(certificate):
    """A connection with TLS is cut off too, though its reader is in the middle of it."""
    deadlines = Deadlines()
    client = ssl.create_default_context(cafile=certificate)
    with (
        trickling(b"", b" ", certificate) as port,
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        client.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"x")
        begun = time.monotonic()
        deadlines.begin(connection, within_s=0.3)
        with suppress(OSError):
            while connection.recv(1000):
                assert time.monotonic() - begun < 5
        deadlines.end()


def test_answered_in_time(machine, sender, message):
    """A connection whose answer came in time is not cut off at the deadline that the answer had, and is used again."""
    one = sender(machine.url, readTimeoutMs=300)
    one.send(message, out_id="job-1")
    time.sleep(1.2)  # twice the read time-out, and two looks of whoever cuts
    one.send(message, out_id="job-2")
    assert machine.connections == 1

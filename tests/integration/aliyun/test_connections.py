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

from smsjobs_worker.aliyun import connections
from smsjobs_worker.aliyun.deadlines import Deadlines
from smsjobs_worker.provider import AnswerLost


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


def test_sdk_uses_our_session(machine, sender, message):
    """The SDK keeps its sessions where ours is put; a new one that does not fails here."""
    before = set(DaraCore._sessions)
    sender(machine.url).send(message, out_id="job-1")
    [session] = [each for key, each in DaraCore._sessions.items() if key not in before]
    pools = session.get_adapter(machine.url).poolmanager.pools
    [pool] = [pools[key] for key in pools.keys()]  # noqa: SIM118  no mapping
    assert type(session).__module__ == type(pool).__module__ == connections.__name__
    assert (pool.num_requests, pool.num_connections) == (1, 1)


def test_unknown_sdk(sender, monkeypatch, caplog):
    """An SDK that keeps its sessions elsewhere is said so, and goes on with its own."""
    monkeypatch.delattr(DaraCore, "_sessions")
    assert sender("http://127.0.0.1:9")
    assert [each.action for each in caplog.records] == ["connections_unmanaged"]


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


def test_more_threads_than_the_sdk_keeps_connections(simulator, sender, message):
    """Each of 64 threads finds a connection again for its next request, though the SDK would keep 40."""
    simulator.set_latency(250)
    before = set(DaraCore._sessions)
    one = sender(simulator.url, readTimeoutMs=20000)
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
    [session] = [each for key, each in DaraCore._sessions.items() if key not in before]
    pools = session.get_adapter(simulator.url).poolmanager.pools
    [pool] = [pools[key] for key in pools.keys()]  # noqa: SIM118  no mapping
    assert pool.num_requests == 192
    assert pool.num_connections <= 64


#: The beginnings of answers of which a byte comes now and then, and the end never.
TRICKLES = [
    (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n", b" "),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" "),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    (b"", b"H"),
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
        with pytest.raises(AnswerLost):
            sender(f"http://127.0.0.1:{port}", readTimeoutMs=300).send(message, out_id="job-1")
        assert 0.5 < time.monotonic() - begun < 1.8  # the time-out for connecting is 1 s, so not twice that


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

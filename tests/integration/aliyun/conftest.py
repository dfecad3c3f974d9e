"""The real SDK against the simulator, and an answering machine for what the simulator does not say."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aliyun_sms_simulator import Simulator
from smsjobs.contract import check_message
from smsjobs_worker.aliyun import AliyunSms, read_account
from smsjobs_worker.retry import RetryPolicy

PHONE = "13800138000"
CODE = "384915"

#: Makes a sender: `sender(url, readTimeoutMs=1000)`.
MakeSender = Callable[..., AliyunSms]


@pytest.fixture(scope="session")
def simulator_of_all() -> Iterator[Simulator]:
    with Simulator(accounts={"example-key": "example-secret"}) as simulator:
        yield simulator


@pytest.fixture
def simulator(simulator_of_all: Simulator) -> Simulator:
    simulator_of_all.reset()
    return simulator_of_all


@pytest.fixture(params=["lean", "sdk"])
def transport(request) -> str:
    """How requests travel."""
    return request.param


@pytest.fixture
def sender(transport: str) -> MakeSender:
    def make(url: str, *, policy: RetryPolicy | None = None, **settings: Any) -> AliyunSms:
        given = {
            "accessKey": "example-key",
            "accessSecret": "example-secret",
            "verifySign": "示例签名",
            "endpoint": url,
            "readTimeoutMs": 1000,
            "connectTimeoutMs": 1000,
            "transport": transport,
        }
        account, faults = read_account(given | settings)
        assert account is not None, faults
        return AliyunSms(account, policy=policy)

    return make


@pytest.fixture
def message():
    return check_message([PHONE], {"code": CODE}, "SMS_123456789")


class _Machine:
    """Answers each request with the next answer, and counts connections and requests."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.paths: list[str] = []
        self.connections = 0
        machine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                machine.connections += 1

            def do_POST(self):
                machine.paths.append(self.path)
                status, headers, body = machine.answers.pop(0) if machine.answers else machine.ok()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @staticmethod
    def ok() -> tuple[int, dict[str, str], bytes]:
        body = {"Code": "OK", "Message": "OK", "BizId": "1^0", "RequestId": "R-1"}
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()

    def say(self, body: Any, status: int = 200, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, raw))

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def machine() -> Iterator[_Machine]:
    machine = _Machine()
    yield machine
    machine.stop()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """A proxy of the machine that runs the tests has no part in them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def certificate(tmp_path):
    """A file with a key and a certificate of localhost that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return pem

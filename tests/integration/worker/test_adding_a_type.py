"""The Type of docs/adding-a-type.md, as it stands on the page, in a real sender against its gateway."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import fakeredis
import pytest

from smsjobs.contract import LANES, JobRecord
from smsjobs.ledger import Ledger
from smsjobs_worker import App
from smsjobs_worker.sending.leases import Leases
from smsjobs_worker.sending.providers import Providers
from smsjobs_worker.sending.rate_limit import Permits
from smsjobs_worker.sending.sender import Done, NothingToDo, Sender
from support.ledgers import CODE, PHONE, Clock, a_job, verbs

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-type.md"

#: A file with its path above it.
FILE = re.compile(r"^`([^`]+)`:\n\n```(json|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Gateway(ThreadingHTTPServer):
    """The gateway that the page describes: records what it accepts, and answers as told."""

    daemon_threads = True

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.now = now
        self.accepted: list[dict[str, Any]] = []
        self.asked = 0
        #: What becomes of the next requests: a status, or ``"lost"`` for an answer that is cut off.
        self.answers: list[int | str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["Authorization"] == "Bearer example-token"
        answer = self.server.answers.pop(0) if self.server.answers else 201
        if answer in (201, "lost"):
            self.server.accepted.append(body | {"at": datetime.fromtimestamp(self.server.now(), UTC)})
        if isinstance(answer, int):
            self._say(answer, {"id": "m-1"} if answer == 201 else {"error": "bad_token"})

    def do_GET(self) -> None:
        self.server.asked += 1
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        since, until = (datetime.fromisoformat(query[name]) for name in ("from", "until"))
        found = [
            each
            for each in self.server.accepted
            if query["to"] in each["to"] and since <= each["at"] <= until
        ]
        answer = self.server.answers.pop(0) if self.server.answers else 200
        assert isinstance(answer, int)
        messages = {"messages": [{"reference": each["reference"]} for each in found]}
        self._say(answer, messages if answer == 200 else {"error": "x"})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_args: object) -> None:
        """Nothing."""


@pytest.fixture
def clock() -> Clock:
    """The ledger's clock, and the gateway's."""
    return Clock()


@pytest.fixture
def gateway(clock: Clock) -> Iterator[Gateway]:
    """The gateway."""
    with Gateway(clock) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def app(tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> App:
    """An app with the files of the page, which sends to the gateway of the test."""
    monkeypatch.setenv("GATEWAY_TOKEN", "example-token")
    for path, _, text in FILE.findall(PAGE.read_text("utf-8")):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("https://gateway.example/v1", gateway.url), "utf-8")
    return App(tmp_path)


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    """A ledger in an empty fake Redis."""
    return Ledger(fakeredis.FakeRedis(decode_responses=True), clock=clock)


class NoLimit(Permits):
    """Permits without a Redis; the rate is the test's own."""

    def __init__(self) -> None:
        self.rates: list[float | None] = []

    def take(self, element: str, lane: Any, max_qps: float | None, *, within_s: float) -> bool:
        """Take one."""
        self.rates.append(max_qps)
        return True


@pytest.fixture
def permits() -> NoLimit:
    """Permits."""
    return NoLimit()


@pytest.fixture
def sender(ledger: Ledger, app: App, permits: NoLimit) -> Sender:
    """The worker's sender."""
    leases = Leases(ledger, lease_s=30)
    return Sender(ledger, Providers(app), leases, permits, lanes=LANES, lease_s=30, patience_s=1)


@pytest.fixture
def job(ledger: Ledger) -> JobRecord:
    """A recorded job of the page's Instance."""
    recorded = a_job(element="SMS.Front")
    ledger.record(recorded)
    return recorded


def looked_up(sender: Sender, ledger: Ledger, clock: Clock, job: JobRecord, after_s: float) -> object:
    """The run after that time, which the sweep asks for."""
    clock.pass_(after_s)
    assert verbs(ledger.sweep()) == [("publish", job.id)]
    return sender.run(job.id)


def test_it_is_short() -> None:
    """A second Type with look-up takes fewer than 60 lines of Python."""
    lines = [text.count("\n") for _, kind, text in FILE.findall(PAGE.read_text("utf-8")) if kind == "python"]
    assert 0 < sum(lines) < 60


def test_it_loads(app: App) -> None:
    """The files of the page are a Type and an Instance without a problem."""
    assert app.check() == []
    assert [each.fullName for each in app.elements()] == ["SMS.Front"]


def test_accepted(sender: Sender, gateway: Gateway, permits: NoLimit, job: JobRecord) -> None:
    """What the gateway accepts is accepted, at the rate of the Instance's own settings."""
    done = sender.run(job.id)
    assert isinstance(done, Done)
    assert (done.outcome.outcome, done.outcome.biz_id) == ("accepted", "m-1")  # type: ignore[union-attr]
    [sent] = gateway.accepted
    assert (sent["to"], sent["params"], sent["reference"]) == ([PHONE], {"code": CODE}, job.id)
    assert permits.rates == [20]


def test_lost_answer_is_looked_up(
    sender: Sender, gateway: Gateway, ledger: Ledger, clock: Clock, job: JobRecord
) -> None:
    """A message whose answer was lost is found in the gateway's record, and is not sent again."""
    gateway.answers = ["lost"]
    assert sender.run(job.id) == NothingToDo()
    done = looked_up(sender, ledger, clock, job, 2.1)
    assert isinstance(done, Done)
    assert (done.outcome.outcome, done.outcome.resolved_by) == ("accepted", "lookup")  # type: ignore[union-attr]
    assert (len(gateway.accepted), gateway.asked) == (1, 1)


def test_absent_and_no_proof(
    sender: Sender, gateway: Gateway, ledger: Ledger, clock: Clock, job: JobRecord
) -> None:
    """A message that the gateway did not record is looked up again until that is believed, and held then."""
    gateway.answers = [500, 500]
    assert sender.run(job.id) == NothingToDo()
    assert looked_up(sender, ledger, clock, job, 2.1) == NothingToDo()  # no proof
    done: object = NothingToDo()
    for _ in range(10):
        if isinstance(done, Done):
            break
        done = looked_up(sender, ledger, clock, job, 20)
    assert isinstance(done, Done)
    assert done.outcome.outcome == "unknown"
    assert gateway.accepted == []


@pytest.mark.parametrize("status", [401, 422])
def test_refused(sender: Sender, gateway: Gateway, job: JobRecord, status: int) -> None:
    """What the gateway refuses is rejected, with its word and with who can fix it."""
    gateway.answers = [status]
    done = sender.run(job.id)
    assert isinstance(done, Done)
    assert done.outcome.outcome == "rejected"
    assert done.outcome.aliyun_code == "bad_token"  # type: ignore[union-attr]
    assert done.outcome.advice == ("operator" if status == 401 else "never")  # type: ignore[union-attr]


def test_not_sent(
    sender: Sender, gateway: Gateway, ledger: Ledger, clock: Clock, job: JobRecord, tmp_path: Path
) -> None:
    """What surely was not sent is tried again and sent once: a gateway that is busy, then one that is not there."""
    gateway.answers = [429, 429, 429]
    assert sender.run(job.id) == NothingToDo()
    found = ledger.read(job.id)
    assert found is not None
    assert found.status == "queued"
    file = tmp_path / "SMS/Front/gateway.json"
    right = file.read_text("utf-8")
    file.write_text(right.replace(gateway.url, "http://127.0.0.1:1"), "utf-8")
    gone = Sender(
        ledger,
        Providers(App(tmp_path)),
        Leases(ledger, lease_s=30),
        NoLimit(),
        lanes=LANES,
        lease_s=30,
        patience_s=1,
    )
    assert looked_up(gone, ledger, clock, job, 5) == NothingToDo()
    file.write_text(right, "utf-8")
    gateway.answers = []
    done = looked_up(sender, ledger, clock, job, 20)
    assert isinstance(done, Done)
    assert done.outcome.outcome == "accepted"
    assert len(gateway.accepted) == 1

"""`smsjobs doctor` over TLS: it tries all that it tries in the clear, and tells what the encryption is worth."""

from pathlib import Path

import pytest

from smsjobs.contract import LANES
from smsjobs.settings import ConnectionSettings
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.doctor import Finding, examine
from support.polling import until
from support.redis_server import RedisServer
from support.tls import Authority, TlsFront, behind

CHECKED = "the connection is encrypted, and the server's certificate is checked"


def findings(redis_url: str, front: TlsFront, query: str, app_dir: Path) -> list[Finding]:
    """What `doctor` finds where broker, results and ledger are the Redis behind that front."""
    connection = ConnectionSettings.read(broker_url=behind(redis_url, front.port, query), environ={})
    return list(examine(WorkerSettings(connection=connection, app_dir=app_dir, lanes=LANES)))


def client_of(authority: Authority) -> str:
    """The part of an address by which a client shows a certificate of that authority."""
    certificate, key = authority.issue("client")
    return f"ssl_certfile={certificate}&ssl_keyfile={key}"


def test_all_is_tried(ours: Authority, front: TlsFront, redis_url: str, tmp_path: Path) -> None:
    """Over a checked connection a job is recorded and settled and a message taken, and nothing else is found wrong."""
    client = client_of(ours)
    connection = ConnectionSettings.read(broker_url=redis_url, environ={})

    def as_in_the_clear() -> list[Finding]:
        # On a machine that stands still, workers are not asked in time.
        trusted = findings(redis_url, front, f"ssl_ca_certs={ours.file}&{client}", tmp_path)
        in_the_clear = examine(WorkerSettings(connection=connection, app_dir=tmp_path, lanes=LANES))
        doubts = (
            {each.text for each in found if each.verdict != "good"} for found in (trusted, in_the_clear)
        )
        return trusted if next(doubts) == next(doubts) else []

    trusted = until(as_in_the_clear, "nothing else is found wrong", every=1)
    assert ("ledger", CHECKED) in [(each.subject, each.text) for each in trusted]
    assert [
        each for each in trusted if "a job of its own was recorded, claimed, settled and removed" in each.text
    ]
    assert "a message was published on a queue of its own, and taken from it" in [
        each.text for each in trusted
    ]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("ssl_cert_reqs=none", "the connection is encrypted, but the server's certificate is not checked"),
        (
            "ssl_check_hostname=false",
            "the connection is encrypted, but it is not checked that the certificate is this server's",
        ),
    ],
)
def test_what_is_not_checked_is_told(
    ours: Authority, front: TlsFront, redis_url: str, tmp_path: Path, query: str, text: str
) -> None:
    """An address that switches a check off is a doubt with its hint."""
    found = findings(redis_url, front, f"ssl_ca_certs={ours.file}&{client_of(ours)}&{query}", tmp_path)
    (finding,) = [each for each in found if each.text == text]
    assert (finding.verdict, finding.hint.partition(" ")[0]) == ("doubtful", "leave")
    assert CHECKED not in [each.text for each in found]


def test_a_certificate_that_ends_soon_is_told(
    redis_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Less than two weeks before the end of the server's certificate there is a doubt."""
    soon = Authority(tmp_path / "soon", days=3.4)
    with TlsFront(redis_server.port, soon.issue("127.0.0.1")) as front:
        found = findings(redis_url, front, f"ssl_ca_certs={soon.file}", tmp_path)
    told = [(each.verdict, each.text, each.hint) for each in found]
    assert ("doubtful", "the server's certificate ends in 3 days", "renew it on the server") in told


@pytest.mark.parametrize(
    ("trusted", "shown", "text"),
    [
        (False, True, "has a certificate that is refused"),
        (True, False, "refuses our certificate"),
    ],
)
def test_a_refused_certificate_is_bad(
    ours: Authority, front: TlsFront, redis_url: str, tmp_path: Path, *, trusted: bool, shown: bool, text: str
) -> None:
    """Whichever side refuses the other's certificate: it is said to be that, and not that Redis is down."""
    authority = ours if trusted else Authority(tmp_path / "theirs")
    query = f"ssl_ca_certs={authority.file}" + (f"&{client_of(ours)}" if shown else "")
    found = findings(redis_url, front, query, tmp_path)
    assert [each.verdict for each in found if text in each.text] == ["bad"], [each.text for each in found]
    assert not [each for each in found if "does not answer" in each.text]

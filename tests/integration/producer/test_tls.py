"""TLS to Redis: a private authority, a client's certificate, and what is said when a certificate is refused."""

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from smsjobs import QueueUnavailable, connect
from smsjobs.contract import LANES, InvalidArguments
from smsjobs.facts.producer import PublishFailed
from smsjobs.presence import ask_workers
from smsjobs.redis_store import connect_redis, patiently
from smsjobs_worker.process.app import create_app
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.sending.rate_limit import Permits
from support.cluster import node_port
from support.facts import told
from support.replicated import Node
from support.tls import Authority, TlsFront, behind

MESSAGE = {"phoneList": ["13800138000"], "params": {"code": "1"}, "verifyTemplateCode": "SMS_1"}


def test_each_part_speaks_it(ours: Authority, front: TlsFront, redis_url: str) -> None:
    """Ledger, broker, results, permits and presence all trust the private authority, and show the certificate."""
    certificate, key = ours.issue("client")
    url = behind(
        redis_url, front.port, f"ssl_ca_certs={ours.file}&ssl_certfile={certificate}&ssl_keyfile={key}"
    )
    sms = connect(broker_url=url)
    job = sms.getElement("SMS.Test").sendMessage(**MESSAGE)
    assert job.status() == "queued"
    app = create_app(WorkerSettings.read({"SMS_BROKER_URL": url}))
    assert app.runtime.broker.backlog("notification") == 1
    app.runtime.broker.publish([(job.id, "notification")])
    assert app.runtime.broker.backlog("notification") == 2
    assert app.runtime.results.store_at_once("some-id", InvalidArguments("bad"))
    assert isinstance(app.AsyncResult("some-id").result, InvalidArguments)
    assert Permits(url).take("SMS.Test", LANES["bulk"], 10, within_s=0)
    assert ask_workers(url, "ping", silence_s=0.1) == []
    sms.close()


def test_refused_certificates(ours: Authority, front: TlsFront, redis_url: str, tmp_path: Path) -> None:
    """A certificate that either side refuses is said to be that, at once, and the job surely was not recorded."""
    certificate, key = ours.issue("client")
    theirs = Authority(tmp_path / "theirs")
    other_certificate, other_key = theirs.issue("client")
    shown = f"ssl_certfile={certificate}&ssl_keyfile={key}"
    others = f"ssl_certfile={other_certificate}&ssl_keyfile={other_key}"
    with TlsFront(urlsplit(redis_url).port or 0, ours.issue("localhost")) as misnamed:
        cases = [
            (front.port, f"ssl_ca_certs={theirs.file}&{shown}", "has a certificate that is refused: "),
            (front.port, shown, "has a certificate that is refused: "),
            (misnamed.port, f"ssl_ca_certs={ours.file}", "certificate that is refused: IP address mismatch"),
            (front.port, f"ssl_ca_certs={ours.file}", "refuses our certificate"),
            (front.port, f"ssl_ca_certs={ours.file}&{others}", "refuses our certificate"),
        ]
        for port, query, words in cases:
            url = behind(redis_url, port, query)
            begun = time.monotonic()
            with pytest.raises(QueueUnavailable, match=words) as refused:
                connect(broker_url=url, timeout=60).getElement("SMS.Test").sendMessage(**MESSAGE)
            assert time.monotonic() - begun < 10
            assert refused.value.outcome == "not_sent"
        with told() as facts:
            untrusted = behind(redis_url, front.port, f"ssl_ca_certs={theirs.file}&{shown}")
            sms = connect(broker_url=untrusted, redis_url=redis_url, timeout=60)
            sms.getElement("SMS.Test").sendMessage(**MESSAGE)
        (failed,) = [each for each in facts if isinstance(each, PublishFailed)]
        assert "has a certificate that is refused" in failed.error


def test_a_cluster_speaks_it(ours: Authority, redis_url: str, tmp_path: Path) -> None:
    """Each node of a Cluster is reached by TLS, at the port that the Cluster tells; a refused certificate is told."""
    port = node_port()
    with TlsFront(port, ours.issue("127.0.0.1")) as front:
        announced = {"cluster-announce-ip": "127.0.0.1", "cluster-announce-port": str(front.port)}
        node = Node({"requirepass": "secret", "cluster-enabled": "yes", **announced}, port=port)
        try:
            admin = connect_redis(f"redis://:secret@127.0.0.1:{port}")
            patiently(lambda: admin.execute_command("CLUSTER", "ADDSLOTS", *range(16384)), for_s=20)
            patiently(lambda: admin.set("ready", 1), for_s=20)
            url = f"rediss+cluster://:secret@127.0.0.1:{front.port}/?ssl_ca_certs="
            sms = connect(broker_url=redis_url, redis_url=f"{url}{ours.file}")
            assert sms.getElement("SMS.Test").sendMessage(**MESSAGE).status() == "queued"
            sms.close()
            theirs = Authority(tmp_path / "theirs")
            sms = connect(broker_url=redis_url, redis_url=f"{url}{theirs.file}", timeout=60)
            with pytest.raises(QueueUnavailable, match="has a certificate that is refused"):
                sms.getElement("SMS.Test").sendMessage(**MESSAGE)
        finally:
            node.end()

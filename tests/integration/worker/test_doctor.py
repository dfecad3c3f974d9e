"""`smsjobs doctor` on real Redis servers and against the simulator."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.exceptions import RedisError

from aliyun_sms_simulator import Simulator
from smsjobs.contract import LANES
from smsjobs.embedded import TemporaryRedis
from smsjobs.ledger.places import Places
from smsjobs.presence import workers_by_lane
from smsjobs.redis_store import connect_redis
from smsjobs.settings import ConnectionSettings, unreachable_text
from smsjobs.templates import TemplateStore
from smsjobs_worker.aliyun.account import Endpoint
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.doctor import Finding, examine
from smsjobs_worker.watching.doctor.accounts import elements
from support.keys import agenda
from support.nursery import smsjobs
from support.polling import until
from support.redis_server import RedisServer
from support.stage import plain_celery
from support.worker import WorkerProcess, write_element


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def findings(redis_url: str, app_dir: Path, **more: float) -> list[Finding]:
    connection = ConnectionSettings.read(broker_url=redis_url, environ={})
    return list(examine(WorkerSettings(connection=connection, app_dir=app_dir, lanes=LANES, **more)))


def elements_of(app_dir: Path) -> list[Finding]:
    return list(
        elements(WorkerSettings(connection=ConnectionSettings.read(environ={}), app_dir=app_dir, lanes=LANES))
    )


def wrong(found: list[Finding]) -> list[tuple[str, str]]:
    return [(each.subject, each.text) for each in found if each.verdict != "good"]


def test_a_sound_installation_has_nothing_wrong(redis_url: str, simulator: Simulator, tmp_path: Path) -> None:
    """Redis with an append-only file and noeviction, and an element whose key is accepted, are all good."""
    write_element(tmp_path, "Good", simulator.url)
    found = findings(redis_url, tmp_path)
    host = simulator.url.removeprefix("http://")
    assert [
        each for each in wrong(found) if not each[1].startswith(("no worker answers", "it sends to"))
    ] == []
    assert ("SMS.Good", f"{host} accepts its AccessKey") in [(each.subject, each.text) for each in found]


def test_who_signs_is_named(redis_url: str, simulator: Simulator, tmp_path: Path) -> None:
    """Of an account whose keys come from elsewhere it is told from where, and as whom Aliyun knows it; or why there are none."""
    role = "acs:ram::1000000000000001:role/sms"
    write_element(tmp_path, "Role", simulator.url, roleArn=role, stsEndpoint=simulator.url)
    text = (
        f"it signs with keys of {role}, taken on with the keys of sms.json; "
        "Aliyun knows it as acs:ram::1000000000000001:assumed-role/sms/smsjobs"
    )
    told = [(each.subject, each.verdict, each.text) for each in elements_of(tmp_path)]
    assert ("SMS.Role", "good", text) in told
    rights = (
        "dysms:SendSms, dysms:SendBatchSms, dysms:QuerySendDetails, "
        "dysms:GetSmsTemplate, dysms:GetSmsSign, dysms:QuerySmsTemplateList"
    )
    assert ("SMS.Role", "good", f"its role or user needs these rights, and no others: {rights}") in told
    simulator.fault("code", code="NoPermission", action="AssumeRole", times=None)
    write_element(tmp_path, "Role", simulator.url, roleArn=f"{role}-2", stsEndpoint=simulator.url)
    assert next(each.text for each in elements_of(tmp_path) if each.verdict == "bad") == (
        f"no keys to sign with: {role}-2, taken on with the keys of sms.json: refused (NoPermission)"
    )
    simulator.clear_faults()


@pytest.mark.parametrize(("days", "is_told"), [(149, False), (151, True)])
def test_a_signature_that_lapses_soon_is_named(
    redis_url: str, simulator: Simulator, tmp_path: Path, days: int, is_told: bool
) -> None:
    """A signature under which nothing was sent for five months is a doubt: after six its filing lapses."""
    write_element(tmp_path, "Idle", simulator.url)
    client = connect_redis(redis_url, timeout_s=5)
    TemplateStore(client).note_signature("SMS.Idle", "your_signature", sends=True)
    [name] = client.scan_iter("*:templates:sends")
    client.hincrby(name, "your_signature", -days * 86_400_000)
    found = [each for each in findings(redis_url, tmp_path) if "nothing was sent under" in each.text]
    assert [(each.subject, each.verdict) for each in found] == [("SMS.Idle", "doubtful")] * is_told


def test_a_signature_that_is_not_filed_is_named(redis_url: str, tmp_path: Path) -> None:
    """A signature that is not approved is bad, and a carrier that has not filed it is a doubt, with the reason in words."""
    signature = {"name": "your_signature", "approved": False, "filing": {"unicom": "2 NO_SEND_RECORD"}}
    with Simulator(catalogue={"signatures": [signature]}) as strict:
        write_element(tmp_path, "Main", strict.url)
        found = [(each.verdict, each.text, each.hint) for each in elements_of(tmp_path)]
    assert ("bad", "its signature is not approved (in review)") in [each[:2] for each in found]
    assert (
        "doubtful",
        "China Unicom has not filed its signature (lapsed), and may hold its messages back",
        "nothing was sent under it for 6 months; file it again in the console",
    ) in found


def test_an_element_that_does_not_send_to_aliyun_is_named(
    redis_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """An endpoint that is not Aliyun's is a finding, because no phone gets what is sent there."""
    write_element(tmp_path, "Good", simulator.url)
    host = simulator.url.removeprefix("http://")
    (finding,) = [each for each in findings(redis_url, tmp_path) if "not to Aliyun" in each.text]
    assert (finding.subject, finding.verdict) == ("SMS.Good", "doubtful")
    assert f"it sends to {host}," in finding.text


def test_submitted_jobs_that_nobody_reads_are_bad(redis_url: str, tmp_path: Path) -> None:
    """A plain client's jobs without a queue are told with their hint; somebody else's tasks there are none of ours."""
    client = plain_celery(redis_url)
    client.send_task("somebody.elses")
    assert not [each for each in findings(redis_url, tmp_path) if "queue celery" in each.text]
    client.send_task("smsjobs.submit", kwargs={"phoneList": ["13800138000"]})
    (finding,) = [each for each in findings(redis_url, tmp_path) if "queue celery" in each.text]
    assert (finding.verdict, finding.text[:1]) == ("bad", "1")
    assert "queue=" in finding.hint
    assert "13800138000" not in str(finding)
    client.close()


@pytest.mark.parametrize(
    ("endpoint", "is_aliyun"),
    [
        (Endpoint(), True),
        (Endpoint(host="dysmsapi.ap-southeast-1.aliyuncs.com"), True),
        (Endpoint(host="dysmsapi.aliyuncs.com:443"), True),
        (Endpoint(host="dysmsapi.aliyuncs.com.example"), False),
        (Endpoint(host="notaliyuncs.com"), False),
        (Endpoint(protocol="http", host="127.0.0.1:9400"), False),
    ],
)
def test_whose_endpoint(endpoint: Endpoint, is_aliyun: bool) -> None:
    """Aliyun's are the default and those of its regions, and none that only look like them."""
    assert endpoint.is_aliyun is is_aliyun


def test_a_lane_without_a_worker_is_doubtful(redis_server: RedisServer, tmp_path: Path) -> None:
    """Workers are asked lane by lane; one without any is a warning with the command that starts one."""
    write_element(tmp_path, "Closed", "http://127.0.0.1:9")
    with WorkerProcess(redis_server.url, tmp_path, lanes=("verification", "bulk")) as worker:
        found = [each for each in findings(redis_server.url, tmp_path) if "answer" in each.text]
        lanes = {each.text: each.verdict for each in found if each.subject == "workers"}
        assert lanes == {
            "1 worker answers for the lane verification": "good",
            "no worker answers for the lane notification: its jobs wait": "doubtful",
            "1 worker answers for the lane bulk": "good",
        }
        assert "-Q sms.notification" in next(each.hint for each in found if each.text.startswith("no worker"))
        worker.kill()
        assert workers_by_lane(redis_server.url) == {"verification": 0, "notification": 0, "bulk": 0}


@pytest.mark.parametrize(
    ("password", "database", "words"),
    [
        ("wrong", "0", "refuses the password"),
        ("", "0", "refuses the password"),
        (None, "9999", "has no such database"),
    ],
)
def test_a_redis_that_refuses_is_not_unreachable(
    password: str | None, database: str, words: str, tmp_path: Path
) -> None:
    """A refused password or database is told as such, by the doctor and by a producer, without the password."""
    with TemporaryRedis() as server:
        parts = urlsplit(server.url)
        login = f":{parts.password if password is None else password}@"
        url = f"redis://{login}127.0.0.1:{parts.port}/{database}"
        text = findings(url, tmp_path)[0].text
        with pytest.raises(RedisError) as refusal:
            connect_redis(url).ping()
        try:
            raise refusal.value
        except RedisError:
            told = unreachable_text(url)
    assert text == f"Redis at 127.0.0.1:{parts.port} {words}"
    assert told.startswith(text)


def test_asking_for_workers_leaves_nothing_in_redis(redis_server: RedisServer) -> None:
    """Whoever asks leaves no key behind, and a broker that is unreachable is told from one without workers."""
    with redis_server.client() as client:
        before = set(client.keys("*"))
        assert workers_by_lane(redis_server.url) is not None
        assert set(client.keys("*")) - before <= {"_kombu.binding.celery.pidbox", "_kombu.binding_deadlines"}
    assert workers_by_lane("redis://127.0.0.1:9/0") is None


def test_examining_sends_nothing(redis_url: str, simulator: Simulator, tmp_path: Path) -> None:
    """The credentials are tried with a query: the simulator has accepted no message."""
    write_element(tmp_path, "Good", simulator.url)
    findings(redis_url, tmp_path)
    assert simulator.accepted() == []


@pytest.mark.parametrize(
    ("setting", "value", "good", "verdict", "words"),
    [
        ("appendonly", "no", "yes", "bad", "no append-only file"),
        ("appendfsync", "no", "always", "doubtful", "appendfsync no"),
        ("maxmemory-policy", "allkeys-lru", "noeviction", "doubtful", "maxmemory-policy allkeys-lru"),
    ],
)
def test_an_unsafe_redis_is_named_with_its_hint(
    redis_server: RedisServer,
    redis_url: str,
    tmp_path: Path,
    setting: str,
    value: str,
    good: str,
    verdict: str,
    words: str,
) -> None:
    """A Redis that may lose or drop jobs is found out, and the finding says what to set."""
    write_element(tmp_path, "Closed", "http://127.0.0.1:9")
    with redis_server.client() as client:
        client.config_set(setting, value)
        try:
            found = findings(redis_url, tmp_path)
        finally:
            client.config_set(setting, good)
    (finding,) = [each for each in found if words in each.text]
    assert finding.verdict == verdict
    assert setting in finding.hint


def test_eviction_with_a_memory_limit_is_bad(
    redis_server: RedisServer, redis_url: str, tmp_path: Path
) -> None:
    """With a memory limit and eviction jobs will be dropped one day, which is worse than doubtful."""
    with redis_server.client() as client:
        client.config_set("maxmemory", str(512 * 1024 * 1024))
        client.config_set("maxmemory-policy", "volatile-lru")
        try:
            found = findings(redis_url, tmp_path)
        finally:
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", "noeviction")
    assert [each.verdict for each in found if "volatile-lru" in each.text] == ["bad"]


def test_what_is_claimed_is_tried(redis_server: RedisServer, redis_url: str, tmp_path: Path) -> None:
    """A job goes through the ledger and a message through the broker, and neither leaves anything behind."""
    told = [each.text for each in findings(redis_url, tmp_path) if each.verdict == "good"]
    assert [each for each in told if "a job of its own was recorded, claimed, settled and removed" in each]
    assert "a message was published on a queue of its own, and taken from it" in told
    with redis_server.client() as client:
        assert set(client.keys("*")) <= {"_kombu.binding.celery.pidbox", "_kombu.binding_deadlines"}


def test_a_sealed_ledger_and_another_backend_are_tried(redis_server: RedisServer, tmp_path: Path) -> None:
    """Results that are elsewhere are stored and forgotten, and a backend that is unreachable is bad."""
    with RedisServer() as other:
        for place, verdict in ((other.url, "good"), ("redis://127.0.0.1:9/0", "bad")):
            environ = {"SMS_BROKER_URL": redis_server.url, "SMS_RESULT_BACKEND": place}
            connection = ConnectionSettings.read(environ=environ)
            settings = WorkerSettings(connection=connection, app_dir=tmp_path, lanes=LANES)
            assert [each.verdict for each in examine(settings) if each.subject == "results"] == [verdict]
        with other.client() as client:
            assert client.keys("*") == []


def test_replicas_that_are_asked_for_are_tried(redis_server: RedisServer, tmp_path: Path) -> None:
    """SMS_REPLICAS without replicas is bad, because nothing would be sent; replicas without it are a doubt."""
    environ = {"SMS_BROKER_URL": redis_server.url, "SMS_REPLICAS": "1"}
    settings = WorkerSettings(
        connection=ConnectionSettings.read(environ=environ), app_dir=tmp_path, lanes=LANES
    )
    (found,) = [each for each in examine(settings) if "SMS_REPLICAS" in each.text]
    assert (found.verdict, "could not be recorded" in found.text) == ("bad", True)
    with RedisServer() as master, RedisServer(replica_of=master), master.client() as client:
        until(lambda: client.info("replication")["connected_slaves"] == 1, "the replica follows")
        told = [each for each in findings(master.url, tmp_path) if "SMS_REPLICAS" in each.text]
        assert [(each.verdict, "SMS_REPLICAS=1" in each.hint) for each in told] == [("doubtful", True)]
        until(lambda: client.wait(1, 100) == 1, "the replica has all")
        asked = ConnectionSettings.read(environ={"SMS_BROKER_URL": master.url, "SMS_REPLICAS": "1"})
        settings = WorkerSettings(connection=asked, app_dir=tmp_path, lanes=LANES)
        assert [each for each in examine(settings) if "each step on 1 replicas" in each.text]


@pytest.mark.parametrize(
    ("part", "verdict", "words"), [(0.85, "doubtful", "nearly full"), (0.99, "bad", "is full")]
)
def test_little_memory_is_told(
    redis_server: RedisServer, redis_url: str, tmp_path: Path, part: float, verdict: str, words: str
) -> None:
    """A Redis whose memory is nearly full is a doubt, and one that is full is bad."""
    with redis_server.client() as client:
        client.config_set("maxmemory", str(round(client.info("memory")["used_memory"] / part)))
        try:
            found = findings(redis_url, tmp_path)
        finally:
            client.config_set("maxmemory", "0")
    assert [each.verdict for each in found if words in each.text and "memory" in each.text][:1] == [verdict]


@pytest.mark.parametrize(
    ("info", "text", "verdict"),
    [
        (
            {"redis_version": "7.2.4", "valkey_version": "9.1.0", "server_name": "valkey"},
            "Valkey 9.1.0",
            "good",
        ),
        ({"redis_version": "7.0.15"}, "Redis 7.0.15", "good"),
        ({"redis_version": "6.0.16"}, "Redis 6.0.16", "bad"),
    ],
)
def test_who_it_is(info: dict[str, str], text: str, verdict: str) -> None:
    """A Valkey is called Valkey, although it says that it is a Redis of some version, too."""
    from smsjobs.addresses import RedisAddress
    from smsjobs_worker.watching.doctor.servers import _who

    found = _who("ledger", info, RedisAddress.read("redis://127.0.0.1"))
    assert (found.text.startswith(f"{text} "), found.verdict) == (True, verdict)


def test_a_redis_that_is_away_is_bad(tmp_path: Path) -> None:
    """Without Redis the finding names the place, never a password, and the settings to fix."""
    (finding,) = [
        each
        for each in findings("redis://:s3cret-word@127.0.0.1:9/0", tmp_path)
        if each.subject == "ledger" and each.verdict == "bad"
    ]
    assert "127.0.0.1:9" in finding.text
    assert "SMS_BROKER_URL" in finding.hint
    assert "s3cret" not in repr(finding)


def test_overdue_jobs_mean_that_nobody_sweeps(
    redis_server: RedisServer, redis_url: str, tmp_path: Path
) -> None:
    """A job that should have been looked at minutes ago shows that no worker runs."""
    with redis_server.client() as client:
        Places(client).announce(["SMS.Test"])
        client.zadd(agenda(), {"a-job": 1_000})
    found = findings(redis_url, tmp_path)
    assert ("workers", "bad") in [(each.subject, each.verdict) for each in found]


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"accessSecret": "another_secret"}, "SignatureDoesNotMatch"),
        ({"accessKey": "another_key"}, "InvalidAccessKeyId"),
    ],
)
def test_refused_credentials_are_bad(
    redis_url: str, simulator: Simulator, tmp_path: Path, account: dict[str, str], words: str
) -> None:
    """A wrong key or secret is found out by a query, and neither is shown."""
    write_element(tmp_path, "Wrong", simulator.url, **account)
    (finding,) = [
        each
        for each in findings(redis_url, tmp_path)
        if each.subject == "SMS.Wrong" and "AccessKey" in each.text
    ]
    assert finding.verdict == "bad"
    assert words in finding.text
    assert "another_" not in repr(finding)


def test_a_broken_element_is_bad(redis_url: str, tmp_path: Path) -> None:
    """An element that cannot load is named with its file, and does not hide the others."""
    write_element(tmp_path, "Broken", "http://127.0.0.1:9")
    (tmp_path / "SMS/Broken/sms.json").write_text(json.dumps({"accessKey": "k"}), "utf-8")
    found = [each for each in findings(redis_url, tmp_path) if each.subject == "SMS.Broken"]
    assert {each.verdict for each in found} == {"bad"}
    assert any("sms.json, key accessSecret" in each.text for each in found)


def test_an_app_that_is_not_there_is_bad(redis_url: str, tmp_path: Path) -> None:
    """A wrong SMS_APP is named with its directory, and so is one that has no element."""
    nowhere = tmp_path / "nowhere"
    (found,) = [each for each in findings(redis_url, nowhere) if each.subject == "elements"]
    assert (found.verdict, found.text) == ("bad", f"SMS_APP: there is no directory {nowhere}")
    (found,) = [each for each in findings(redis_url, tmp_path) if each.subject == "app"]
    assert (found.verdict, found.text) == ("bad", f"there is no element under {tmp_path}/SMS")


def test_a_clock_that_is_off_is_told(redis_url: str, simulator: Simulator, tmp_path: Path) -> None:
    """A clock 20 minutes off is bad, because Aliyun refuses every request that it stamps."""
    from datetime import UTC, datetime, timedelta

    from smsjobs_worker.elements import App, loaded
    from smsjobs_worker.watching.doctor.accounts import _aliyun_clock

    write_element(tmp_path, "Good", simulator.url)
    sms = loaded(App(tmp_path).getElement("SMS.Good"))
    sms._now = lambda: datetime.now(UTC) + timedelta(minutes=20)
    (finding,) = _aliyun_clock("SMS.Good", sms)
    assert finding.verdict == "bad"
    assert "s ahead of that of 127.0.0.1:" in finding.text
    assert finding.text.endswith("; from 900 s on every request is refused")


def test_a_lease_longer_than_the_visibility_timeout_is_fine(redis_url: str, tmp_path: Path) -> None:
    """The visibility time-out follows the lease, so that no setting of the lease makes it too short."""
    found = findings(redis_url, tmp_path, lease_s=600.0)
    assert [each.verdict for each in found if each.subject == "repetition"] == ["good"]


@pytest.mark.parametrize(
    ("key", "status", "verdict"), [("your_access_key", 0, "doubtful"), ("another_key", 1, "bad")]
)
def test_the_command_ends_with_its_verdict(
    redis_url: str, simulator: Simulator, tmp_path: Path, key: str, status: int, verdict: str
) -> None:
    """`smsjobs doctor --json` writes one document and ends with 0, doubts or not, and with 1 when something is bad."""
    write_element(tmp_path, "One", simulator.url, accessKey=key)
    run = smsjobs(
        "doctor", "--json", env=os.environ | {"SMS_BROKER_URL": redis_url, "SMS_APP": str(tmp_path)}
    )
    assert run.returncode == status, run.stderr
    assert json.loads(run.stdout)["verdict"] == verdict

"""Keys that do not stand in sms.json: Aliyun's own library, the real SDK, and the simulator's STS and metadata service."""

import json
import logging
import time
from collections.abc import Iterator

import pytest

from aliyun_sms_simulator import Simulator
from smsjobs.contract import AliyunRejected
from smsjobs_worker.aliyun.account import read_account
from smsjobs_worker.aliyun.credentials import KeysRefused, opening, sources
from smsjobs_worker.aliyun.credentials.keys import Keys, NoKeys
from smsjobs_worker.provider import LookupFailed, NotSent
from smsjobs_worker.retry import RetryPolicy
from support.polling import in_time, until

PHONE = "13800138000"
ROLE = "acs:ram::1000000000000001:role/sms"
CHAIN = {"accessKey": None, "accessSecret": None, "credentials": "default"}
#: Where the keys are to come, be it on a machine that is busy with other tests: they may take as long as a connection.
PATIENT = {**CHAIN, "connectTimeoutMs": 20_000}

#: Everything that the chain reads.
VARIABLES = (
    *("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"),
    *("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE", "CREDENTIALS_FILE", "CREDENTIALS_URI", "PROFILE"),
    *("ECS_METADATA", "ECS_METADATA_DISABLED", "IMDSV1_DISABLED"),
)


class Nobody:
    """A source without keys."""

    def fetch(self, *, anew: bool) -> Keys:
        """Ask nobody."""
        raise NoKeys("the test is over")


def leave_nobody_behind() -> None:
    """Have the threads that renew keys for an earlier test ask the simulator nothing more."""
    for each in list(opening._shared.values()):
        each._source = Nobody()
        until(lambda each=each: each._began_at is None, "what was being fetched is there")
    opening._shared.clear()


@pytest.fixture(autouse=True)
def on_an_instance(simulator: Simulator, monkeypatch, tmp_path) -> Iterator[None]:
    """As on an ECS instance with a role: nothing but the metadata service, whose address leads to the simulator."""
    leave_nobody_behind()
    simulator.reset()
    for name in VARIABLES:
        monkeypatch.delenv(f"ALIBABA_CLOUD_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", simulator.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    simulator.set(instance_role="sms-sender")
    yield
    leave_nobody_behind()


def send(sender, message, out_id="job-1"):
    """As a worker sends: what surely was not sent is tried again for a moment."""
    return sender.sendMessage(phoneList=list(message.phones), params=dict(message.params), verifyTemplateCode=message.template)  # fmt: skip


def test_role_of_an_instance(simulator, sender, message):
    """An account without keys sends and looks up with those of its instance's role, which are asked for once."""
    one = sender(simulator.url, **PATIENT)
    assert one.send(message, out_id="job-1")["Code"] == "OK"
    one.send(message, out_id="job-2")
    assert one.check_credentials().accepted
    assert simulator.accepted_counts() == {"job-1": 1, "job-2": 1}
    # A token and the name of the role, and a token and its keys.
    assert simulator.request_counts()["InstanceMetadata"] == 4


def test_one_for_all(simulator, sender, message):
    """Elements with the same source share its keys, so that a reload of one asks for nothing."""
    last = sender(simulator.url, **PATIENT)
    last.send(message, out_id="job-1")
    for _ in range(2):
        last = sender(simulator.url, maxQps=5, **PATIENT)
        last.send(message, out_id="job-1")
    assert simulator.request_counts()["InstanceMetadata"] == 4


@pytest.mark.parametrize("base", ["keys", "instance"])
def test_role_taken_on(simulator, sender, message, base):
    """A role is taken on with the keys of sms.json, or with those of the instance, under the name that was given."""
    given = {"connectTimeoutMs": 20_000} if base == "keys" else PATIENT
    role = {"roleArn": ROLE, "externalId": "shop-1", "roleSessionName": "shop", "roleDurationS": 900}
    one = sender(simulator.url, stsEndpoint=simulator.url, **given, **role)
    assert one.send(message, out_id="job-1")["Code"] == "OK"
    assert simulator.request_counts()["AssumeRole"] == 1
    identity = one.identity()
    assert identity.arn == "acs:ram::1000000000000001:assumed-role/sms/shop"
    assert identity.source.startswith(f"{ROLE}, taken on with ")


def test_expired_token(simulator, sender, message):
    """A token that Aliyun refuses is renewed, and the request is made once more; a look-up too."""
    one = sender(simulator.url, **PATIENT)
    one.send(message, out_id="job-1")
    simulator.expire_tokens()
    assert send(one, message)["Code"] == "OK"
    codes = [each["code"] for each in simulator.requests() if each["action"] == "SendSms"]
    assert codes == ["OK", "InvalidSecurityToken.Expired", "OK"]
    assert simulator.about()["out_ids_accepted_more_than_once"] == 0
    simulator.expire_tokens()
    assert one.check_credentials().accepted


def test_refused_for_good(simulator, sender, message):
    """Where Aliyun refuses new keys too, its refusal is the answer, after two requests."""
    one = sender(simulator.url, stsEndpoint=simulator.url, roleArn=ROLE)
    simulator.fault("code", code="InvalidSecurityToken.Malformed", action="SendSms", times=None)
    with pytest.raises(AliyunRejected) as caught:
        send(one, message)
    assert (caught.value.reason, caught.value.aliyun_code) == (
        "credentials",
        "InvalidSecurityToken.Malformed",
    )
    assert simulator.request_counts()["SendSms"] == 2


@pytest.mark.parametrize(
    ("kind", "rule", "why"),
    [
        ("refuse", {}, "no answer"),
        ("hang_before", {}, "no answer|did not come in time"),
        ("http_500_before", {}, "it has none"),
        ("non_json_before", {}, "malformed|it has none"),
        ("truncated_after", {}, "no answer|malformed"),
        ("close_before", {}, "no answer"),
        ("code", {"code": "Failed"}, "it has none|malformed"),
    ],
)
def test_metadata_service_fails(simulator, sender, message, kind, rule, why):
    """Whatever the metadata service does, nothing is sent, it takes no longer than a connection may, and it heals."""
    one = sender("http://127.0.0.1:1", policy=RetryPolicy(attempts=1), **CHAIN)
    if kind == "refuse":
        simulator.refuse()
    else:
        simulator.fault(kind, action="InstanceMetadata", times=None, **rule)
    with in_time(3), pytest.raises(NotSent, match=why) as caught:
        one.send(message, out_id="job-1")
    assert caught.value.reason == "no_credentials"
    with pytest.raises(LookupFailed):
        one._query(PHONE, one._now().date(), 1)
    simulator.clear_faults()
    healed = sender(simulator.url, **PATIENT)
    deadline = time.monotonic() + 20
    while True:
        try:
            assert healed.send(message, out_id="job-2")["Code"] == "OK"
            break
        except NotSent:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert simulator.accepted_counts() == {"job-2": 1}


def test_no_role(simulator, sender, message):
    """Where no source has keys, each is named with what it lacks."""
    simulator.set(instance_role=None)
    with pytest.raises(NotSent) as caught:
        sender(simulator.url, **PATIENT).send(message, out_id="job-1")
    for each in (
        "the environment: not set up",
        "OIDC: not set up",
        "~/.aliyun/config.json: not set up",
        "the role of this ECS instance: it has none",
    ):
        assert each in caught.value.detail


@pytest.mark.parametrize("code", ["NoPermission", "EntityNotExist.Role"])
def test_role_refused(simulator, sender, message, code):
    """A role that STS does not give away is told with its code; nothing was sent."""
    one = sender(simulator.url, stsEndpoint=simulator.url, roleArn=ROLE)
    simulator.fault("code", code=code, action="AssumeRole")
    with pytest.raises(NotSent, match=rf"refused \({code}\)") as caught:
        one.send(message, out_id="job-1")
    assert caught.value.reason == "no_credentials"
    assert simulator.accepted_counts() == {}


def test_roles_of_a_catalogue(sender, message, monkeypatch):
    """A role that asks for an external id is taken on with it only."""
    catalogue = {
        "accounts": [{"access_key": "example-key", "access_secret": "example-secret"}],
        "roles": [{"arn": ROLE, "external_id": "shop-1"}],
    }
    with Simulator(catalogue=catalogue) as strict:
        for external_id, arn, code in (
            ("shop-2", ROLE, "NoPermission"),
            ("shop-1", f"{ROLE}-2", "EntityNotExist.Role"),
            ("shop-1", ROLE, None),
        ):
            one = sender(strict.url, stsEndpoint=strict.url, roleArn=arn, externalId=external_id)
            if code is None:
                assert one.send(message, out_id="job-1")["Code"] == "OK"
            else:
                with pytest.raises(NotSent, match=code):
                    one.send(message, out_id="job-1")


def test_environment_first(simulator, sender, message, monkeypatch):
    """Keys in the environment go before all else, as it is when they are needed, and as they are then."""
    one = sender(simulator.url, **PATIENT)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "example-key")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "example-secret\n")
    assert one.send(message, out_id="job-1")["Code"] == "OK"
    assert "InstanceMetadata" not in simulator.request_counts()


@pytest.mark.parametrize("kind", ["cli", "profile", "uri"])
def test_other_sources(simulator, sender, message, monkeypatch, tmp_path, kind):
    """Keys come from the command line tool's file, a credentials file, or a URI, before or after the instance as Aliyun has it."""
    simulator.set(instance_role=None if kind == "uri" else "sms-sender")
    if kind == "cli":
        (tmp_path / ".aliyun").mkdir()
        profile = {"name": "a", "mode": "AK", "access_key_id": "example-key", "access_key_secret": "example-secret"}  # fmt: skip
        (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "a", "profiles": [profile]}))
    elif kind == "profile":
        file = tmp_path / "keys.ini"
        file.write_text(
            "[default]\ntype = access_key\naccess_key_id = example-key\naccess_key_secret = example-secret\n"
        )
        monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_FILE", str(file))
    else:
        simulator.set(instance_role="sms-sender")
        monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
        monkeypatch.setenv(
            "ALIBABA_CLOUD_CREDENTIALS_URI",
            f"{simulator.url}/latest/meta-data/ram/security-credentials/sms-sender",
        )
    assert sender(simulator.url, **PATIENT).send(message, out_id="job-1")["Code"] == "OK"
    assert ("InstanceMetadata" in simulator.request_counts()) == (kind == "uri")


def test_order_is_aliyuns(monkeypatch):
    """The sources are those of the library's own chain, in its order; a library that has another is noticed."""
    from alibabacloud_credentials.provider.default import DefaultCredentialsProvider
    from alibabacloud_credentials.utils import auth_util

    monkeypatch.setattr(auth_util, "enable_oidc_credential", False)
    monkeypatch.setattr(auth_util, "environment_credentials_uri", "http://127.0.0.1:1/keys")
    monkeypatch.setattr("apscheduler.schedulers.background.BackgroundScheduler.start", lambda *_: None)
    monkeypatch.setattr("apscheduler.schedulers.background.BackgroundScheduler.shutdown", lambda *_, **__: None)  # fmt: skip
    chain = DefaultCredentialsProvider()._DefaultCredentialsProvider__providers_chain
    assert [type(each).__name__.removesuffix("CredentialsProvider") for each in chain] == [
        "EnvironmentVariable",
        "CLIProfile",
        "Profile",
        "EcsRamRole",
        "URL",
    ]
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    with pytest.raises(NoKeys) as caught:
        sources.Chain().fetch(anew=False)
    assert [each.partition(":")[0] for each in str(caught.value).split("; ")] == [
        "the environment",
        "OIDC",
        "~/.aliyun/config.json",
        "the credentials file",
        "the role of this ECS instance",
        "ALIBABA_CLOUD_CREDENTIALS_URI",
    ]


def test_nothing_secret_gets_out(simulator, sender, message, caplog, capfd):
    """No log line at any level, no error and no repr has a token, a secret or a signature, whatever fails."""
    caplog.set_level(logging.DEBUG)
    one = sender(simulator.url, stsEndpoint=simulator.url, roleArn=ROLE, **CHAIN)
    one.send(message, out_id="job-1")
    held = next(iter(opening._shared.values()))
    private = [held._keys.access_secret, held._keys.security_token, held._keys.access_key]
    simulator.expire_tokens()
    with pytest.raises(KeysRefused):
        one.send(message, out_id="job-2")
    # The library's own text of this failure has the whole URL.
    simulator.refuse()
    other = sender(simulator.url, stsEndpoint=simulator.url, roleArn=ROLE, roleSessionName="other")
    with pytest.raises(NotSent) as caught:
        other.send(message, out_id="job-2")
    written = capfd.readouterr()
    shown = f"{caught.value!r} {one!r} {one.account!r} {held!r} {held._keys!r} {written.out} {written.err} {caplog.text}"
    for each in (*private, "Signature=", "SecurityToken="):
        assert each not in shown
    assert "the keys to sign with could not be renewed" not in written.err, "only the worker's log tells it"


@pytest.mark.parametrize(
    ("change", "key", "cause"),
    [
        ({"credentials": "default"}, "credentials", "given beside accessKey and accessSecret"),
        ({"credentials": "ecs", **dict.fromkeys(("accessKey", "accessSecret"))}, "credentials", "not a known source"),
        ({"roleArn": "sms"}, "roleArn", "malformed"),
        ({"roleArn": ROLE, "accessSecret": None}, "accessSecret", "missing"),
        ({"externalId": "shop-1"}, "externalId", "given without roleArn"),
        ({"roleDurationS": 3600}, "roleDurationS", "given without roleArn"),
        ({"roleArn": ROLE, "roleDurationS": 60}, "roleDurationS", "out of range"),
        ({"roleArn": ROLE, "roleSessionName": "a b"}, "roleSessionName", "malformed"),
        ({"roleArn": ROLE, "externalId": ""}, "externalId", "empty"),
        ({"stsEndpoint": "sts/"}, "stsEndpoint", None),
    ],
)  # fmt: skip
def test_wrong_settings(change, key, cause):
    """Both kinds of credentials, an unknown source and half a role are told, each with its key."""
    given = {"accessKey": "example-key", "accessSecret": "example-secret", "verifySign": "示例签名"}
    account, faults = read_account(given | change)
    if cause is None:
        assert faults == []
        return
    assert account is None
    assert [(each.key, each.cause) for each in faults] == [(key, cause)]

"""Where Redis and the broker are: from arguments, environment and defaults, with a hint for what is wrong."""

import re
from pathlib import Path
from typing import Any

import pytest
from celery.app.backends import BACKEND_ALIASES
from kombu.transport import TRANSPORT_ALIASES

from smsjobs.embedded import EmbeddedRedis, EmbeddedRedisError
from smsjobs.settings import ConnectionSettings, SettingsError
from support.tls import Authority

LOCAL = "redis://127.0.0.1:6379/0"
B = "redis://b:6379/1"


@pytest.mark.parametrize(
    ("given", "env", "broker", "redis", "backend", "remark"),
    [
        ({}, {}, LOCAL, LOCAL, LOCAL, "the defaults"),
        ({}, {"SMS_BROKER_URL": "redis://b/1"}, B, B, B, "one for all"),
        (
            {"broker_url": "redis://a/1"},
            {"SMS_BROKER_URL": "redis://b/1"},
            "redis://a:6379/1",
            "redis://a:6379/1",
            "redis://a:6379/1",
            "an argument stands before the environment",
        ),
        (
            {},
            {"SMS_BROKER_URL": "amqp://b//", "SMS_REDIS_URL": "redis://c/2"},
            "amqp://b//",
            "redis://c:6379/2",
            "redis://c:6379/2",
            "another broker",
        ),
        (
            {},
            {
                "SMS_BROKER_URL": "redis://b/1",
                "SMS_REDIS_URL": "rediss://c/2",
                "SMS_RESULT_BACKEND": "rpc://",
            },
            B,
            "rediss://c:6379/2?ssl_cert_reqs=required",
            "rpc://",
            "three of them",
        ),
        (
            {},
            {"SMS_BROKER_URL": "redis+socket:///run/redis.sock?virtual_host=3"},
            "unix:///run/redis.sock?db=3",
            "unix:///run/redis.sock?db=3",
            "unix:///run/redis.sock?db=3",
            "a socket, as kombu spells it",
        ),
        ({}, {"CELERY_BROKER_URL": "redis://b/1", "REDIS_URL": "redis://c"}, LOCAL, LOCAL, LOCAL, "not ours"),
    ],
)
def test_addresses(
    given: dict[str, Any], env: dict[str, str], broker: str, redis: str, backend: str, remark: str
) -> None:
    """Arguments stand before the environment, the environment before the defaults, and one Redis serves for all."""
    found = ConnectionSettings.read(**given, environ=env)
    assert (found.broker_url, found.redis_url, found.result_backend) == (broker, redis, backend), remark


@pytest.mark.parametrize(
    ("given", "env", "words"),
    [
        ({}, {"SMS_BROKER_URL": "amqp://:secret@b//"}, "SMS_REDIS_URL"),
        ({}, {"SMS_BROKER_URL": "sentinel://:secret@b:1"}, "SMS_BROKER_URL .* must name the master"),
        (
            {},
            {"SMS_BROKER_URL": "redis+cluster://:secret@b:1"},
            "SMS_BROKER_URL .* a Cluster cannot be a broker",
        ),
        (
            {},
            {"SMS_RESULT_BACKEND": "redis+cluster://:secret@b:1"},
            "SMS_RESULT_BACKEND cannot be a Cluster",
        ),
        (
            {},
            {"SMS_BROKER_URL": "amqp://:secret@b//", "SMS_REDIS_URL": "redis+cluster://:secret@b:1"},
            "SMS_RESULT_BACKEND is missing: SMS_REDIS_URL is a Cluster",
        ),
        (
            {},
            {"SMS_REDIS_URL": "rediss://:secret@b?ssl_ca_certs=/does/not/exist"},
            "SMS_REDIS_URL names files of certificates that cannot be used",
        ),
        ({}, {"SMS_REDIS_URL": "http://:secret@b"}, "redis://"),
        ({}, {"SMS_REDIS_URL": "127.0.0.1:6379"}, "redis://"),
        ({}, {"SMS_BROKER_URL": "redis://:secret@b:port/0"}, "port"),
        ({}, {"SMS_REDIS_URL": "redis://:secret@b:99999/0"}, "port"),
        ({}, {"SMS_REDIS_URL": "redis://[b"}, "SMS_REDIS_URL"),
        ({}, {"SMS_BROKER_URL": "redis://[b"}, "SMS_BROKER_URL"),
        *(
            ({}, {"SMS_BROKER_URL": url}, "SMS_BROKER_URL is not a valid address of a broker: .*embedded")
            for url in ("embeded", " ", "http://:secret@b:80/", "b:6379", "://b")
        ),
        *(
            (
                {},
                {"SMS_BROKER_URL": url},
                "SMS_BROKER_URL is not a valid address: the database must be a number",
            )
            for url in (
                "redis://:secret@b/x",
                "rediss://:secret@b/1/2",
                "redis://b/-1",
                "redis://b/0?db=x",
                "redis+socket:///run/redis.sock?virtual_host=x",
                "unix:///run/redis.sock?db=-1",
            )
        ),
        (
            {},
            {"SMS_REDIS_URL": "redis://:secret@b/x"},
            "SMS_REDIS_URL is not a valid address: the database must be a number",
        ),
        (
            {},
            {"SMS_REDIS_URL": "unix:///run/redis.sock?db=x"},
            "SMS_REDIS_URL is not a valid address: the database must be a number",
        ),
        ({}, {"SMS_RESULT_BACKEND": "foo"}, "SMS_RESULT_BACKEND is not a valid result backend"),
        ({}, {"SMS_RESULT_BACKEND": "b:6379"}, "SMS_RESULT_BACKEND is not a valid result backend"),
        ({}, {"SMS_RESULT_BACKEND": "http://:secret@b"}, "SMS_RESULT_BACKEND is not a valid result backend"),
        (
            {},
            {"SMS_RESULT_BACKEND": "redis://:secret@b/x"},
            "SMS_RESULT_BACKEND is not a valid address: the database must be a number",
        ),
        ({}, {"SMS_TIMEOUT": "soon"}, "SMS_TIMEOUT"),
        ({}, {"SMS_TIMEOUT": "0"}, "SMS_TIMEOUT"),
        ({}, {"SMS_TIMEOUT": "nan"}, "SMS_TIMEOUT"),
        ({}, {"SMS_RETENTION": "1"}, "SMS_RETENTION"),
        ({}, {"SMS_REPLICAS": "-1"}, "SMS_REPLICAS"),
        ({}, {"SMS_REPLICAS": "one"}, "SMS_REPLICAS"),
        ({"broker_url": 5}, {}, "broker_url must be text"),
        ({"redis_url": b"redis://b"}, {}, "redis_url must be text"),
        ({"timeout_s": 0}, {}, "timeout"),
        ({"timeout_s": -1}, {}, "timeout"),
        ({"timeout_s": "5"}, {}, "timeout"),
        ({"timeout_s": float("inf")}, {}, "timeout"),
    ],
)
def test_wrong_setting_is_named(given: dict[str, Any], env: dict[str, str], words: str) -> None:
    """What is wrong is named with its hint, and no password is shown."""
    with pytest.raises(SettingsError, match=words) as wrong:
        ConnectionSettings.read(**given, environ=env)
    assert "secret" not in str(wrong.value)
    assert wrong.value.__cause__ is None


@pytest.mark.parametrize("url", sorted({*TRANSPORT_ALIASES} - {"redis", "rediss", "sentinel"}))
def test_brokers(url: str) -> None:
    """Every transport that Celery has a name for is taken."""
    env = {"SMS_BROKER_URL": f"{url}://b", "SMS_REDIS_URL": LOCAL}
    assert ConnectionSettings.read(environ=env).broker_url == f"{url}://b"


@pytest.mark.parametrize(
    "backend",
    [
        *sorted(BACKEND_ALIASES),
        "rpc://",
        "db+sqlite:///results.sqlite",
        "unix:///run/r.sock?db=0",
        "your_package.results:Results",
        "your_package.results:Results://b",
    ],
)
def test_result_backends(backend: str) -> None:
    """Every result backend that Celery has a name for is taken, and a class of one's own."""
    assert ConnectionSettings.read(environ={"SMS_RESULT_BACKEND": backend}).result_backend == backend


@pytest.mark.parametrize("below", ["file", "file/below"])
def test_embedded_directory_that_cannot_be(
    below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that the embedded server cannot have is a wrong setting, by its name."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("SMS_EMBEDDED_DIR", str(tmp_path / below))
    with pytest.raises(SettingsError, match="set SMS_EMBEDDED_DIR") as wrong:
        ConnectionSettings.read(environ={"SMS_BROKER_URL": "embedded"})
    assert wrong.value.__cause__ is None
    with pytest.raises(EmbeddedRedisError, match="set SMS_EMBEDDED_DIR"):
        EmbeddedRedis().start()


def test_white_space_of_the_environment() -> None:
    """A key of the environment is the same with and without the line end of the file that it came from."""
    key = "0" * 43 + "="
    marked = ConnectionSettings.read(environ={"SMS_PAYLOAD_KEY": f"\t{key}\r\n"})
    plain = ConnectionSettings.read(environ={"SMS_PAYLOAD_KEY": key})
    assert marked.seal is not None
    assert plain.seal is not None
    assert plain.seal.open(marked.seal.close("x")) == "x"
    assert ConnectionSettings.read(environ={"SMS_PAYLOAD_KEY": " \n"}).seal is None


def test_settings_show_no_address() -> None:
    """The repr of settings shows no address, for it may hold a password."""
    assert "secret" not in repr(ConnectionSettings.read(broker_url="redis://:secret@b/0", environ={}))


def test_settings_error_is_no_failed_job() -> None:
    """A wrong setting stands outside the tree of errors that a caller may retry."""
    from smsjobs import SmsError

    assert not issubclass(SettingsError, SmsError)


DOCS = Path(__file__).parents[3] / "docs" / "configuration.md"
ADDRESSES = re.findall(
    r"^\| .* \| `([a-z+]+://.*)` \| (all|broker|ledger) \|$", DOCS.read_text("utf-8"), re.MULTILINE
)


@pytest.mark.parametrize(("url", "serves"), ADDRESSES)
def test_documented_addresses(url: str, serves: str, tmp_path: Path) -> None:
    """Each address of the documentation's table is taken for what the table says."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("me")
    for name, file in (("ssl_ca_certs", authority.file), ("ssl_certfile", certificate), ("ssl_keyfile", key)):
        url = re.sub(f"{name}=[^&]+", f"{name}={file}", url)
    names = {"broker": ["SMS_BROKER_URL"], "ledger": ["SMS_REDIS_URL"]}.get(
        serves, ["SMS_BROKER_URL", "SMS_REDIS_URL", "SMS_RESULT_BACKEND"]
    )
    found = ConnectionSettings.read(environ={"SMS_REDIS_URL": LOCAL} | dict.fromkeys(names, url))
    place = url.partition("@")[2].partition(":")[0] or "redis.example.com" if "@" in url else "redis"
    if serves != "ledger":
        assert place in found.broker_url
    if serves != "broker":
        assert place in found.redis_url

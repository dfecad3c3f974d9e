"""Where Redis and the broker are: from arguments, environment and defaults, with a hint for what is wrong."""

from pathlib import Path
from typing import Any

import pytest
from celery.app.backends import BACKEND_ALIASES
from kombu.transport import TRANSPORT_ALIASES

from smsjobs.embedded import EmbeddedRedis, EmbeddedRedisError
from smsjobs.settings import ConnectionSettings, SettingsError

LOCAL = "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("given", "env", "broker", "redis", "backend", "remark"),
    [
        ({}, {}, LOCAL, LOCAL, LOCAL, "the defaults"),
        ({}, {"SMS_BROKER_URL": "redis://b/1"}, "redis://b/1", "redis://b/1", "redis://b/1", "one for all"),
        (
            {"broker_url": "redis://a/1"},
            {"SMS_BROKER_URL": "redis://b/1"},
            "redis://a/1",
            "redis://a/1",
            "redis://a/1",
            "an argument stands before the environment",
        ),
        (
            {},
            {"SMS_BROKER_URL": "amqp://b//", "SMS_REDIS_URL": "redis://c/2"},
            "amqp://b//",
            "redis://c/2",
            "redis://c/2",
            "another broker",
        ),
        (
            {},
            {
                "SMS_BROKER_URL": "redis://b/1",
                "SMS_REDIS_URL": "rediss://c/2",
                "SMS_RESULT_BACKEND": "rpc://",
            },
            "redis://b/1",
            "rediss://c/2",
            "rpc://",
            "three of them",
        ),
        (
            {},
            {"SMS_BROKER_URL": "redis+socket:///run/redis.sock?virtual_host=3"},
            "redis+socket:///run/redis.sock?virtual_host=3",
            "unix:///run/redis.sock?db=3",
            "redis+socket:///run/redis.sock?virtual_host=3",
            "a socket, as kombu and as redis-py spell it",
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
        ({}, {"SMS_BROKER_URL": "sentinel://:secret@b:1"}, "SMS_REDIS_URL"),
        ({}, {"SMS_REDIS_URL": "http://:secret@b"}, "redis://"),
        ({}, {"SMS_REDIS_URL": "127.0.0.1:6379"}, "redis://"),
        ({}, {"SMS_BROKER_URL": "redis://:secret@b:port/0"}, "port"),
        ({}, {"SMS_REDIS_URL": "redis://:secret@b:99999/0"}, "port"),
        ({}, {"SMS_REDIS_URL": "redis://[b"}, "SMS_REDIS_URL"),
        ({}, {"SMS_BROKER_URL": "redis://[b"}, "SMS_BROKER_URL"),
        *(
            ({}, {"SMS_BROKER_URL": url}, "SMS_BROKER_URL is not a valid address of a broker: .*embedded")
            for url in ("embeded", " ", "http://:secret@b:80/", "b:6379", "unix:///run/redis.sock", "://b")
        ),
        *(
            ({}, {"SMS_BROKER_URL": url}, "SMS_BROKER_URL does not name a valid database")
            for url in (
                "redis://:secret@b/x",
                "rediss://:secret@b/1/2",
                "redis://b/-1",
                "redis://b/0?db=x",
                "redis+socket:///run/redis.sock?virtual_host=x",
            )
        ),
        ({}, {"SMS_REDIS_URL": "redis://:secret@b/x"}, "SMS_REDIS_URL does not name a valid database"),
        (
            {},
            {"SMS_REDIS_URL": "unix:///run/redis.sock?db=x"},
            "SMS_REDIS_URL does not name a valid database",
        ),
        ({}, {"SMS_RESULT_BACKEND": "foo"}, "SMS_RESULT_BACKEND is not a valid result backend"),
        ({}, {"SMS_RESULT_BACKEND": "b:6379"}, "SMS_RESULT_BACKEND is not a valid result backend"),
        ({}, {"SMS_RESULT_BACKEND": "http://:secret@b"}, "SMS_RESULT_BACKEND is not a valid result backend"),
        (
            {},
            {"SMS_RESULT_BACKEND": "redis://:secret@b/x"},
            "SMS_RESULT_BACKEND does not name a valid database",
        ),
        ({}, {"SMS_TIMEOUT": "soon"}, "SMS_TIMEOUT"),
        ({}, {"SMS_TIMEOUT": "0"}, "SMS_TIMEOUT"),
        ({}, {"SMS_TIMEOUT": "nan"}, "SMS_TIMEOUT"),
        ({}, {"SMS_RETENTION": "1"}, "SMS_RETENTION"),
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


@pytest.mark.parametrize(
    "url", ["redis://b", "redis://b/", "rediss://u:p@b:6380/15", "redis+socket:///run/r.sock"]
)
def test_addresses_of_redis(url: str) -> None:
    """Every way to write down a Redis is taken, with a database's number and without."""
    assert ConnectionSettings.read(broker_url=url, environ={}).broker_url == url


@pytest.mark.parametrize("url", sorted({*TRANSPORT_ALIASES} - {"redis", "rediss"}))
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
        "redis+socket:///run/r.sock",
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

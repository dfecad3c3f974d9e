"""Addresses: every accepted spelling means the same to redis-py, to kombu and to Celery, or is refused."""

import ssl
from dataclasses import dataclass, replace
from typing import Any

import kombu
import pytest
from celery import Celery
from redis.connection import SSLConnection, UnixDomainSocketConnection

from smsjobs.addresses import BrokerAddress, InvalidAddress, RedisAddress, Tls
from smsjobs.redis_store import connect_redis

#: Every character that means something in a URL, and some that mean something elsewhere.
ODD = "p@ss:w/o?r#d%41;,&=+[]{} '\"\\ü 短"
ODD_IN_URL = "p%40ss%3Aw%2Fo%3Fr%23d%2541%3B%2C%26%3D%2B%5B%5D%7B%7D%20%27%22%5C%C3%BC%20%E7%9F%AD"

TLS = Tls(ca_certs="/ca.pem", certfile="/c.pem", keyfile="/k.pem")
TLS_IN_URL = "ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem"

ONE = RedisAddress(kind="server", nodes=(("b", 6379),))
SOCKET = RedisAddress(kind="socket", path="/run/r.sock")
MASTER = RedisAddress(kind="sentinel", nodes=(("a", 26379), ("b", 26380)), master="mine")
CLUSTER = RedisAddress(kind="cluster", nodes=(("a", 6379), ("b", 7000)))

SPELLINGS = [
    ("redis://b", ONE),
    ("REDIS://b/", ONE),
    ("valkey://b:6379/0", ONE),
    ("redis://b/3", replace(ONE, db=3)),
    ("redis://b?db=3", replace(ONE, db=3)),
    ("redis://b?virtual_host=3", replace(ONE, db=3)),
    ("redis:///2", RedisAddress(kind="server", nodes=(("127.0.0.1", 6379),), db=2)),
    ("redis://[::1]:7/2", RedisAddress(kind="server", nodes=(("::1", 7),), db=2)),
    (f"redis://:{ODD_IN_URL}@b", replace(ONE, password=ODD)),
    (f"redis://{ODD_IN_URL}:x@b", replace(ONE, username=ODD, password="x")),
    (
        "redis://r-bp1.redis.rds.aliyuncs.com:6379",
        replace(ONE, nodes=(("r-bp1.redis.rds.aliyuncs.com", 6379),)),
    ),
    ("rediss://b", replace(ONE, tls=Tls())),
    ("valkeys://b", replace(ONE, tls=Tls())),
    (f"rediss://b/0?{TLS_IN_URL}", replace(ONE, tls=TLS)),
    (
        "rediss://b?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=%2Fca.pem",
        replace(ONE, tls=Tls(ca_certs="/ca.pem")),
    ),
    ("rediss://b?ssl_cert_reqs=none", replace(ONE, tls=Tls(verify=ssl.CERT_NONE, check_hostname=False))),
    ("rediss://b?ssl_check_hostname=False", replace(ONE, tls=Tls(check_hostname=False))),
    ("unix:///run/r.sock", SOCKET),
    ("unix:///run/r.sock?db=3", replace(SOCKET, db=3)),
    (f"unix://:{ODD_IN_URL}@/run/r.sock", replace(SOCKET, password=ODD)),
    ("redis+socket:///run/r.sock?virtual_host=3", replace(SOCKET, db=3)),
    ("redis+unix:///run/r%20s.sock", replace(SOCKET, path="/run/r s.sock")),
    ("sentinel://a;sentinel://b:26380?master=mine", MASTER),
    ("sentinel://a:26379;b:26380/?master_name=mine", MASTER),
    ("sentinel://a/3;sentinel://b:26380/3?master=mine", replace(MASTER, db=3)),
    ("sentinel://a;sentinel://b:26380/3?service_name=mine", replace(MASTER, db=3)),
    (
        f"sentinel://me:{ODD_IN_URL}@a;sentinel://b:26380/0?master=mine&sentinel_username=s&sentinel_password={ODD_IN_URL}",
        replace(MASTER, username="me", password=ODD, sentinel_username="s", sentinel_password=ODD),
    ),
    ("sentinel://a;sentinel://b:26380/0?master=mine&ssl=true", replace(MASTER, tls=Tls())),
    (f"sentinel://a;sentinel://b:26380/0?master=mine&{TLS_IN_URL}", replace(MASTER, tls=TLS)),
    ("redis+cluster://a;b:7000", CLUSTER),
    ("redis+cluster://a:6379,b:7000/0", CLUSTER),
    (f"redis+cluster://:{ODD_IN_URL}@a;b:7000", replace(CLUSTER, password=ODD)),
    (f"rediss+cluster://a;b:7000/?{TLS_IN_URL}", replace(CLUSTER, tls=TLS)),
]


@pytest.mark.parametrize(("url", "meant"), SPELLINGS, ids=[each[0][:40] for each in SPELLINGS])
def test_one_meaning(url: str, meant: RedisAddress) -> None:
    """Every spelling has one meaning, and the spelling that we write down means the same."""
    assert RedisAddress.read(url) == meant
    assert RedisAddress.read(meant.url) == meant
    assert ODD_IN_URL not in meant.public_url
    assert ODD not in f"{meant.public_url} {meant.place} {meant!r}"


@dataclass(frozen=True)
class Heard:
    """What a library understood."""

    nodes: tuple[tuple[str, int], ...]
    path: str
    db: int
    username: str
    password: str
    ca_certs: str
    verify: Any
    check_hostname: Any


def heard(parameters: dict[str, Any], nodes: tuple[tuple[str, int], ...]) -> Heard:
    """What redis-py would connect to with these arguments."""
    return Heard(
        nodes=() if parameters.get("path") else nodes,
        path=parameters.get("path") or "",
        db=parameters["db"],
        username=parameters.get("username") or "",
        password=parameters.get("password") or "",
        ca_certs=parameters.get("ssl_ca_certs") or "",
        verify=parameters.get("ssl_cert_reqs"),
        check_hostname=parameters.get("ssl_check_hostname"),
    )


def meaning(address: RedisAddress) -> Heard:
    """What is to be understood."""
    tls = address.tls
    return Heard(
        nodes=address.nodes,
        path=address.path,
        db=address.db,
        username=address.username,
        password=address.password,
        ca_certs=tls.ca_certs if tls else "",
        verify=tls.verify if tls else None,
        check_hostname=tls.check_hostname if tls else None,
    )


SINGLE = [each for each in SPELLINGS if each[1].kind in ("server", "socket")]
CLUSTERS = [each for each in SPELLINGS if each[1].kind == "cluster"]
SENTINEL = [each for each in SPELLINGS if each[1].kind == "sentinel"]


@pytest.mark.parametrize(("url", "meant"), SINGLE, ids=[each[0][:40] for each in SINGLE])
def test_redis_py_hears_it(url: str, meant: RedisAddress) -> None:
    """The ledger's client connects to what the address means."""
    pool = connect_redis(url).connection_pool
    parameters = pool.connection_kwargs
    assert heard(parameters, ((parameters.get("host"), parameters.get("port")),)) == meaning(meant)
    assert issubclass(pool.connection_class, SSLConnection) == (meant.tls is not None)
    assert issubclass(pool.connection_class, UnixDomainSocketConnection) == (meant.kind == "socket")


@pytest.mark.parametrize(("url", "meant"), CLUSTERS, ids=[each[0][:40] for each in CLUSTERS])
def test_a_clusters_nodes_hear_it(url: str, meant: RedisAddress) -> None:
    """Nothing is connected before the first command; then each node is reached as the address means, within its bounds."""
    pool = connect_redis(url, timeout_s=3).connection_pool
    parameters = pool.connection_kwargs
    node = replace(meant, nodes=meant.nodes[:1])
    assert heard(parameters, ((parameters.get("host"), parameters.get("port")),)) == meaning(node)
    assert issubclass(pool.connection_class, SSLConnection) == (meant.tls is not None)
    assert (parameters["socket_timeout"], parameters["socket_connect_timeout"]) == (3, 3)
    assert (parameters["decode_responses"], parameters["retry"].get_retries()) == (True, 0)


@pytest.mark.parametrize(("url", "meant"), SINGLE, ids=[each[0][:40] for each in SINGLE])
def test_kombu_hears_it(url: str, meant: RedisAddress) -> None:
    """Kombu connects to what the address means."""
    broker = BrokerAddress.read(url)
    with kombu.Connection(broker.url, **broker.arguments()) as connection:
        channel = object.__new__(connection.transport.Channel)
        channel.connection = connection.transport
        parameters = channel._connparams()
    assert heard(parameters, ((parameters.get("host"), parameters.get("port")),)) == meaning(meant)


@pytest.mark.parametrize("meant", [each[1] for each in SINGLE if each[1].kind == "server"])
def test_plain_celery_hears_it(meant: RedisAddress) -> None:
    """A plain Celery client that is given `settings.result_backend` reads what the address means."""
    parameters = Celery(backend=meant.url, set_as_current=False).backend.connparams
    parameters.setdefault("ssl_check_hostname", True if meant.tls else None)
    assert heard(parameters, ((parameters.get("host"), parameters.get("port")),)) == meaning(meant)


@pytest.mark.parametrize(("url", "meant"), SENTINEL, ids=[each[0][:40] for each in SENTINEL])
def test_sentinels_hear_it(url: str, meant: RedisAddress) -> None:
    """Redis-py and kombu ask the same Sentinels, with their password, for the same master with its own."""
    broker = BrokerAddress.read(url)
    with kombu.Connection(broker.url, **broker.arguments()) as connection:
        channel = object.__new__(connection.transport.Channel)
        channel.connection = connection.transport
        channel.master_name = connection.transport_options["master_name"]
        channel.sentinel_kwargs = connection.transport_options["sentinel_kwargs"]
        by_kombu = channel._sentinel_managed_pool()
    for pool in (by_kombu, connect_redis(url).connection_pool):
        manager = pool.sentinel_manager
        asked = [each.connection_pool.connection_kwargs for each in manager.sentinels]
        nodes = tuple((each["host"], each["port"]) for each in asked)
        assert heard(pool.connection_kwargs, nodes) == meaning(meant)
        assert pool.service_name == meant.master
        assert {each.get("password") or "" for each in asked} == {meant.sentinel_password}
        assert {each.get("username") or "" for each in asked} == {meant.sentinel_username}
        assert {each.get("ssl_ca_certs") or "" for each in asked} == {meant.tls.ca_certs if meant.tls else ""}


REFUSED = [
    ("http://secret", "must begin with redis://"),
    ("redis://:se#cret@b:1", "#"),
    ("redis://:12#secret@b:1", "#"),
    ("redis://:se/cret@b:1", "percent-encoded"),
    ("redis://:12/secret@b:1", "database"),
    ("redis://:12?secret@b:1", "name=value"),
    ("redis://:se cret@b", "space"),
    ("redis://b?socket_timeout=1", "the parameter socket_timeout is not one of"),
    ("redis://b/1?db=2", "two databases"),
    ("redis://b?db=1&db=2", "two values"),
    ("rediss://b?ssl=false", "switches it off"),
    ("redis://b?ssl=false&ssl_ca_certs=/ca.pem", "switches it off"),
    ("rediss://b?ssl_cert_reqs=maybe", "required, optional or none"),
    ("rediss://b?ssl_check_hostname=maybe", "true or false"),
    ("rediss://b?ssl_keyfile=/k.pem", "needs ssl_certfile"),
    ("unix://run/r.sock", "begins with a /"),
    ("unix://", "begins with a /"),
    ("unix:///run/r.sock?ssl=true", "the parameter ssl"),
    ("sentinel://a:1;sentinel://b:2", "name the master"),
    ("sentinel://a:1?master=x;sentinel://b:2?master=y", "two values for master"),
    ("sentinel://:x@a:1;sentinel://:secret@b:2?master=m", "two values for the password"),
    ("sentinel://a:1/1;sentinel://b:2/2?master=m", "two values for the database"),
    ("sentinel://a:1;redis://b:2?master=m", "different schemes"),
    ("redis+cluster://a:1/3", "no databases"),
]


@pytest.mark.parametrize(("url", "words"), REFUSED, ids=[each[0] for each in REFUSED])
def test_refused(url: str, words: str) -> None:
    """What nothing can connect to, or what two libraries would read differently, is refused with a hint."""
    with pytest.raises(InvalidAddress, match=words) as wrong:
        RedisAddress.read(url)
    assert "secret" not in str(wrong.value)


def test_tls_of_rabbitmq() -> None:
    """An amqps address checks the certificate and its name, which py-amqp by itself does not."""
    plain = BrokerAddress.read(f"amqp://me:{ODD_IN_URL}@b//")
    assert (plain.url, plain.ssl) == (f"amqp://me:{ODD_IN_URL}@b//", None)
    checked = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}
    assert BrokerAddress.read("amqps://b/v").ssl == checked
    mine = BrokerAddress.read(f"amqps://b/v?{TLS_IN_URL}")
    assert mine.url == "amqps://b/v"
    assert mine.ssl == checked | {"ca_certs": "/ca.pem", "certfile": "/c.pem", "keyfile": "/k.pem"}
    assert BrokerAddress.read("amqps://b?heartbeat=9&ssl=true").url == "amqps://b?heartbeat=9"
    with pytest.raises(InvalidAddress, match="the parameter verify"):
        BrokerAddress.read("amqps://b?verify=verify_none")


def test_bounds_of_rabbitmq() -> None:
    """RabbitMQ is asked for a confirmation of each message, and each answer has its time."""
    broker = BrokerAddress.read("amqps://b/v").with_timeouts(answer_s=2, connect_s=3)
    assert broker.options == {"read_timeout": 2, "write_timeout": 2, "confirm_publish": True}
    assert broker.ssl is not None

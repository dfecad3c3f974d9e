"""A damaged code is none: its number gets a new one, and nobody else notices."""

from collections.abc import Iterator

import pytest

from smsjobs.facts import ItemSetAside
from support.code_bench import PHONE, RedisBench
from support.damage import WRONG_TYPES, replace_by
from support.facts import told
from support.redis_server import RedisServer

OTHER = "13800138001"


@pytest.fixture
def bench(redis_server: RedisServer) -> Iterator[RedisBench]:
    """Codes on an empty Redis."""
    with redis_server.client() as client:
        client.flushall()
    bench = RedisBench(redis_server)
    yield bench
    bench.sms.close()


def keys(bench: RedisBench) -> list[str]:
    """The keys of all codes and their limits."""
    return sorted(bench.server.client().scan_iter("sms:{*}:code:*"))


@pytest.mark.parametrize("kind", [*WRONG_TYPES, "hash"])
def test_keys_of_wrong_types(bench: RedisBench, kind: str) -> None:
    """Whatever is under a key of a number, a client or a purpose: it is set aside, and the number gets a code."""
    login = bench.verification()
    login.send(PHONE, client_ip="203.0.113.7")
    client = bench.server.client()
    names = keys(bench)
    assert len(names) == 4
    for name in names:
        if client.type(name) != kind:
            replace_by(kind)(client, name)
    bench.advance(61)
    with told() as facts:
        code = bench.code(login.send(PHONE, client_ip="203.0.113.7"))
    assert [each for each in facts if isinstance(each, ItemSetAside)]
    assert PHONE not in repr(facts)
    assert login.check(PHONE, code)


FIELDS = [
    ("tries", "many"),
    ("tries", None),
    ("expires", "x"),
    ("digits", None),
    ("salt", None),
    ("sends", "1e9"),
]


@pytest.mark.parametrize(("name", "value"), FIELDS)
def test_fields(bench: RedisBench, name: str, value: str | None) -> None:
    """A code that lacks a field, or has no number of tries any more, opens nothing: the number gets a new code."""
    login = bench.verification()
    code = bench.code(login.send(PHONE))
    client = bench.server.client()
    (key,) = [each for each in keys(bench) if client.type(each) == "hash" and client.hget(each, "proof")]
    other = bench.code(login.send(OTHER))
    if value is None:
        client.hdel(key, name)
    else:
        client.hset(key, name, value)
    assert login.check(PHONE, code).status in ("none_sent", "expired")
    bench.advance(61)
    assert login.check(PHONE, bench.code(login.send(PHONE)))
    assert login.check(OTHER, other)

"""A Redis behind TLS, for whoever connects by it."""

from collections.abc import Iterator

import pytest

from support.redis_server import RedisServer
from support.tls import Authority, TlsFront


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that signs our servers' and our clients' certificates."""
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture
def front(ours: Authority, redis_url: str, redis_server: RedisServer) -> Iterator[TlsFront]:
    """The Redis of the tests behind TLS. It asks each client for a certificate."""
    assert redis_url
    with TlsFront(redis_server.port, ours.issue("127.0.0.1"), clients=ours) as front:
        yield front

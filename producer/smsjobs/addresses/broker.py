"""The broker's address as kombu wants it: a URL, and what kombu does not read from a URL."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import quote

from redis.backoff import NoBackoff
from redis.retry import Retry

from smsjobs.addresses.parts import InvalidAddress, check_port, credentials, host_and_port, read_parts
from smsjobs.addresses.redis_address import RedisAddress, is_redis
from smsjobs.addresses.tls import TLS_PARAMETERS, Tls

__all__ = ["BrokerAddress"]

#: What kombu takes from a URL by itself.
_AMQP_PARAMETERS: Final = frozenset({"heartbeat", "login_method"})

_AMQP: Final = frozenset({"amqp", "pyamqp", "amqps"})


@dataclass(frozen=True, kw_only=True)
class BrokerAddress:
    """What kombu's and Celery's connections are given."""

    url: str = field(repr=False)
    #: ``ssl`` of kombu, ``broker_use_ssl`` of Celery.
    ssl: dict[str, Any] | None = None
    #: ``transport_options`` of kombu, ``broker_transport_options`` of Celery.
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    #: Which kind it is, where we know its options.
    kind: Literal["redis", "rabbitmq", "other"] = "other"

    @classmethod
    def read(cls, url: str) -> BrokerAddress:
        """Read an address: of Redis or RabbitMQ in any accepted spelling; any other is kombu's own business.

        Raises:
            InvalidAddress: Nothing can connect to it, or it cannot be a broker.
        """
        if is_redis(url):
            return _redis(RedisAddress.read(url))
        if url.partition("://")[0] in _AMQP:
            return _amqp(url)
        check_port(url)
        return cls(url=url)

    def with_timeouts(self, *, answer_s: float, connect_s: float) -> BrokerAddress:
        """Return it with bounds in seconds: for connecting to a Redis, and for each answer of a Redis or RabbitMQ."""
        if self.kind == "rabbitmq":
            # What was published and is not confirmed may be lost. The caller is to know.
            bounds = {"read_timeout": answer_s, "write_timeout": answer_s, "confirm_publish": True}
            return replace(self, options=self.options | bounds)
        if self.kind != "redis":
            return self
        bounds = {"socket_timeout": answer_s, "socket_connect_timeout": connect_s, "socket_keepalive": True}
        options = self.options | bounds
        if "sentinel_kwargs" in options:
            options["sentinel_kwargs"] = options["sentinel_kwargs"] | {
                "socket_timeout": connect_s,
                "socket_connect_timeout": connect_s,
                # By default, redis-py asks a dead Sentinel eleven times before it asks the next.
                "retry": Retry(NoBackoff(), 0),
            }
        return replace(self, options=options)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of a kombu connection."""
        found: dict[str, Any] = {"transport_options": self.options}
        return found | ({"ssl": self.ssl} if self.ssl else {})


def _redis(address: RedisAddress) -> BrokerAddress:
    who = credentials(address.username, address.password)
    tls = address.tls.for_redis_py() if address.tls else None
    if address.kind == "cluster":
        raise InvalidAddress("a Cluster cannot be a broker")
    if address.kind == "socket":
        return BrokerAddress(
            url=f"redis+socket://{who}{quote(address.path)}?virtual_host={address.db}", kind="redis"
        )
    hosts = [host_and_port(*each) for each in address.nodes]
    if address.kind == "server":
        scheme = "rediss" if tls else "redis"
        return BrokerAddress(url=f"{scheme}://{who}{hosts[0]}/{address.db}", ssl=tls, kind="redis")
    return BrokerAddress(
        # Of several addresses, kombu takes user, password and database from the first.
        url=";".join(f"sentinel://{who}{each}/{address.db}" for each in hosts),
        ssl=tls,
        options={"master_name": address.master, "sentinel_kwargs": address.sentinel_options()},
        kind="redis",
    )


def _amqp(url: str) -> BrokerAddress:
    """RabbitMQ. By itself kombu hands no parameter of TLS on, and py-amqp compares no host name."""
    urls = [each if "://" in each else f"{url.partition('://')[0]}://{each}" for each in url.split(";")]
    parts = [read_parts(each) for each in urls]
    query = {name: value for each in parts for name, value in each.query.items()}
    if unknown := sorted(set(query) - TLS_PARAMETERS - _AMQP_PARAMETERS):
        known = ", ".join(sorted(TLS_PARAMETERS | _AMQP_PARAMETERS))
        raise InvalidAddress(f"the parameter {unknown[0]} is not one of {known}")
    tls = Tls.read(query, by_scheme=parts[0].scheme == "amqps")
    kept = "&".join(f"{name}={quote(query[name])}" for name in sorted(_AMQP_PARAMETERS & set(query)))
    hosts = ";".join(each.partition("?")[0] for each in urls)
    return BrokerAddress(
        url=f"{hosts}{'?' if kept else ''}{kept}", ssl=tls.for_amqp() if tls else None, kind="rabbitmq"
    )

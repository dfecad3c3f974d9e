"""Addresses of Redis and of brokers: every accepted spelling is read once, here, into what each library wants. No I/O."""

from smsjobs.addresses.broker import BrokerAddress
from smsjobs.addresses.loopback import is_loopback
from smsjobs.addresses.redis_address import REDIS_SCHEMES, InvalidAddress, RedisAddress, is_redis
from smsjobs.addresses.tls import Tls

__all__ = [
    "REDIS_SCHEMES",
    "BrokerAddress",
    "InvalidAddress",
    "RedisAddress",
    "Tls",
    "is_loopback",
    "is_redis",
]

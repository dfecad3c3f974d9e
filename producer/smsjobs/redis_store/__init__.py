"""How every room talks to Redis: the connection, how long it is waited for, its clock, and what is sealed in it."""

from smsjobs.redis_store.clock import RedisClock
from smsjobs.redis_store.connection import connect_redis, is_transient
from smsjobs.redis_store.patience import patiently
from smsjobs.redis_store.seal import CannotOpen, Seal, unseal

__all__ = ["CannotOpen", "RedisClock", "Seal", "connect_redis", "is_transient", "patiently", "unseal"]

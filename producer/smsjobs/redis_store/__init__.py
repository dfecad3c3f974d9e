"""How every room talks to Redis: connection, key names, scripts, patience, clock and seal."""

from typing import TYPE_CHECKING

from smsjobs.on_demand import on_demand
from smsjobs.redis_store.clock import RedisClock
from smsjobs.redis_store.connection import connect_redis
from smsjobs.redis_store.failures import (
    error_code,
    is_damage,
    is_transient,
    is_wrong_type,
    refusal_hint,
    refusal_text,
)
from smsjobs.redis_store.keys import ELEMENTS, NO_ELEMENT, OFFERED, key, pointer
from smsjobs.redis_store.patience import available, patiently
from smsjobs.redis_store.replicas import (
    NotReplicated,
    acknowledged,
    acknowledged_pipeline,
    replicas_of,
)
from smsjobs.redis_store.script_loader import Scripts
from smsjobs.redis_store.seal import CannotOpen, Seal, unseal
from smsjobs.redis_store.shared_secret import BELIEVED_S, OneAsks, SecretDamaged, SharedSecret

if TYPE_CHECKING:
    from smsjobs.redis_store.cluster import ClusterClient, place_of
else:
    # Only whoever has a Cluster needs it, and the sweep.
    __getattr__ = on_demand(__name__, cluster=("ClusterClient", "place_of"))

__all__ = [
    "BELIEVED_S",
    "ELEMENTS",
    "NO_ELEMENT",
    "OFFERED",
    "CannotOpen",
    "ClusterClient",
    "NotReplicated",
    "OneAsks",
    "RedisClock",
    "Scripts",
    "Seal",
    "SecretDamaged",
    "SharedSecret",
    "acknowledged",
    "acknowledged_pipeline",
    "available",
    "connect_redis",
    "error_code",
    "is_damage",
    "is_transient",
    "is_wrong_type",
    "key",
    "patiently",
    "place_of",
    "pointer",
    "refusal_hint",
    "refusal_text",
    "replicas_of",
    "unseal",
]

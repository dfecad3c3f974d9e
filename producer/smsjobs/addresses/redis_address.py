"""The address of a Redis: one server, a socket, a Sentinel's master or a Cluster.

=======================================================  =====================================================
``redis://user:password@host:6379/0``                    one server; ``valkey://`` is the same
``rediss://…?ssl_ca_certs=/ca.pem``                      the same with TLS; ``valkeys://`` is the same
``unix:///run/redis.sock?db=0``                          a Unix socket; also ``redis+socket://``, ``redis+unix://``
``sentinel://:password@a:26379;sentinel://b:26379/0?…``  a master that Sentinels know, by ``master=NAME``
``redis+cluster://:password@a:6379;b:6379``              a Cluster, by some of its nodes
=======================================================  =====================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import quote

from smsjobs.addresses.parts import InvalidAddress, Parts, credentials, host_and_port, read_parts
from smsjobs.addresses.tls import TLS_PARAMETERS, Tls

__all__ = ["REDIS_SCHEMES", "InvalidAddress", "RedisAddress", "is_redis"]

Kind = Literal["server", "socket", "sentinel", "cluster"]

#: Every spelling, the first of each kind being ours.
REDIS_SCHEMES: Final[dict[str, Kind]] = {
    "redis": "server",
    "rediss": "server",
    "valkey": "server",
    "valkeys": "server",
    "unix": "socket",
    "redis+socket": "socket",
    "redis+unix": "socket",
    "valkey+unix": "socket",
    "sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
    "valkey+cluster": "cluster",
}

_WITH_TLS: Final = frozenset({"rediss", "valkeys", "rediss+cluster"})

_PORTS: Final[dict[Kind, int]] = {"server": 6379, "sentinel": 26379, "cluster": 6379, "socket": 0}

#: The parameters of every kind; Celery and kombu have another name for the database.
_DATABASE: Final = frozenset({"db", "virtual_host"})
_SENTINEL: Final = frozenset(
    {"master", "master_name", "service_name", "sentinel_username", "sentinel_password"}
)

_PARAMETERS: Final[dict[Kind, frozenset[str]]] = {
    "server": _DATABASE | TLS_PARAMETERS,
    "socket": _DATABASE,
    "sentinel": _DATABASE | TLS_PARAMETERS | _SENTINEL,
    "cluster": TLS_PARAMETERS,
}

#: No number means 0. redis-py silently reads anything else as 0, or as other digits.
_NUMBER: Final = re.compile("[0-9]*")


def is_redis(url: str) -> bool:
    """Whether the URL's scheme is one of Redis."""
    return url.partition("://")[0].lower() in REDIS_SCHEMES and "://" in url


@dataclass(frozen=True, kw_only=True)
class RedisAddress:
    """Where a Redis is."""

    kind: Kind
    #: Host and port of the server, of each Sentinel, or of some nodes of the Cluster.
    nodes: tuple[tuple[str, int], ...] = ()
    #: The path of the socket.
    path: str = ""
    db: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: Tls | None = None
    #: The name by which the Sentinels know the master, and how they want to be asked.
    master: str = ""
    sentinel_username: str = ""
    sentinel_password: str = field(default="", repr=False)

    @classmethod
    def read(cls, url: str) -> RedisAddress:
        """Read an address in any accepted spelling.

        Raises:
            InvalidAddress: Nothing can connect to it. The text shows nothing of it.
        """
        scheme = url.partition("://")[0].lower()
        kind = REDIS_SCHEMES.get(scheme) if "://" in url else None
        if kind is None:
            raise InvalidAddress("it must begin with redis://, rediss://, unix:// or sentinel://")
        if kind in ("server", "socket"):
            urls = [url]
        else:
            urls = [each if "://" in each else f"{scheme}://{each}" for each in _several(url, kind)]
        parts = [read_parts(each) for each in urls]
        if any(each.scheme.lower() != scheme for each in parts):
            raise InvalidAddress("its parts have different schemes")
        whole = _joined(parts)
        if unknown := sorted(set(whole.query) - _PARAMETERS[kind]):
            known = ", ".join(sorted(_PARAMETERS[kind]))
            raise InvalidAddress(f"the parameter {unknown[0]} is not one of {known}")
        return _address(kind, parts, whole, by_scheme=scheme in _WITH_TLS)

    @property
    def url(self) -> str:
        """The address in our spelling, the same for every spelling of the same place."""
        who = credentials(self.username, self.password)
        tls = self.tls.parameters() if self.tls else ""
        if self.kind == "socket":
            return f"unix://{who}{quote(self.path)}?db={self.db}"
        hosts = [host_and_port(*each) for each in self.nodes]
        if self.kind == "server":
            scheme = "rediss" if self.tls else "redis"
            return f"{scheme}://{who}{hosts[0]}/{self.db}{'?' if tls else ''}{tls}"
        if self.kind == "cluster":
            scheme = "rediss+cluster" if self.tls else "redis+cluster"
            return f"{scheme}://{who}{';'.join(hosts)}{'/?' if tls else ''}{tls}"
        more = {
            "master": self.master,
            "sentinel_username": self.sentinel_username,
            "sentinel_password": self.sentinel_password,
        }
        query = "&".join(
            [*(f"{name}={quote(value, safe='')}" for name, value in more.items() if value), tls]
        ).rstrip("&")
        return f"{';'.join(f'sentinel://{who}{each}' for each in hosts)}/{self.db}?{query}"

    @property
    def public_url(self) -> str:
        """The address without any user and password."""
        return replace(self, username="", password="", sentinel_username="", sentinel_password="").url

    @property
    def place(self) -> str:
        """Where it is, for people: without user and password."""
        if self.kind == "socket":
            return self.path
        hosts = ", ".join(host_and_port(*each) for each in self.nodes)
        if self.kind == "sentinel":
            return f"the master {self.master} of the Sentinels {hosts}"
        return f"the Cluster {hosts}" if self.kind == "cluster" else hosts

    def login(self) -> dict[str, Any]:
        """Return redis-py's arguments for user and password."""
        return {"username": self.username or None, "password": self.password or None}

    def sentinel_options(self) -> dict[str, Any]:
        """Return redis-py's arguments for connecting to a Sentinel."""
        found: dict[str, Any] = {
            "username": self.sentinel_username or None,
            "password": self.sentinel_password or None,
        }
        return found | ({"ssl": True, **self.tls.for_redis_py()} if self.tls else {})


def _several(url: str, kind: Kind) -> list[str]:
    """The parts of an address with several hosts. A Cluster's hosts may be separated by commas, as in `limits`."""
    return re.split("[;,]" if kind == "cluster" else ";", url)


def _joined(parts: list[Parts]) -> Parts:
    """What all parts say together."""
    query: dict[str, str] = {}
    for each in parts:
        for name, value in each.query.items():
            if query.setdefault(name, value) != value:
                raise InvalidAddress(f"its parts give two values for {name}")
    return Parts(
        scheme=parts[0].scheme,
        username=_agreed("user", [each.username for each in parts]),
        password=_agreed("password", [each.password for each in parts]),
        path=_agreed("database", [each.path.removesuffix("/") for each in parts]),
        query=query,
    )


def _agreed(name: str, said: list[str]) -> str:
    different = {*said} - {""}
    if len(different) > 1:
        raise InvalidAddress(f"its parts give two values for the {name}")
    return "".join(different)


def _address(kind: Kind, parts: list[Parts], whole: Parts, *, by_scheme: bool) -> RedisAddress:
    query = whole.query
    masters = {query[name] for name in ("master", "master_name", "service_name") if query.get(name)}
    if kind == "sentinel" and len(masters) != 1:
        raise InvalidAddress(
            "it must name the master once, as in sentinel://a:26379;sentinel://b:26379/0?master=NAME"
        )
    if kind == "socket" and (parts[0].host or not whole.path.strip("/")):
        raise InvalidAddress("the path of a socket begins with a /, as in unix:///run/redis.sock?db=0")
    return RedisAddress(
        kind=kind,
        nodes=tuple((each.host or "127.0.0.1", each.port or _PORTS[kind]) for each in parts)
        if kind != "socket"
        else (),
        path=whole.path if kind == "socket" else "",
        db=_database(kind, whole),
        username=whole.username,
        password=whole.password,
        tls=Tls.read(query, by_scheme=by_scheme) if kind != "socket" else None,
        master="".join(masters),
        sentinel_username=query.get("sentinel_username", ""),
        sentinel_password=query.get("sentinel_password", ""),
    )


def _database(kind: Kind, whole: Parts) -> int:
    """The database, from each place where it may stand."""
    path = [] if kind == "socket" else [whole.path.removeprefix("/")]
    said = [*path, *(value for name, value in whole.query.items() if name in _DATABASE)]
    if kind == "cluster" and any(said) and said != ["0"]:
        raise InvalidAddress("a Cluster has no databases: leave the number out")
    if not all(map(_NUMBER.fullmatch, said)):
        raise InvalidAddress("the database must be a number after the host, as in redis://127.0.0.1:6379/0")
    numbers = {int(each) for each in said if each}
    if len(numbers) > 1:
        raise InvalidAddress("it names two databases")
    return numbers.pop() if numbers else 0

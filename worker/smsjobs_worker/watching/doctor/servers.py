"""A Redis or Valkey as a server: who it is, what it keeps, how full it is, who has copies, and how one reaches it."""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from smsjobs.addresses import RedisAddress
from smsjobs.redis_store import connect_redis, error_code, refusal_text
from smsjobs_worker.watching.doctor.finding import Finding, bad, doubtful, good, say
from smsjobs_worker.watching.doctor.versions import numbers

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["redis_server", "server", "unreachable"]

#: Redis 6 has RESP3, which redis-py 8 speaks; 6.2 is the oldest that is tested here.
_REDIS_AT_LEAST: Final = (6, 2)

#: Parts of its memory from which a server is nearly full, and full.
_NEARLY_FULL: Final = 0.75
_FULL: Final = 0.95

#: Days before the end of a certificate from which it is told.
_CERTIFICATE_DAYS: Final = 14


def redis_server(subject: str, url: str, *, replicas: int = 0) -> Generator[Finding, None, bool]:
    """Look at a server.

    Args:
        subject: What it is used for.
        replicas: ``SMS_REPLICAS``.

    Returns:
        Whether it answers.
    """
    return (
        yield from server(subject, connect_redis(url, timeout_s=5), RedisAddress.read(url), replicas=replicas)
    )


def server(
    subject: str, client: Redis, address: RedisAddress, *, replicas: int, node: str = ""
) -> Generator[Finding, None, bool]:
    """Look at a server by a client of it.

    Args:
        subject: What it is used for.
        replicas: ``SMS_REPLICAS``.
        node: Where it is, if there are several.

    Returns:
        Whether it answers.
    """
    try:
        info: Mapping[str, Any] = client.info("everything")
    except (RedisError, OSError) as error:
        if error_code(error) != "NOPERM":
            yield unreachable(subject, address, error)
            return False
        info = {}
        yield doubtful(
            subject,
            "Redis at {place} answers, and does not tell about itself (INFO is not permitted)",
            "permit +info, or check by hand its version, persistence, memory and replicas",
            place=address.place,
        )
    else:
        yield _who(subject, info, address)
    settings = _configuration(client, info)
    for finding in (
        *_connection(subject, client, address),
        *_eviction(subject, settings, info),
        *_persistence(subject, settings, info),
        *_memory(subject, info),
        *_copies(subject, info, address, replicas),
        *_clock(subject, client),
    ):
        yield (
            replace(finding, what=say("the node {node}: {what}", node=node, what=finding.what))
            if node
            else finding
        )
    return True


def unreachable(subject: str, address: RedisAddress, error: Exception) -> Finding:
    """It does not answer, or refuses us."""
    if refusal := refusal_text(error):
        return bad(
            subject,
            "Redis at {place} {refusal}",
            "fix SMS_BROKER_URL (or SMS_REDIS_URL, if the ledger is elsewhere)",
            place=address.place,
            refusal=say(refusal),
        )
    return bad(
        subject,
        "Redis at {place} does not answer ({error})",
        "start it, or set SMS_BROKER_URL (and SMS_REDIS_URL, if the ledger is elsewhere)",
        place=address.place,
        error=type(error).__name__,
    )


def _who(subject: str, info: Mapping[str, Any], address: RedisAddress) -> Finding:
    if valkey := info.get("valkey_version"):
        return good(subject, "Valkey {version} answers at {place}", version=str(valkey), place=address.place)
    number = str(info.get("redis_version", "0"))
    if numbers(number) < _REDIS_AT_LEAST:
        return bad(
            subject,
            "Redis {version} at {place} is too old",
            "use Redis 6.2 or newer, or Valkey",
            version=number,
            place=address.place,
        )
    return good(subject, "Redis {version} answers at {place}", version=number, place=address.place)


def _connection(subject: str, client: Redis, address: RedisAddress) -> Iterator[Finding]:
    """Who else can read what goes to it and comes from it."""
    if address.kind == "socket":
        return
    connection = client.connection_pool.get_connection()
    try:
        sock: Any = connection._sock  # noqa: SLF001  redis-py shows it nowhere else
        peer = sock.getpeername()[0]
        certificate = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
    except OSError:
        return
    finally:
        client.connection_pool.release(connection)
    if address.tls is None:
        if not ipaddress.ip_address(peer.partition("%")[0]).is_private:
            yield bad(
                subject,
                "the connection crosses a public network and is not encrypted",
                "use rediss://, or a private network",
            )
        return
    if not certificate:
        yield doubtful(
            subject,
            "the connection is encrypted, but the server's certificate is not checked",
            "leave ssl_cert_reqs out, and name its authority by ssl_ca_certs",
        )
        return
    left_days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86_400
    if left_days < _CERTIFICATE_DAYS:
        yield doubtful(
            subject,
            "the server's certificate ends in {days} days",
            "renew it on the server",
            days=f"{left_days:.0f}",
        )
    elif not address.tls.check_hostname:
        yield doubtful(
            subject,
            "the connection is encrypted, but it is not checked that the certificate is this server's",
            "leave ssl_check_hostname out",
        )
    else:
        yield good(subject, "the connection is encrypted, and the server's certificate is checked")


def _configuration(client: Redis, info: Mapping[str, Any]) -> dict[str, str]:
    """Its settings, by CONFIG where that is permitted, else as far as INFO tells them."""
    told = {
        "maxmemory": str(info["maxmemory"]) if "maxmemory" in info else "",
        "maxmemory-policy": str(info.get("maxmemory_policy", "")),
        "appendonly": {"0": "no", "1": "yes"}.get(str(info.get("aof_enabled")), ""),
    }
    try:
        for name in ("maxmemory", "maxmemory-policy", "appendonly", "appendfsync"):
            told |= {str(key): str(value) for key, value in client.config_get(name).items()}
    except RedisError:
        pass
    return {name: value for name, value in told.items() if value}


def _eviction(subject: str, settings: Mapping[str, str], info: Mapping[str, Any]) -> Iterator[Finding]:
    if evicted := int(info.get("evicted_keys", 0)):
        yield bad(
            subject,
            "it has dropped {count} keys since it started, because its memory was full",
            "set maxmemory-policy noeviction, and give it more memory",
            count=evicted,
        )
    policy = settings.get("maxmemory-policy")
    if policy is None:
        yield doubtful(
            subject,
            "it does not tell whether it drops keys when its memory is full",
            "check by hand that maxmemory-policy is noeviction",
        )
    elif policy == "noeviction":
        yield good(subject, "it never evicts a job (maxmemory-policy noeviction)")
    else:
        what = say("it may drop jobs when its memory is full (maxmemory-policy {policy})", policy=policy)
        limited = settings.get("maxmemory", "0") != "0"
        yield (bad if limited else doubtful)(subject, what, say("set maxmemory-policy noeviction"))


def _persistence(subject: str, settings: Mapping[str, str], info: Mapping[str, Any]) -> Iterator[Finding]:
    if info.get("aof_last_write_status", "ok") != "ok":
        yield bad(subject, "it cannot write its append-only file", "see its log: its disk may be full")
    kept, fsync = settings.get("appendonly"), settings.get("appendfsync")
    if kept is None:
        yield doubtful(
            subject, "it does not tell what it keeps on its disk", "check by hand that appendonly is yes"
        )
    elif kept != "yes":
        yield bad(
            subject,
            "a restart loses jobs (no append-only file)",
            "set appendonly yes, with appendfsync everysec (loses up to a second) or always",
        )
    elif fsync is None:
        yield doubtful(
            subject,
            "it keeps an append-only file, and does not tell how often it is written (CONFIG is not permitted)",
            "check by hand that appendfsync is everysec or always, or permit +config|get",
        )
    elif fsync == "no":
        yield doubtful(
            subject,
            "a crash of the machine loses up to half a minute of jobs (appendfsync no)",
            "set appendfsync everysec, or always",
        )
    else:
        yield good(subject, "it keeps an append-only file (appendfsync {fsync})", fsync=fsync)


def _memory(subject: str, info: Mapping[str, Any]) -> Iterator[Finding]:
    limit = int(info.get("maxmemory", 0)) or int(info.get("total_system_memory", 0))
    if not limit:
        return
    part = int(info.get("used_memory", 0)) / limit
    if part >= _FULL:
        yield bad(
            subject,
            "its memory is full ({part}): it records no more jobs",
            "give it more memory, or raise maxmemory; a shorter SMS_RETENTION saves some",
            part=f"{part:.0%}",
        )
    elif part >= _NEARLY_FULL:
        yield doubtful(
            subject,
            "its memory is nearly full ({part})",
            "give it more memory, or raise maxmemory; a shorter SMS_RETENTION saves some",
            part=f"{part:.0%}",
        )
    else:
        yield good(subject, "it has memory left ({part} used)", part=f"{part:.0%}")


def _copies(subject: str, info: Mapping[str, Any], address: RedisAddress, replicas: int) -> Iterator[Finding]:
    """Whether a fail-over forgets jobs. How many replicas have a step in time is tried by the ledger's trial."""
    if info.get("role") == "slave":
        yield bad(subject, "it is a replica, to which nobody can write", "name its master, or the Sentinels")
    connected = int(info.get("connected_slaves", 0))
    if replicas or subject != "ledger":
        return
    if connected or address.kind == "sentinel":
        yield doubtful(
            subject,
            "it has {count} replicas, and a fail-over may forget jobs and claims: SMS_REPLICAS is not set",
            "set SMS_REPLICAS=1 on producers and workers (docs/reliability.md)",
            count=connected,
        )


def _clock(subject: str, client: Redis) -> Iterator[Finding]:
    before = time.time()
    try:
        seconds, micros = client.time()
    except RedisError:
        return  # the ledger's trial says so: its scripts ask, too
    skew_s = (before + time.time()) / 2 - (seconds + micros / 1e6)
    if abs(skew_s) <= 1:
        yield good(subject, "its clock agrees with this machine's")
    else:
        yield doubtful(
            subject,
            "its clock and this machine's differ by {seconds} s, so maxQps is kept less exactly",
            "let both keep time by NTP",
            seconds=f"{abs(skew_s):.0f}",
        )

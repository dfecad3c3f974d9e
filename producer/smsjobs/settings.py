"""Where Redis and the broker are, from the environment or from arguments. Producer, worker and shell share it."""

from __future__ import annotations

import math
import os
import re
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Final

from smsjobs.addresses import BrokerAddress, InvalidAddress, RedisAddress, Tls, is_redis
from smsjobs.contract import OPT_OUT_WORDS, SCOPES, Scope, read_words
from smsjobs.ledger import DEFAULT_RETENTION_S, DEFAULT_RETRYABLE_S
from smsjobs.redis_store import NotReplicated, Seal, refusal_text
from smsjobs.templates import MODES, Mode

__all__ = [
    "DEFAULT_BROKER_URL",
    "EMBEDDED",
    "ConnectionSettings",
    "SettingsError",
    "read_number",
    "unreachable_text",
]

DEFAULT_BROKER_URL: Final = "redis://127.0.0.1:6379/0"

#: The broker URL for a private redis-server, which smsjobs starts itself.
EMBEDDED: Final = "embedded"

#: The highest number of a setting: ten years in seconds. Sockets and Redis fail at one that is far higher.
_MOST: Final = 10 * 365 * 24 * 3600.0

#: A class as Celery names it: ``package.module:Class`` or ``package.module.Class``.
_CLASS: Final = re.compile(r"[A-Za-z_][\w.]*[.:][A-Za-z_]\w*")


def unreachable_text(redis_url: str) -> str:
    """A sentence for people: no Redis answers at that address, and what to do. It shows no user and no password.

    Call it while an error of Redis is being handled. If Redis refused the password or the database, it says that instead.
    """
    address = RedisAddress.read(redis_url)
    if refusal := refusal_text(sys.exception()):
        return f"Redis at {address.place} {refusal} (check SMS_BROKER_URL or SMS_REDIS_URL)"
    if isinstance(sys.exception(), NotReplicated):
        return f"too few replicas of Redis at {address.place} have it in time (SMS_REPLICAS asks for them)"
    by_tls = " by TLS" if address.tls else ""
    return f"Redis is unreachable: nothing answers{by_tls} at {address.place} (start it, or set SMS_BROKER_URL or SMS_REDIS_URL)"


class SettingsError(Exception):
    """A setting is missing or wrong. The text names it and says how to fix it. Trying again does not help."""


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """The three addresses, and how long to wait for them.

    A Redis is written in the one spelling of `RedisAddress`, whatever spelling was given.
    """

    #: Celery's broker. `BrokerAddress` translates it for kombu and Celery.
    broker_url: str = field(repr=False)
    #: Celery's result backend, or None where there is none.
    result_backend: str | None = field(repr=False)
    #: Redis for the ledger.
    redis_url: str = field(repr=False)
    #: Seconds after which a call gives up on Redis.
    timeout_s: float = 5.0
    #: How many replicas must have each step on which a promise rests (SMS_REPLICAS); 0 trusts the one Redis.
    replicas: int = 0
    #: Seconds for which an outcome is kept.
    retention_s: float = DEFAULT_RETENTION_S
    #: Seconds for which the payload of a job is kept that was rejected or not sent, so that it can be sent again.
    retryable_s: float = DEFAULT_RETRYABLE_S
    #: Seals jobs between producer and worker (SMS_PAYLOAD_KEY); None leaves them readable in Redis.
    seal: Seal | None = field(default=None, repr=False)
    #: Replies by which people opt out (SMS_OPT_OUT_WORDS).
    opt_out_words: frozenset[str] = OPT_OUT_WORDS
    #: For which messages a number is suppressed that a carrier or Aliyun refuses (SMS_SUPPRESS_REFUSED); None: for none.
    suppress_refused: Scope | None = None
    #: What follows where a message does not fit what is known of its template (SMS_PREFLIGHT).
    preflight: Mode = "warn"

    @classmethod
    def read(
        cls,
        *,
        broker_url: str | None = None,
        redis_url: str | None = None,
        result_backend: str | None = None,
        timeout_s: float | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> ConnectionSettings:
        """Settings from the arguments, else from ``SMS_…`` in the environment, else the defaults.

        Raises:
            SettingsError: It names the setting and says how to fix it.
        """
        env = os.environ if environ is None else environ
        for name, url in (("broker_url", broker_url), ("redis_url", redis_url)):
            if url is not None and not isinstance(url, str):
                raise SettingsError(f"{name} must be text, such as redis://127.0.0.1:6379/0")
        broker = broker_url or env.get("SMS_BROKER_URL") or DEFAULT_BROKER_URL
        if broker == EMBEDDED:
            broker = _embedded()
        broker = _broker(broker)
        redis = _redis("SMS_REDIS_URL", redis_url or env.get("SMS_REDIS_URL") or _redis_of(broker))
        backend = result_backend or env.get("SMS_RESULT_BACKEND")
        return cls(
            broker_url=broker,
            result_backend=_backend(backend) if backend else _backend_of(broker, redis),
            redis_url=redis,
            timeout_s=_timeout(timeout_s, env),
            replicas=_replicas(env),
            retention_s=read_number(env, "SMS_RETENTION", DEFAULT_RETENTION_S, at_least=3600),
            retryable_s=read_number(env, "SMS_RETRYABLE", DEFAULT_RETRYABLE_S, at_least=0),
            # Without the line end that a file of secrets has.
            seal=_seal(env.get("SMS_PAYLOAD_KEY", "").strip()),
            opt_out_words=_words(env),
            suppress_refused=_scope(env),
            preflight=_mode(env),
        )


def read_number(environ: Mapping[str, str], name: str, default: float, *, at_least: float) -> float:
    """A number from the environment.

    Raises:
        SettingsError: It is not a number, too small, or more than ten years in seconds.
    """
    text = environ.get(name)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= at_least):
        raise SettingsError(f"{name} must be a number of at least {at_least:g}")
    if number > _MOST:
        raise SettingsError(f"{name} must be a number of at most {_MOST:.0f}")
    return number


def _words(environ: Mapping[str, str]) -> frozenset[str]:
    text = environ.get("SMS_OPT_OUT_WORDS", "").strip()
    if text.lower() == "off":
        return frozenset()
    return read_words(text) or OPT_OUT_WORDS


def _scope(environ: Mapping[str, str]) -> Scope | None:
    given = environ.get("SMS_SUPPRESS_REFUSED") or "off"
    if given not in ("off", *SCOPES):
        raise SettingsError("SMS_SUPPRESS_REFUSED must be off, promotional or all")
    return next((scope for scope in SCOPES if scope == given), None)


def _mode(environ: Mapping[str, str]) -> Mode:
    given = environ.get("SMS_PREFLIGHT") or "warn"
    for mode in MODES:
        if given == mode:
            return mode
    raise SettingsError("SMS_PREFLIGHT must be off, warn or refuse")


def _replicas(environ: Mapping[str, str]) -> int:
    text = environ.get("SMS_REPLICAS") or "0"
    if not re.fullmatch("[0-9]", text):
        raise SettingsError("SMS_REPLICAS must be a number of replicas, from 0 to 9")
    return int(text)


def _seal(keys: str) -> Seal | None:
    if not keys:
        return None
    try:
        return Seal(keys)
    except ImportError:
        raise SettingsError("SMS_PAYLOAD_KEY needs: pip install 'smsjobs[encryption]'") from None
    except ValueError:
        raise SettingsError(
            "SMS_PAYLOAD_KEY must be one or more Fernet keys, separated by commas; make one with: "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        ) from None


def _timeout(given: float | None, environ: Mapping[str, str]) -> float:
    if given is None:
        return read_number(environ, "SMS_TIMEOUT", 5.0, at_least=0.1)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0.1 <= given <= _MOST:
        raise SettingsError(f"timeout must be a number of 0.1 to {_MOST:.0f} seconds")
    return float(given)


def _embedded() -> str:
    from smsjobs.embedded import UnusableDirectory, embedded_url  # noqa: PLC0415  only where it is asked for

    try:
        return embedded_url()
    except UnusableDirectory as error:
        raise SettingsError(str(error)) from None


def _broker(url: str) -> str:
    """The broker's address. Refuses what Celery would read as the host of an AMQP broker, or not as a broker at all."""
    from kombu.transport import TRANSPORT_ALIASES  # noqa: PLC0415  its first import is slow

    if not is_redis(url) and _kind(url) not in TRANSPORT_ALIASES:
        raise SettingsError(
            "SMS_BROKER_URL is not a valid address of a broker: write redis://…, amqp://… or embedded"
        )
    try:
        BrokerAddress.read(url)
    except InvalidAddress as error:
        raise _invalid("SMS_BROKER_URL", error) from None
    return _redis("SMS_BROKER_URL", url) if is_redis(url) else url


def _kind(url: str) -> str | None:
    """The scheme by which Celery chooses: what stands before ``://``, without an addition such as ``+socket``."""
    scheme, separator, _ = url.partition("://")
    return scheme.partition("+")[0] if separator else None


def _backend(url: str) -> str:
    """The result backend. Refuses what is neither one that Celery knows nor the name of a class."""
    from celery.app.backends import BACKEND_ALIASES  # noqa: PLC0415  needed only where one is named

    if is_redis(url):
        return _redis("SMS_RESULT_BACKEND", url)
    kind = _kind(url) or url
    offered = {each.name for each in entry_points(group="celery.result_backends")}
    if kind not in BACKEND_ALIASES and kind not in offered and not _CLASS.fullmatch(kind):
        raise SettingsError(
            "SMS_RESULT_BACKEND is not a valid result backend: write redis://…, rpc:// or another that Celery "
            "knows, or leave it out"
        )
    return url


def _redis(name: str, url: str) -> str:
    """The address of a Redis, in our spelling. Refuses one to which nothing can connect, and shows nothing of it."""
    try:
        address = RedisAddress.read(url)
    except InvalidAddress as error:
        raise _invalid(name, error) from None
    if address.kind == "cluster" and name != "SMS_REDIS_URL":
        raise SettingsError(
            f"{name} cannot be a Cluster, only SMS_REDIS_URL can: Celery needs a Redis, Sentinels or RabbitMQ"
        )
    if address.tls:
        _check_files(name, address.tls)
    return address.url


def _check_files(name: str, tls: Tls) -> None:
    try:
        trusted = ssl.create_default_context(cafile=tls.ca_certs or None)
        if tls.certfile:
            trusted.load_cert_chain(tls.certfile, tls.keyfile or None)
    except OSError as error:  # a file that is missing, or, as ssl.SSLError, one without a certificate
        raise SettingsError(
            f"{name} names files of certificates that cannot be used ({type(error).__name__}): ssl_ca_certs must be a "
            "file of authorities, ssl_certfile and ssl_keyfile a certificate and its key, all in PEM format"
        ) from None


def _invalid(name: str, error: InvalidAddress) -> SettingsError:
    return SettingsError(f"{name} is not a valid address: {error}")


def _redis_of(broker: str) -> str:
    if is_redis(broker):
        return broker
    raise SettingsError(
        "SMS_REDIS_URL is missing: the broker is not a Redis, and the ledger needs one, such as redis://127.0.0.1:6379/0"
    )


def _backend_of(broker: str, redis: str) -> str:
    backend = broker if is_redis(broker) else redis
    if RedisAddress.read(backend).kind == "cluster":
        raise SettingsError(
            "SMS_RESULT_BACKEND is missing: SMS_REDIS_URL is a Cluster, which Celery cannot use; write redis://…, rpc:// or "
            "another that Celery knows"
        )
    return backend

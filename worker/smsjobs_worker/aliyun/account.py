"""An account at Aliyun, as ``sms.json`` describes it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["KEYS", "Account", "Endpoint", "Fault", "Queues", "Role", "read_account"]

#: The keys of ``sms.json``.
KEYS: Final = (
    "accessKey",
    "accessSecret",
    "credentials",
    "roleArn",
    "externalId",
    "roleSessionName",
    "roleDurationS",
    "stsEndpoint",
    "verifySign",
    "endpoint",
    "connectTimeoutMs",
    "readTimeoutMs",
    "maxQps",
    "securityToken",
    "transport",
    "receipts",
    "accountId",
    "tokenEndpoint",
    "queueEndpoint",
)

#: Aliyun's pages of SendSms ask for a read time-out of 1 s or more.
MIN_READ_TIMEOUT_MS: Final = 1000

#: The default first.
_TRANSPORTS: Final = ("lean", "sdk")

#: How receipts come. The default first.
_RECEIPTS: Final = ("push", "queue")

_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII
)
#: What Aliyun puts around a signature, and what people write for it. A signature has no brackets of its own.
_BRACKETS: Final = re.compile(r"[【】\[\]［］]")

#: Where keys come from that are not in ``sms.json``.
_SOURCES: Final = ("default",)

#: What says more about a role, and is nothing without it.
_OF_ROLE: Final = ("externalId", "roleSessionName", "roleDurationS")

# By Aliyun's page of AssumeRole.
_ROLE_ARN: Final = re.compile(r"acs:ram::[0-9]{1,20}:role/[A-Za-z0-9._/-]{1,128}", re.ASCII)
_EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9+=,.@:/_-]{2,1224}", re.ASCII)
_SESSION_NAME: Final = re.compile(r"[A-Za-z0-9.@_-]{2,64}", re.ASCII)

_ACCOUNT_ID: Final = re.compile(r"[0-9]{5,20}", re.ASCII)

#: What fits into a request's header: printable characters without spaces.
_PRINTABLE: Final = re.compile(r"[!-~]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where requests go."""

    #: ``"https"``, or ``"http"`` for a simulator.
    protocol: str = "https"
    #: Host, and port where it is not the protocol's own.
    host: str = "dysmsapi.aliyuncs.com"

    @property
    def url(self) -> str:
        """As a URL."""
        return f"{self.protocol}://{self.host}"

    @property
    def is_aliyun(self) -> bool:
        """Whether it is Aliyun's: the default, a region's, or one inside of Aliyun's network."""
        return self.protocol == "https" and self.host.removesuffix(":443").lower().endswith(".aliyuncs.com")

    @property
    def is_open(self) -> bool:
        """Whether numbers and codes travel unencrypted to another machine."""
        name = self.host.rpartition(":")[0] or self.host
        return self.protocol == "http" and name not in ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, kw_only=True)
class Queues:
    """Where an account's receipts and replies wait, if it has them put into queues."""

    #: Aliyun's number of the account, which is in the names of its queues.
    account_id: str
    #: Where the token for a queue is asked for.
    token_endpoint: Endpoint = Endpoint(host="dybaseapi.aliyuncs.com")
    #: Where the queues are. It is Aliyun's own, the same for all accounts.
    queue_endpoint: Endpoint = Endpoint(host="1943695596114318.mns.cn-hangzhou.aliyuncs.com")


@dataclass(frozen=True, kw_only=True)
class Role:
    """A RAM role that is taken on before anything is asked for."""

    #: Its ARN, such as ``acs:ram::1234567890123456:role/sms``.
    arn: str
    #: What the role's owner asks for besides, or None.
    external_id: str | None = field(default=None, repr=False)
    #: How the session is called in Aliyun's audit log.
    session_name: str = "smsjobs"
    #: How long one token is good for, in seconds.
    duration_s: int = 3600


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who sends, under which signature, and how."""

    #: AccessKey ID; empty where the keys come from Aliyun's default chain.
    access_key: str = field(default="", repr=False)
    #: AccessKey Secret; likewise.
    access_secret: str = field(default="", repr=False)
    #: The approved signature, without its brackets.
    sign: str = field(repr=False)
    #: Where requests go.
    endpoint: Endpoint = field(default_factory=Endpoint)
    #: Longest time to open a connection, in milliseconds.
    connect_timeout_ms: int = 5000
    #: Longest silence while waiting for an answer, in milliseconds.
    read_timeout_ms: int = 10_000
    #: Most requests a second over all workers together; None: no limit.
    max_qps: float | None = None
    #: The token of a temporary AccessKey (STS), or None.
    security_token: str | None = field(default=None, repr=False)
    #: The role that is taken on with these keys, or with those of the chain; None: they sign by themselves.
    role: Role | None = None
    #: Where a role is taken on.
    sts_endpoint: Endpoint = field(default_factory=lambda: Endpoint(host="sts.aliyuncs.com"))
    #: How requests travel: ``"lean"``, over our kept connections, or ``"sdk"``, as the SDK itself makes them.
    transport: str = "lean"
    #: Its queues, where receipts come by queue; None where they are pushed.
    queues: Queues | None = None
    #: The scheme of the verification product under which codes count; None: the default one.
    scheme: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong with a key."""

    #: The key.
    key: str
    #: What is wrong.
    cause: str
    #: How to fix it.
    hint: str
    #: Whether the account works all the same.
    harmless: bool = False


def read_account(
    settings: Mapping[str, Any], *, endpoint: Endpoint | None = None
) -> tuple[Account | None, list[Fault]]:
    """The account of those settings, or None if it cannot work; and all that is wrong with them.

    Args:
        settings: The content of ``sms.json``.
        endpoint: Where requests go unless the settings say otherwise; None: to Alibaba Cloud SMS.
    """
    faults: list[Fault] = []
    read = _Reader(settings, faults)
    values: dict[str, Any] = {
        **read.credentials(),
        "sign": read.signature("verifySign"),
        "endpoint": read.endpoint("endpoint", endpoint),
        "connect_timeout_ms": read.milliseconds("connectTimeoutMs", default=5000, least=1),
        "read_timeout_ms": read.milliseconds("readTimeoutMs", default=10_000, least=1),
        "max_qps": read.rate("maxQps"),
        "transport": read.one_of("transport", _TRANSPORTS),
        "queues": read.queues(),
    }
    read_timeout_ms = values["read_timeout_ms"]
    if isinstance(read_timeout_ms, int) and read_timeout_ms < MIN_READ_TIMEOUT_MS:
        cause = f"under {MIN_READ_TIMEOUT_MS} ms many answers are lost that were only slow"
        faults.append(
            Fault(key="readTimeoutMs", cause=cause, hint="raise it, outside of tests", harmless=True)
        )
    typo = f"the keys are {', '.join(KEYS)}: a typo?"
    faults += [
        Fault(key=key, cause="unknown key", hint=typo, harmless=True) for key in settings if key not in KEYS
    ]
    if not all(each.harmless for each in faults):
        return None, faults
    return Account(**values), faults


class _Reader:
    def __init__(self, settings: Mapping[str, Any], faults: list[Fault]) -> None:
        self._settings = settings
        self._faults = faults

    def text(self, key: str, what: str, *, needed: bool = True) -> str | None:
        value = self._settings.get(key)
        if value is None:
            if needed:
                self._fault(key, "missing", f"add {what} as text")
            return None
        if not isinstance(value, str) or not value.strip():
            self._fault(key, "empty" if isinstance(value, str) else "not text", f"write {what} as text")
            return None
        return value.strip()

    def signature(self, key: str) -> str | None:
        value = self.text(key, "the approved signature")
        if value is not None and _BRACKETS.search(value):
            # Aliyun puts them around it, and refuses a signature that has its own.
            self._fault(key, "has brackets", "write the approved signature without 【 and 】")
            return None
        return value

    def token(self, key: str, what: str, *, needed: bool = True) -> str | None:
        value = self.text(key, what, needed=needed)
        if value is not None and _PRINTABLE.fullmatch(value) is None:
            self._fault(key, "has spaces or characters outside ASCII", f"copy {what} again")
            return None
        return value

    def endpoint(self, key: str, default: Endpoint | None = None) -> Endpoint:
        default = default or Endpoint()
        value = self.text(key, "a host or a URL", needed=False)
        if value is None:
            return default
        protocol, separator, rest = value.partition("://")
        if not separator:
            protocol, rest = "https", value
        host = rest.removesuffix("/")
        if protocol.lower() not in ("http", "https") or _HOST.fullmatch(host) is None or not _port_fits(host):
            self._fault(
                key,
                "neither a host nor a URL",
                f'write it like "{default.host}" or "http://127.0.0.1:9400"',
            )
            return default
        endpoint = Endpoint(protocol=protocol.lower(), host=host)
        if endpoint.is_open:
            hint = "use https, except for a simulator"
            self._fault(key, "sends numbers and codes unencrypted to another machine", hint, harmless=True)
        return endpoint

    def one_of(self, key: str, known: tuple[str, str]) -> str:
        value = self._settings.get(key, known[0])
        if value not in known:
            self._fault(key, "not a known way", f'write "{known[0]}" or "{known[1]}"')
            return known[0]
        return str(value)

    def queues(self) -> Queues | None:
        """What is only needed where receipts come by queue is only looked at there."""
        if self.one_of("receipts", _RECEIPTS) != "queue":
            return None
        account_id = self.text("accountId", "Aliyun's number of the account, as in the names of its queues,")
        if account_id is not None and _ACCOUNT_ID.fullmatch(account_id) is None:
            self._fault("accountId", "not a number of an account", "copy the digits from the queue's name")
        return Queues(
            account_id=account_id or "",
            token_endpoint=self.endpoint("tokenEndpoint", Queues.token_endpoint),
            queue_endpoint=self.endpoint("queueEndpoint", Queues.queue_endpoint),
        )

    def credentials(self) -> dict[str, Any]:
        """Who signs: two keys, or Aliyun's default chain; either may take on a role."""
        values: dict[str, Any] = {
            "role": self.role(),
            "sts_endpoint": self.endpoint("stsEndpoint", Endpoint(host="sts.aliyuncs.com")),
        }
        keys = [key for key in ("accessKey", "accessSecret", "securityToken") if self._given(key)]
        if self._given("credentials"):
            if self._settings["credentials"] not in _SOURCES:
                hint = 'write "default", or leave it out and add accessKey and accessSecret'
                self._fault("credentials", "not a known source", hint)
            if keys:
                self._fault("credentials", f"given beside {' and '.join(keys)}", "leave one of them out")
            return values
        if self._given("roleArn") and not keys:
            return values
        return values | {
            "access_key": self.token("accessKey", "the AccessKey ID"),
            "access_secret": self.token("accessSecret", "the AccessKey Secret"),
            "security_token": self.token("securityToken", "the STS token", needed=False),
        }

    def role(self) -> Role | None:
        if not self._given("roleArn"):
            for key in filter(self._given, _OF_ROLE):
                self._fault(key, "given without roleArn", "add roleArn, or leave this out")
            return None
        arn = self._like("roleArn", _ROLE_ARN, "acs:ram::1234567890123456:role/sms")
        name = self._like("roleSessionName", _SESSION_NAME, Role.session_name)
        return Role(
            arn=arn or "",
            external_id=self._like("externalId", _EXTERNAL_ID, "shop-1"),
            session_name=name or Role.session_name,
            duration_s=self._whole("roleDurationS", "seconds", Role.duration_s, least=900, most=43_200),
        )

    def _given(self, key: str) -> bool:
        return self._settings.get(key) is not None

    def _like(self, key: str, pattern: re.Pattern[str], example: str) -> str | None:
        value = self.text(key, f'text like "{example}"', needed=False)
        if value is not None and pattern.fullmatch(value) is None:
            self._fault(key, "malformed", f'write it like "{example}"')
            return None
        return value

    def milliseconds(self, key: str, *, default: int, least: int) -> int:
        return self._whole(key, "milliseconds", default, least=least, most=600_000)

    def _whole(self, key: str, unit: str, default: int, *, least: int, most: int) -> int:
        value = self._number(key)
        if value is None:
            return default
        if value != int(value) or not least <= value <= most:
            self._fault(key, "out of range", f"write whole {unit} from {least} to {most}")
            return default
        return int(value)

    def rate(self, key: str) -> float | None:
        value = self._number(key)
        if value is not None and value <= 0:
            self._fault(key, "not above 0", "write requests a second, or leave the key out for no limit")
            return None
        return value

    def _number(self, key: str) -> float | None:
        value = self._settings.get(key)
        if value is None:
            return None
        try:
            # A number from the environment is text.
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            self._fault(key, "not a number", "write a number")
            return None
        return number

    def _fault(self, key: str, cause: str, hint: str, *, harmless: bool = False) -> None:
        self._faults.append(Fault(key=key, cause=cause, hint=hint, harmless=harmless))


def _port_fits(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").port != 0
    except ValueError:
        return False

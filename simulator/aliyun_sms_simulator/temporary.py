"""Temporary access keys: the Security Token Service (STS), and the metadata service of an ECS instance. No I/O.

================================================================  ==================================================
``AssumeRole``, ``GetCallerIdentity`` (STS, 2015-04-01)             a role is taken on; whose key it is
``PUT /latest/api/token``                                           a token for the other two
``GET /latest/meta-data/ram/security-credentials/``                 the name of the instance's role
``GET /latest/meta-data/ram/security-credentials/<role>``           its keys
================================================================  ==================================================
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from aliyun_sms_simulator.catalogue import Account, Catalogue
from aliyun_sms_simulator.codes import refusal

__all__ = ["ACCOUNT", "METADATA", "Metadata", "TemporaryKeys", "assume_role", "caller_identity"]

#: the number of the simulated account, which is in its ARNs
ACCOUNT = "1000000000000001"

#: the beginning of the metadata service's paths
METADATA = "/latest/"

_ROLES = "/latest/meta-data/ram/security-credentials/"
_TOKEN_PATH = "/latest/api/token"  # noqa: S105  a path
_ROLE_ARN = re.compile(r"acs:ram::[0-9]+:role/([A-Za-z0-9._-]+)", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A temporary access key."""

    access_key: str
    access_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    #: the access key of the account that it belongs to
    account: str
    arn: str
    issued_s: float
    expires_s: float

    def to_json(self) -> dict[str, str]:
        """Return it as STS and the metadata service do."""
        return {
            "AccessKeyId": self.access_key,
            "AccessKeySecret": self.access_secret,
            "SecurityToken": self.security_token,
            "Expiration": _utc(self.expires_s),
        }


class TemporaryKeys:
    """The temporary access keys that were issued. Their time is the gateway's."""

    def __init__(self) -> None:
        self._issued: dict[str, Issued] = {}
        #: those of the instance's role
        self._of_instance: dict[str, Issued] = {}

    def clear(self) -> None:
        """Forget all of them."""
        self._issued.clear()
        self._of_instance.clear()

    def issue(self, *, account: str, arn: str, now_s: float, for_s: float) -> Issued:
        """Issue a key.

        Args:
            account: the access key of the account that it belongs to.
            arn: whose it is.
            now_s: the gateway's time.
            for_s: seconds for which it is good.
        """
        issued = Issued(
            access_key=f"STS.{secrets.token_hex(8)}",
            access_secret=secrets.token_hex(16),
            security_token=secrets.token_hex(24),
            account=account,
            arn=arn,
            issued_s=now_s,
            expires_s=now_s + for_s,
        )
        self._issued[issued.access_key] = issued
        return issued

    def of_instance(self, role: str, *, account: str, now_s: float, for_s: float) -> Issued:
        """Return the keys of the instance's role: the same ones until half of their time is over."""
        issued = self._of_instance.get(role)
        if issued is None or now_s >= (issued.issued_s + issued.expires_s) / 2:
            arn = f"acs:ram::{ACCOUNT}:assumed-role/{role.lower()}/i-simulated"
            issued = self._of_instance[role] = self.issue(account=account, arn=arn, now_s=now_s, for_s=for_s)
        return issued

    def expire(self) -> int:
        """End all keys now, before their time. Return how many there were."""
        ended = len(self._issued)
        self._issued = {name: replace(each, expires_s=0) for name, each in self._issued.items()}
        self._of_instance.clear()
        return ended

    def find(self, access_key: str, security_token: str | None, now_s: float) -> tuple[Account, str] | None:
        """Return the account of a key with the key's own secret, and whose it is; None if nobody issued it.

        Raises:
            Refusal: its token is wrong or has expired.
        """
        issued = self._issued.get(access_key)
        if issued is None:
            return None
        if security_token != issued.security_token:
            raise refusal("InvalidSecurityToken.MismatchWithAccessKey")
        if now_s >= issued.expires_s:
            raise refusal("InvalidSecurityToken.Expired")
        account = Account(
            access_key=issued.account, access_secret=issued.access_secret, security_token=security_token
        )
        return account, issued.arn


class Metadata:
    """The metadata service of the instance that the caller runs on."""

    def __init__(self) -> None:
        self._tokens: set[str] = set()

    def answer(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        role: str | None,
        keys: TemporaryKeys,
        account: str,
        now_s: float,
        for_s: float,
    ) -> tuple[int, str | dict[str, str]]:
        """Return status and body.

        Args:
            method: HTTP method.
            path: without the query.
            headers: looked up by lower-case name.
            role: the instance's; None has none.
            keys: where its keys are issued.
            account: the access key of the account that they belong to.
            now_s: the gateway's time.
            for_s: seconds for which new keys are good.
        """
        if (method, path) == ("PUT", _TOKEN_PATH):
            token = secrets.token_hex(16)
            self._tokens.add(token)
            return 200, token
        given = headers.get("x-aliyun-ecs-metadata-token")
        if given is not None and given not in self._tokens:
            return 403, "Forbidden"
        if method != "GET" or role is None:
            return 404, "Not Found"
        if path == _ROLES:
            return 200, role
        if path != f"{_ROLES}{role}":
            return 404, "Not Found"
        issued = keys.of_instance(role, account=account, now_s=now_s, for_s=for_s)
        return 200, issued.to_json() | {"LastUpdated": _utc(issued.issued_s), "Code": "Success"}


def assume_role(
    catalogue: Catalogue,
    keys: TemporaryKeys,
    params: Mapping[str, str],
    *,
    account: str,
    now_s: float,
    for_s: float,
) -> dict[str, Any]:
    """Take on a role.

    Args:
        catalogue: knows the roles.
        keys: where the new key is issued.
        params: the caller's.
        account: the access key of his account.
        now_s: the gateway's time.
        for_s: seconds for which the new key is good, unless less was asked for.

    Raises:
        Refusal: as STS answers.
    """
    arn, session = params.get("RoleArn", ""), params.get("RoleSessionName", "")
    matched = _ROLE_ARN.fullmatch(arn)
    if matched is None:
        raise refusal("InvalidParameter.RoleArn")
    if re.fullmatch(r"[A-Za-z0-9.@_-]{2,64}", session, re.ASCII) is None:
        raise refusal("InvalidParameter.RoleSessionName")
    asked = params.get("DurationSeconds", "3600")
    if not (asked.isascii() and asked.isdigit() and 900 <= int(asked) <= 43_200):
        raise refusal("InvalidParameter.DurationSeconds")
    catalogue.check_role(arn, params.get("ExternalId"))
    user = f"{arn.rpartition(':role/')[0]}:assumed-role/{matched.group(1).lower()}/{session}"
    issued = keys.issue(account=account, arn=user, now_s=now_s, for_s=min(for_s, int(asked)))
    return {
        "AssumedRoleUser": {"Arn": user, "AssumedRoleId": f"300000000000000001:{session}"},
        "Credentials": issued.to_json(),
    }


def caller_identity(arn: str) -> dict[str, Any]:
    """Tell whose key signed."""
    kind = "AssumedRoleUser" if ":assumed-role/" in arn else "RAMUser"
    return {
        "Arn": arn,
        "AccountId": arn.split(":")[3],
        "IdentityType": kind,
        "PrincipalId": "300000000000000001",
    }


def _utc(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Aliyun's gateway: all checks that come before an action gets its parameters."""

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from aliyun_sms_simulator.catalogue import Account, Catalogue
from aliyun_sms_simulator.codes import refusal
from aliyun_sms_simulator.phone import normal
from aliyun_sms_simulator.signature import Authorization, canonical_request, sign, sign_rpc
from aliyun_sms_simulator.temporary import ACCOUNT, TemporaryKeys

__all__ = ["DYPNS", "DYSMS", "Call", "Gateway"]

#: Aliyun's products, by the names of their APIs. Both have the same version, and each has a QuerySendDetails of its own.
DYSMS = "Dysmsapi"
DYPNS = "Dypnsapi"

VERSION = "2017-05-25"
#: the actions of STS, and their version
_OF_STS = ("AssumeRole", "GetCallerIdentity")
_STS_VERSION = "2015-04-01"
_CLOCK_TOLERANCE_S = 15 * 60
_REQUIRED = (
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
)
#: the code Missing… for each header that a caller may forget
_MISSING = {
    "x-acs-action": "MissingAction",
    "x-acs-version": "MissingVersion",
    "x-acs-date": "MissingTimestamp",
    "x-acs-signature-nonce": "MissingSignatureNonce",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request that passed the gateway."""

    action: str
    #: access key id
    account: str
    #: query and form parameters
    params: Mapping[str, str] = field(repr=False)
    #: the numbers that it names, in normal form if they have one
    phones: tuple[str, ...] = field(repr=False)
    out_id: str
    #: whose endpoint it came to
    product: str = DYSMS
    #: whose key signed it
    arn: str = ""


class Gateway:
    """Verifies signatures, time stamps and nonces.

    Args:
        catalogue: knows the accounts.
        temporary: knows the temporary keys.
        nonce_limit: how many nonces are remembered, the newest.
    """

    def __init__(
        self, catalogue: Catalogue, temporary: TemporaryKeys | None = None, nonce_limit: int = 200_000
    ) -> None:
        self._catalogue = catalogue
        self._temporary = temporary or TemporaryKeys()
        self._nonces: set[str] = set()
        self._order: deque[str] = deque()
        self._nonce_limit = nonce_limit

    def admit(
        self,
        *,
        method: str,
        path: str,
        raw_query: str,
        headers: Mapping[str, str],
        body: bytes,
        now_s: float,
        product: str = DYSMS,
    ) -> Call:
        """Check a request as it came over the wire.

        Args:
            method: HTTP method.
            path: without the query.
            raw_query: encoded, without the question mark.
            headers: looked up by lower-case name.
            body: as received.
            now_s: the gateway's clock, in seconds since the epoch.
            product: whose endpoint it came to.

        Raises:
            Refusal: a gateway error.
        """
        if method not in ("GET", "POST"):
            raise refusal("UnsupportedHTTPMethod")
        query = parse_qsl(raw_query, keep_blank_values=True)
        if "authorization" not in headers and any(name == "Signature" for name, _ in query):
            return self._admit_rpc(method, dict(query), now_s)
        authorization = _authorization(headers)
        account, arn = self._account(authorization.credential, headers.get("x-acs-security-token"), now_s)
        _check_time(headers["x-acs-date"], now_s)
        _check_signature(authorization, account, method, path, query, headers, body)
        self._check_nonce(headers["x-acs-signature-nonce"])
        if headers["x-acs-version"] != (_STS_VERSION if headers["x-acs-action"] in _OF_STS else VERSION):
            raise refusal("InvalidVersion")
        return _call(headers, account, dict(query), body, product, arn)

    def _admit_rpc(self, method: str, query: dict[str, str], now_s: float) -> Call:
        """Check a request that is signed in the older way, as the library of credentials takes on a role."""
        signature = query.pop("Signature")
        if query.get("SignatureMethod") != "HMAC-SHA1" or query.get("SignatureVersion") != "1.0":
            raise refusal("InvalidSignatureMethod")
        for name in ("Action", "Version", "AccessKeyId", "Timestamp", "SignatureNonce"):
            if not query.get(name):
                raise refusal(f"Missing{name}")
        account, arn = self._account(query["AccessKeyId"], query.get("SecurityToken"), now_s)
        _check_time(query["Timestamp"], now_s)
        if not hmac.compare_digest(sign_rpc(account.access_secret, method, query.items()), signature):
            raise refusal("SignatureDoesNotMatch")
        self._check_nonce(query["SignatureNonce"])
        if query["Action"] not in _OF_STS:
            raise refusal("InvalidAction.NotFound")
        if query["Version"] != _STS_VERSION:
            raise refusal("InvalidVersion")
        return Call(
            action=query["Action"], account=account.access_key, params=query, phones=(), out_id="", arn=arn
        )

    def _account(self, access_key: str, security_token: str | None, now_s: float) -> tuple[Account, str]:
        """Return who signs, and his ARN."""
        if (found := self._temporary.find(access_key, security_token, now_s)) is not None:
            return found
        account = self._catalogue.accounts.get(access_key)
        if account is None:
            raise refusal("InvalidAccessKeyId.NotFound")
        if not account.active:
            raise refusal("InvalidAccessKeyId.Inactive")
        if account.security_token != security_token:
            raise refusal("InvalidSecurityToken")
        return account, f"acs:ram::{ACCOUNT}:user/{access_key}"

    def _check_nonce(self, nonce: str) -> None:
        if nonce in self._nonces:
            raise refusal("SignatureNonceUsed")
        self._nonces.add(nonce)
        self._order.append(nonce)
        if len(self._order) > self._nonce_limit:
            self._nonces.discard(self._order.popleft())


def _authorization(headers: Mapping[str, str]) -> Authorization:
    if "authorization" not in headers:
        raise refusal("MissingAccessKeyId")
    try:
        authorization = Authorization.parse(headers["authorization"])
    except LookupError:
        raise refusal("InvalidSignatureMethod") from None
    except ValueError:
        raise refusal("IncompleteSignature") from None
    for name, code in _MISSING.items():
        if not headers.get(name):
            raise refusal(code)
    if not set(_REQUIRED) <= set(authorization.signed_headers) or "x-acs-content-sha256" not in headers:
        raise refusal("IncompleteSignature")
    return authorization


def _check_time(text: str, now_s: float) -> None:
    try:
        stamp = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise refusal("InvalidTimeStamp.Format") from None
    if abs(stamp.timestamp() - now_s) > _CLOCK_TOLERANCE_S:
        raise refusal("InvalidTimeStamp.Expired")


def _check_signature(
    authorization: Authorization,
    account: Account,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    digest = hashlib.sha256(body).hexdigest()
    try:
        canonical = canonical_request(
            method=method,
            path=path,
            query=query,
            headers=headers,
            signed_headers=authorization.signed_headers,
            payload_sha256=digest,
        )
    except KeyError:
        raise refusal("IncompleteSignature") from None
    right = sign(account.access_secret, canonical)
    if digest != headers["x-acs-content-sha256"].lower() or not hmac.compare_digest(
        right.encode(), authorization.signature.encode()
    ):
        # Like Aliyun's own message, this one repeats what was signed, with numbers and codes. It is on purpose: so a
        # test can find an application that logs it.
        raise refusal(
            "SignatureDoesNotMatch",
            f"Specified signature is not matched with our calculation. server canonical request is:{canonical}",
        )


def _call(
    headers: Mapping[str, str],
    account: Account,
    params: dict[str, str],
    body: bytes,
    product: str,
    arn: str,
) -> Call:
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        params.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return Call(
        action=headers["x-acs-action"],
        account=account.access_key,
        params=params,
        phones=tuple(normal(phone) or phone for phone in _phones(headers["x-acs-action"], params)),
        out_id=params.get("OutId", ""),
        product=product,
        arn=arn,
    )


def _phones(action: str, params: Mapping[str, str]) -> list[str]:
    if action == "SendBatchSms":
        try:
            phones = json.loads(params.get("PhoneNumberJson", "[]"))
        except (ValueError, RecursionError):
            return []
        return phones if isinstance(phones, list) and all(isinstance(phone, str) for phone in phones) else []
    text = params.get("PhoneNumbers" if action == "SendSms" else "PhoneNumber", "")
    return [phone.strip() for phone in text.split(",")] if text else []

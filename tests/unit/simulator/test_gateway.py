"""The gateway's checks, on requests signed by hand."""

import hashlib
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from aliyun_sms_simulator.catalogue import Account, Catalogue
from aliyun_sms_simulator.codes import Refusal
from aliyun_sms_simulator.gateway import Gateway
from aliyun_sms_simulator.signature import canonical_request, sign

NOW_S = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
_PARAMS = {"PhoneNumbers": "13800138000,+8613800138001", "OutId": "out-1"}


def _request(params=_PARAMS, *, key="ak", secret="sk", body=b"", signed_extra=(), payload=None, **changes):
    headers = {
        "host": "127.0.0.1:9400",
        "x-acs-action": "SendSms",
        "x-acs-version": "2017-05-25",
        "x-acs-date": datetime.fromtimestamp(NOW_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": "nonce-1",
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    names = [*headers, *signed_extra]
    canonical = canonical_request(
        method="POST",
        path="/",
        query=params.items(),
        headers=headers | dict.fromkeys(signed_extra, ""),
        signed_headers=names,
        payload_sha256=payload or headers["x-acs-content-sha256"],
    )
    headers["authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key},SignedHeaders={';'.join(names)},Signature={sign(secret, canonical)}"
    )
    return {
        "method": "POST",
        "path": "/",
        "raw_query": urlencode(params),
        "headers": headers,
        "body": body,
        "now_s": NOW_S,
    }


def _without(request, name):
    headers = {key: value for key, value in request["headers"].items() if key != name}
    return request | {"headers": headers}


def _with(request, **headers):
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return request | {"headers": request["headers"] | changed}


@pytest.fixture
def gateway():
    accounts = [
        Account(access_key="ak", access_secret="sk"),
        Account(access_key="off", access_secret="sk", active=False),
        Account(access_key="sts", access_secret="sk", security_token="token"),
    ]
    return Gateway(Catalogue(accounts={account.access_key: account for account in accounts}))


def test_signed_request_passes(gateway):
    """A request with the right signature comes through with its parameters and its numbers in normal form."""
    call = gateway.admit(**_request())
    assert (call.action, call.account, call.out_id) == ("SendSms", "ak", "out-1")
    assert call.phones == ("13800138000", "13800138001")


def test_sts_request_passes(gateway):
    """A key with a security token passes when the request carries it."""
    assert gateway.admit(**_request(key="sts", x_acs_security_token="token")).account == "sts"


REFUSED = [
    (_request(secret="wrong"), "SignatureDoesNotMatch", 400),
    (_request() | {"raw_query": urlencode(_PARAMS | {"OutId": "out-2"})}, "SignatureDoesNotMatch", 400),
    (_request(body=b"a") | {"body": b"b"}, "SignatureDoesNotMatch", 400),
    (
        _request(payload=hashlib.sha256(b"").hexdigest(), x_acs_content_sha256="0" * 64),
        "SignatureDoesNotMatch",
        400,
    ),
    (_request(key="nobody"), "InvalidAccessKeyId.NotFound", 404),
    (_request(key="off"), "InvalidAccessKeyId.Inactive", 400),
    (_request(key="sts"), "InvalidSecurityToken", 400),
    (_request(x_acs_date="2026-06-01T11:44:59Z"), "InvalidTimeStamp.Expired", 400),
    (_request(x_acs_date="2026-06-01T12:15:01Z"), "InvalidTimeStamp.Expired", 400),
    (_request(x_acs_date="Mon, 01 Jun 2026 12:00:00 GMT"), "InvalidTimeStamp.Format", 400),
    (_request(x_acs_version="2018-05-01"), "InvalidVersion", 404),
    (_request() | {"method": "PUT"}, "UnsupportedHTTPMethod", 400),
    (_without(_request(), "authorization"), "MissingAccessKeyId", 400),
    (_without(_request(), "x-acs-signature-nonce"), "MissingSignatureNonce", 400),
    (_without(_request(), "x-acs-date"), "MissingTimestamp", 400),
    (_request(signed_extra=("x-acs-other",)), "IncompleteSignature", 400),
    (_with(_request(), authorization="ACS3-HMAC-SHA256 Credential=ak"), "IncompleteSignature", 400),
    (_with(_request(), authorization="HMAC-SHA1 x"), "InvalidSignatureMethod", 400),
]


@pytest.mark.parametrize(
    ("request_", "code", "status"), REFUSED, ids=[f"{row[1]}-{i}" for i, row in enumerate(REFUSED)]
)
def test_refused(gateway, request_, code, status):
    """Each thing that may be wrong with a request gives Aliyun's code and HTTP status."""
    with pytest.raises(Refusal) as caught:
        gateway.admit(**request_)
    assert (caught.value.code, caught.value.status) == (code, status)


@pytest.mark.parametrize("date", ["2026-06-01T11:45:00Z", "2026-06-01T12:15:00Z"])
def test_clock_may_be_fifteen_minutes_off(gateway, date):
    """A time stamp 15 minutes off, either way, is still good."""
    assert gateway.admit(**_request(x_acs_date=date)).out_id == "out-1"


def test_nonce_is_good_once(gateway):
    """The same signed request is refused the second time, and a refused signature does not use its nonce up."""
    with pytest.raises(Refusal):
        gateway.admit(**_request(secret="wrong"))
    gateway.admit(**_request())
    with pytest.raises(Refusal) as caught:
        gateway.admit(**_request())
    assert caught.value.code == "SignatureNonceUsed"


def test_refusal_hides_what_was_signed(gateway):
    """The message of SignatureDoesNotMatch holds numbers as Aliyun's may, and neither str nor repr shows them."""
    with pytest.raises(Refusal) as caught:
        gateway.admit(**_request(secret="wrong"))
    assert "13800138000" in caught.value.message
    assert "13800138000" not in str(caught.value) + repr(caught.value)

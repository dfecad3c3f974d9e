"""Aliyun's signature, against its own vector."""

import hashlib

import pytest

from aliyun_sms_simulator.signature import Authorization, canonical_query, canonical_request, sign

_SECRET = "YourAccessKeySecret"
_EMPTY = hashlib.sha256(b"").hexdigest()
_SIGNED = (
    "host",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-version",
)

VECTORS = [
    pytest.param(
        "ecs.cn-shanghai.aliyuncs.com",
        "RunInstances",
        "2014-05-26",
        {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"},
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
        id="official",
    ),
    pytest.param(
        "dysmsapi.aliyuncs.com",
        "SendSms",
        "2017-05-25",
        {
            "TemplateParam": '{"code":"1234"}',
            "TemplateCode": "SMS_71390007",
            "SignName": "阿里云",
            "PhoneNumbers": "13900000000",
            "OutId": "abc",
        },
        "4ba5ffacca4ed3afe8a8fb3c7c57f46958bd7d6b9dad0d4613663e79b4d32e75",
        "80b80363268ecc759021ec8534a8b2fd63d6bf60f163711ca15e8dacedffdc3f",
        id="SendSms",
    ),
]


@pytest.mark.parametrize(("host", "action", "version", "query", "digest", "signature"), VECTORS)
def test_vectors(host, action, version, query, digest, signature):
    """The canonical request and the signature are those that Aliyun publishes."""
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-content-sha256": _EMPTY,
    }
    canonical = canonical_request(
        method="POST",
        path="/",
        query=query.items(),
        headers=headers,
        signed_headers=reversed(_SIGNED),
        payload_sha256=_EMPTY,
    )
    assert hashlib.sha256(canonical.encode()).hexdigest() == digest
    assert sign(_SECRET, canonical) == signature


def test_query_is_encoded_as_rfc_3986():
    """A space is %20, an asterisk %2A, a tilde itself, and names are in order."""
    assert canonical_query([("b", "a b*~"), ("A", "/中")]) == "A=%2F%E4%B8%AD&b=a%20b%2A~"


def test_authorization_is_taken_apart():
    """Credential, signed headers and signature are found in the header."""
    found = Authorization.parse("ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=a;b,Signature=00ff")
    assert (found.credential, found.signed_headers, found.signature) == ("ak", ("a", "b"), "00ff")


@pytest.mark.parametrize(
    ("header", "error"),
    [
        pytest.param(
            "HMAC-SHA1 Credential=ak,SignedHeaders=a,Signature=0", LookupError, id="another algorithm"
        ),
        pytest.param("ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=a", ValueError, id="no signature"),
        pytest.param("ACS3-HMAC-SHA256", ValueError, id="nothing"),
    ],
)
def test_authorization_that_is_wrong(header, error):
    """A header of another algorithm and a header with a part missing are told apart."""
    with pytest.raises(error):
        Authorization.parse(header)

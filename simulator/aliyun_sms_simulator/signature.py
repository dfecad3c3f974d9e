"""ACS3-HMAC-SHA256, Aliyun's request signature: how to make, parse and compare it; and the older one in a query.

The rules are from Aliyun's page "V3 request structure and signature". Nothing here does I/O or reads a clock.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

__all__ = [
    "ALGORITHM",
    "Authorization",
    "canonical_query",
    "canonical_request",
    "sign",
    "sign_rpc",
    "string_to_sign",
]

ALGORITHM = "ACS3-HMAC-SHA256"


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorization:
    """A parsed ``Authorization`` header."""

    #: the access key id
    credential: str
    #: the lower-case names of the headers that were signed, in the caller's order
    signed_headers: tuple[str, ...]
    #: lower-case hexadecimal digits
    signature: str

    @classmethod
    def parse(cls, header: str) -> "Authorization":
        """Parse the header.

        Args:
            header: the whole value, with the algorithm.

        Raises:
            LookupError: it names another algorithm.
            ValueError: a part is missing.
        """
        algorithm, _, rest = header.strip().partition(" ")
        if algorithm != ALGORITHM:
            raise LookupError("another algorithm")
        parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        credential, names, signature = (
            parts.get(key) for key in ("Credential", "SignedHeaders", "Signature")
        )
        if not (credential and names and signature):
            raise ValueError("a part of the header is missing")
        return cls(credential=credential, signed_headers=tuple(names.split(";")), signature=signature)


def canonical_query(query: Iterable[tuple[str, str]]) -> str:
    """Sort the decoded parameters by name, and percent-encode them by RFC 3986."""
    return "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in sorted(query))


def canonical_request(
    *,
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    signed_headers: Iterable[str],
    payload_sha256: str,
) -> str:
    """Return a request in the canonical form that both sides sign.

    Args:
        method: in capitals.
        path: the encoded path.
        query: decoded parameters, in any order.
        headers: at least the signed ones, by the same spelling as in ``signed_headers``.
        signed_headers: names to include.
        payload_sha256: hexadecimal SHA-256 of the body.

    Raises:
        KeyError: a signed header was not sent.
    """
    names = sorted(signed_headers)
    block = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    return f"{method}\n{path or '/'}\n{canonical_query(query)}\n{block}\n{';'.join(names)}\n{payload_sha256}"


def string_to_sign(canonical: str) -> str:
    """Return what the secret signs: the algorithm and the digest of the canonical request."""
    return f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def sign(secret: str, canonical: str) -> str:
    """Return the signature of a canonical request, in lower-case hexadecimal digits."""
    return hmac.new(secret.encode(), string_to_sign(canonical).encode(), hashlib.sha256).hexdigest()


def sign_rpc(secret: str, method: str, query: Iterable[tuple[str, str]]) -> str:
    """Return the older signature (HMAC-SHA1) of a request whose parameters are all in the query.

    Args:
        secret: of the access key.
        method: in capitals.
        query: decoded parameters, without ``Signature``.
    """
    text = f"{method}&%2F&{quote(canonical_query(query), safe='~')}"
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()

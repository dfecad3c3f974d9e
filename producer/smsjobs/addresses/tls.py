"""TLS of an address: whom to trust, and who we are. The parameters have redis-py's names, for every kind of address."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from smsjobs.addresses.parts import InvalidAddress

__all__ = ["TLS_PARAMETERS", "Tls"]

TLS_PARAMETERS: Final = frozenset(
    {"ssl", "ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"}
)

#: As Celery and as redis-py spell it.
_VERIFY: Final = {
    "required": ssl.CERT_REQUIRED,
    "CERT_REQUIRED": ssl.CERT_REQUIRED,
    "optional": ssl.CERT_OPTIONAL,
    "CERT_OPTIONAL": ssl.CERT_OPTIONAL,
    "none": ssl.CERT_NONE,
    "CERT_NONE": ssl.CERT_NONE,
}

_YES_OR_NO: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, kw_only=True)
class Tls:
    """How a server's certificate is checked, and which certificate is shown to it.

    Without settings, the certificate must be valid for the host and signed by an authority that this machine trusts.
    """

    #: A file of authorities in PEM format; empty for those of the machine.
    ca_certs: str = ""
    #: The client's certificate and its key, in PEM format.
    certfile: str = ""
    keyfile: str = ""
    verify: ssl.VerifyMode = ssl.CERT_REQUIRED
    #: Whether the certificate must be valid for the host's name.
    check_hostname: bool = True

    @classmethod
    def read(cls, query: dict[str, str], *, by_scheme: bool) -> Tls | None:
        """Return the TLS that the parameters ask for, or None if they and the scheme ask for none.

        Raises:
            InvalidAddress: A value is not valid, or parameters of TLS stand in an address without TLS.
        """
        asked = _flag(query, "ssl", default=by_scheme or not TLS_PARAMETERS.isdisjoint(query))
        if not asked:
            if by_scheme or not (TLS_PARAMETERS - {"ssl"}).isdisjoint(query):
                raise InvalidAddress("it asks for TLS and switches it off by ssl")
            return None
        verify = _VERIFY.get(query.get("ssl_cert_reqs", "required"))
        if verify is None:
            raise InvalidAddress("ssl_cert_reqs must be required, optional or none")
        if bool(query.get("ssl_certfile")) < bool(query.get("ssl_keyfile")):
            raise InvalidAddress("ssl_keyfile needs ssl_certfile")
        return cls(
            ca_certs=query.get("ssl_ca_certs", ""),
            certfile=query.get("ssl_certfile", ""),
            keyfile=query.get("ssl_keyfile", ""),
            verify=verify,
            # Python refuses to compare a name with a certificate that nobody checks.
            check_hostname=_flag(query, "ssl_check_hostname", default=True) and verify != ssl.CERT_NONE,
        )

    def parameters(self) -> str:
        """Return the parameters of a URL that redis-py, kombu and Celery read alike."""
        words = {ssl.CERT_NONE: "none", ssl.CERT_OPTIONAL: "optional", ssl.CERT_REQUIRED: "required"}
        found = {
            "ssl_cert_reqs": words[self.verify],
            "ssl_ca_certs": self.ca_certs,
            "ssl_certfile": self.certfile,
            "ssl_keyfile": self.keyfile,
            "ssl_check_hostname": "" if self.check_hostname else "false",
        }
        return "&".join(f"{name}={quote(value, safe='/')}" for name, value in found.items() if value)

    def for_redis_py(self) -> dict[str, Any]:
        """Return the arguments of redis-py, which kombu hands on to it."""
        return {
            "ssl_cert_reqs": self.verify,
            "ssl_ca_certs": self.ca_certs or None,
            "ssl_certfile": self.certfile or None,
            "ssl_keyfile": self.keyfile or None,
            "ssl_check_hostname": self.check_hostname,
        }

    def for_amqp(self) -> dict[str, Any]:
        """Return the arguments of py-amqp."""
        files = {"ca_certs": self.ca_certs, "certfile": self.certfile, "keyfile": self.keyfile}
        found = {"cert_reqs": self.verify} | {name: path for name, path in files.items() if path}
        # With this name, kombu fills in the host. Without it, py-amqp compares none.
        return found | ({"server_hostname": None} if self.check_hostname else {})


def _flag(query: dict[str, str], name: str, *, default: bool) -> bool:
    if name not in query:
        return default
    found = _YES_OR_NO.get(query[name].lower())
    if found is None:
        raise InvalidAddress(f"{name} must be true or false")
    return found

"""What is derived from SMS_CODE_SECRET: codes, their proofs, and names in Redis that reveal no number.

Redis alone is worth nothing to a thief. Everything in it is keyed with a secret that Redis does not have.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from smsjobs.settings import SettingsError

__all__ = ["CodeKey", "Keyring"]

_SHORTEST: Final = 32

#: Different characters of a secret. One of 32 random bytes has fewer less than once in 10^40 times, in hexadecimal too.
_FEWEST: Final = 4

_HINT: Final = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"


class CodeKey:
    """One secret. Every use has a label of its own, so two uses never produce the same bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "<CodeKey>"

    def tag(self, kind: str, *words: str) -> str:
        """Return the name in Redis of what belongs to these words."""
        return self._mac("tag", kind, *words).hex()[:32]

    def code(self, digits: int, salt: str, *words: str) -> str:
        """Return the code of the salt: decimal digits with leading zeros. All codes are equally likely."""
        # A plain remainder would favour small codes, because 2**64 is not a multiple of the number of codes. So a
        # number above the last multiple is drawn again. That is one in 18,000,000,000,000 at most.
        codes = 10**digits
        usable = 2**64 // codes * codes
        draw = 0
        while True:
            number = int.from_bytes(self._mac("code", salt, str(draw), *words)[:8], "big")
            if number < usable:
                return str(number % codes).zfill(digits)
            draw += 1

    def proof(self, code: str, salt: str, *words: str) -> str:
        """Return what Redis compares instead of the code.

        The salt is necessary. A try is not counted while no code is live. Without a salt, somebody who can see the
        commands sent to Redis could try all codes then, and later recognise a code by its proof.
        """
        return self._mac("proof", salt, *words, code).hex()

    def send_key(self, salt: str, send: int, *words: str) -> str:
        """Return the idempotency key of a code's first, second … message.

        It is derived from the secret, because the ledger uses it as the secret of the payload's digest. If Redis
        revealed it, the code could be found by trying them all.
        """
        return "verification:" + self._mac("send", salt, str(send), *words).hex()

    def _mac(self, *words: str) -> bytes:
        # Only a tried code can contain the separator, and it is always last.
        # JSON can contain half a character. It must not raise here, because the exception would show all the words.
        return hmac.digest(self._secret, "\0".join(words).encode("utf-8", "surrogatepass"), hashlib.sha256)


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """The secret in use, and a second one that it replaces or that will replace it. Codes of both are valid."""

    #: Makes new codes.
    current: CodeKey
    #: Checks the codes that it made, and sends them again.
    old: CodeKey | None = field(default=None)

    @classmethod
    def read(
        cls,
        secret: str | None = None,
        old_secret: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> Keyring:
        """Read the secrets from the arguments, else from ``SMS_CODE_SECRET`` and ``SMS_CODE_SECRET_OLD``.

        White space around those of the environment is removed.

        Raises:
            SettingsError: A secret is missing, is not text, has fewer than 32 bytes, or repeats a few characters.
        """
        env = os.environ if environ is None else environ
        # An empty argument is a mistake. It does not mean the environment's secret. A secret of the environment that came
        # from a file may end with a new line on one machine, but not on another.
        current = env.get("SMS_CODE_SECRET", "").strip() if secret is None else secret
        if current == "":
            raise SettingsError(f"SMS_CODE_SECRET is missing: verification codes need it; {_HINT}")
        old = env.get("SMS_CODE_SECRET_OLD", "").strip() if old_secret is None else old_secret
        return cls(
            current=_key("SMS_CODE_SECRET", current),
            old=_key("SMS_CODE_SECRET_OLD", old) if old not in ("", current) else None,
        )

    def tags(self, kind: str, *words: str) -> tuple[str, str]:
        """Return the tag by the current and by the old secret. The second is empty if there is no old secret."""
        return self.current.tag(kind, *words), self.old.tag(kind, *words) if self.old else ""

    def proofs(self, code: str, salts: tuple[str, str], *words: str) -> tuple[str, str]:
        """Return the proof by the current and by the old secret, each with the salt of its own code."""
        current, old = salts
        return (
            self.current.proof(code, current, *words),
            self.old.proof(code, old, *words) if self.old else "",
        )

    def which(self, number: int) -> CodeKey:
        """Return the key that made the first or the second of a pair."""
        return self.old if number == 2 and self.old else self.current


def _key(name: str, secret: Any) -> CodeKey:
    if not isinstance(secret, str):
        raise SettingsError(f"{name} must be text; {_HINT}")
    # The environment may contain bytes that are not valid text.
    encoded = secret.encode("utf-8", "surrogatepass")
    if len(encoded) < _SHORTEST:
        raise SettingsError(f"{name} has {len(encoded)} bytes and needs at least {_SHORTEST}; {_HINT}")
    if len(set("".join(secret.split()))) < _FEWEST:
        raise SettingsError(
            f"{name} is nothing but blanks or a few characters that repeat, which anybody can guess; {_HINT}"
        )
    return CodeKey(encoded)

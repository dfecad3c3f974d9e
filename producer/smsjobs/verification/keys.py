"""What is made of SMS_CODE_SECRET: codes, their proofs, and names in Redis that tell nobody's number.

Redis alone is worth nothing to a thief: everything in it is keyed with a secret that Redis has not.
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

_CURE: Final = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"


class CodeKey:
    """One secret. Every use has a label of its own, so that no two uses ever make the same bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "<CodeKey>"

    def tag(self, kind: str, *words: str) -> str:
        """The name in Redis of what belongs to those words."""
        return self._mac("tag", kind, *words).hex()[:32]

    def code(self, digits: int, salt: str, *words: str) -> str:
        """The code of that salt: decimal digits, leading zeros kept, each code as likely as any other."""
        # The remainder of a random number favours small remainders, unless the topmost, incomplete round of
        # remainders is left out; such a number (one in 18,000,000,000,000 at worst) is drawn again.
        codes = 10**digits
        usable = 2**64 // codes * codes
        draw = 0
        while True:
            number = int.from_bytes(self._mac("code", salt, str(draw), *words)[:8], "big")
            if number < usable:
                return str(number % codes).zfill(digits)
            draw += 1

    def proof(self, code: str, salt: str, *words: str) -> str:
        """What Redis compares in place of the code.

        Salted: otherwise whoever sees the commands that reach Redis could have all codes tried while none is live,
        which is not counted, and know a later code by its proof.
        """
        return self._mac("proof", salt, *words, code).hex()

    def send_key(self, salt: str, send: int, *words: str) -> str:
        """The idempotency key of a code's first, second … message.

        Keyed like everything else: the ledger keys a payload's digest with it, and from a key that can be told
        by looking at Redis the code could be found by trying them all.
        """
        return "verification:" + self._mac("send", salt, str(send), *words).hex()

    def _mac(self, *words: str) -> bytes:
        # No word but a tried code, which stands last, can hold the separator.
        # Half a character, which JSON can bring, is as wrong as any other; an exception would show all the words.
        return hmac.digest(self._secret, "\0".join(words).encode("utf-8", "surrogatepass"), hashlib.sha256)


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """The secret in use, and the one it replaces or that will replace it: codes of both are good."""

    #: Makes new codes.
    current: CodeKey
    #: Checks, and sends again, the codes that it made.
    old: CodeKey | None = field(default=None)

    @classmethod
    def read(
        cls,
        secret: str | None = None,
        old_secret: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> Keyring:
        """From the arguments, else from ``SMS_CODE_SECRET`` and ``SMS_CODE_SECRET_OLD``, without white space around them.

        Raises:
            SettingsError: There is none, it is no text, or it has fewer than 32 bytes.
        """
        env = os.environ if environ is None else environ
        # One that is handed in empty is a mistake, and not a wish for the environment's. The environment's may have a line
        # end, on one machine and not on another, where it came from a file.
        current = env.get("SMS_CODE_SECRET", "").strip() if secret is None else secret
        if current == "":
            raise SettingsError(f"SMS_CODE_SECRET is missing: verification codes need it; {_CURE}")
        old = env.get("SMS_CODE_SECRET_OLD", "").strip() if old_secret is None else old_secret
        return cls(
            current=_key("SMS_CODE_SECRET", current),
            old=_key("SMS_CODE_SECRET_OLD", old) if old not in ("", current) else None,
        )

    def tags(self, kind: str, *words: str) -> tuple[str, str]:
        """The tag by the current and by the old secret; the second is empty while there is none."""
        return self.current.tag(kind, *words), self.old.tag(kind, *words) if self.old else ""

    def proofs(self, code: str, salts: tuple[str, str], *words: str) -> tuple[str, str]:
        """The proof by the current and by the old secret, each with the salt of the code that it made."""
        current, old = salts
        return (
            self.current.proof(code, current, *words),
            self.old.proof(code, old, *words) if self.old else "",
        )

    def which(self, number: int) -> CodeKey:
        """The key of the first or second of a pair."""
        return self.old if number == 2 and self.old else self.current


def _key(name: str, secret: Any) -> CodeKey:
    if not isinstance(secret, str):
        raise SettingsError(f"{name} must be text; {_CURE}")
    # The environment may hold bytes that are no text.
    encoded = secret.encode("utf-8", "surrogatepass")
    if len(encoded) < _SHORTEST:
        raise SettingsError(f"{name} has {len(encoded)} bytes and needs at least {_SHORTEST}; {_CURE}")
    return CodeKey(encoded)

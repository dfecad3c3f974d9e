"""Forms: only from our own pages (CSRF), bounded, and read once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from smsjobs_server.body import BodyRefused, read_body
from smsjobs_server.pages.secured import is_same_origin

__all__ = ["FormRefused", "Forms"]

#: In bytes, and in fields.
_LARGEST: Final = 65_536
_FIELDS: Final = 100


class FormRefused(Exception):
    """The form is not taken; the argument is the status: 403, 408, 413 or 415."""


class Forms:
    """Forms with a token that no other site can know.

    A page has the token in a field ``csrf`` of each form, or in the header ``X-CSRF-Token`` (``hx-headers``).

    Args:
        key: Signs the tokens. None makes one, and pages that are open have to be reloaded after a restart.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def token(self, session: str = "") -> str:
        """The token of a session; where there are no sessions, the same one for all."""
        return hmac.new(self._key, f"csrf:{session}".encode(), hashlib.sha256).hexdigest()

    def check(self, request: Request, token: str | None, session: str = "") -> None:
        """Check that a request is from one of our own pages.

        Args:
            request: It.
            token: The one that its form has, for a form that is not read here; the header goes before.
            session: Whose.

        Raises:
            FormRefused: It is not.
        """
        given = request.headers.get("X-CSRF-Token") or token or ""
        if not is_same_origin(request.headers) or not hmac.compare_digest(
            given.encode(), self.token(session).encode()
        ):
            raise FormRefused(403)

    async def read(self, request: Request, session: str = "") -> Mapping[str, str]:
        """The fields of a form that one of our own pages sent. Of two with one name, the last.

        Raises:
            FormRefused: It is not from one of our pages, is too large, does not arrive, or is no such form.
            starlette.requests.ClientDisconnect: The client has gone.
        """
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise FormRefused(415)
        try:
            body = await read_body(request, largest=_LARGEST)
            text = body.decode("ascii")
            fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS))
        except BodyRefused as refused:
            raise FormRefused(refused.args[0]) from None
        except ValueError:
            raise FormRefused(415) from None
        self.check(request, fields.pop("csrf", None), session)
        return fields

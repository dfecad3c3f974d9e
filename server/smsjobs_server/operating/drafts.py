"""Files of recipients that were uploaded and checked, until they are sent or given up. Nobody else on the machine can read them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from smsjobs.campaign import CampaignCheck

__all__ = ["Draft", "Drafts", "TooManyDrafts"]

#: Files that wait for somebody's word, and seconds after which one is given up.
_MOST: Final = 8
_LIFE_S: Final = 3600


class TooManyDrafts(Exception):
    """So many files wait already."""


@dataclass(kw_only=True)
class Draft:
    """A campaign that is not begun."""

    id: str
    #: Who uploaded it. Nobody else can start it.
    by: str
    path: Path
    #: What it is called by whoever uploaded it.
    file: str
    element: str
    name: str
    at: datetime | None
    promotional: bool | None
    price: Decimal | None
    #: The arguments of `Order.read`, but for the file.
    order: Mapping[str, Any] = field(repr=False)
    sign: str
    #: By what its rows were checked, as in `Order`: it is started by the same.
    types: Mapping[str, str] = field(default_factory=dict)
    strict_types: bool = False
    found: CampaignCheck | None = None
    #: It is being started: its file stays until that is done.
    is_starting: bool = False


class Drafts:
    """All of them, in this process."""

    def __init__(self) -> None:
        self._drafts: dict[str, Draft] = {}
        # Only its owner can enter it.
        self._directory = Path(tempfile.mkdtemp(prefix="smsjobs-pages-"))

    def put(self, file: IO[bytes], ending: str) -> tuple[str, Path]:
        """Keep a file. Returns the id of its draft, and where it is.

        Raises:
            TooManyDrafts: So many wait already.
            OSError: The disk is full, for instance.
        """
        if len(list(self._directory.iterdir())) >= _MOST:
            raise TooManyDrafts
        draft_id = secrets.token_urlsafe(12)
        path = self._directory / f"{draft_id}{ending}"
        try:
            with path.open("xb") as kept:
                shutil.copyfileobj(file, kept, 1 << 20)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return draft_id, path

    def add(self, draft: Draft) -> None:
        """Keep a draft for an hour."""
        self._drafts[draft.id] = draft
        asyncio.get_running_loop().call_later(_LIFE_S, self._expire, draft.id)

    def get(self, draft_id: str, by: str) -> Draft | None:
        """The draft, if it is there and somebody's own."""
        draft = self._drafts.get(draft_id)
        return draft if draft and draft.by == by else None

    def drop(self, draft: Draft) -> None:
        """Forget a draft and its file."""
        self._drafts.pop(draft.id, None)
        draft.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Forget all of them."""
        self._drafts.clear()
        with contextlib.suppress(OSError):
            shutil.rmtree(self._directory)

    def _expire(self, draft_id: str) -> None:
        draft = self._drafts.get(draft_id)
        if draft and not draft.is_starting:
            self.drop(draft)

"""A client of the simulator's control API."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import quote

from smsjobs.threads import in_thread

__all__ = ["Simulator", "SimulatorRefused"]

_TIMEOUT_S: Final = 5.0
_BEIJING: Final = timezone(timedelta(hours=8))

# The environment's proxy must not be asked for localhost.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SimulatorRefused(Exception):
    """It does not do what it was asked for: there is no such message, or a field is wrong."""


class Simulator:
    """Asks the simulator, and tells it what to do. Each call may raise OSError: it is unreachable.

    Args:
        where: Gives the address of its control API.
    """

    def __init__(self, where: Callable[[], str]) -> None:
        self._where = where

    async def phones(self, *, limit: int) -> dict[str, Any]:
        """The phones, those with the newest entry first; a word that tells of changes; faults that wait."""
        return await self._call("GET", f"/phones?limit={limit}")

    async def phone(self, number: str) -> list[dict[str, Any]]:
        """What one phone saw, oldest first."""
        items: list[dict[str, Any]] = (await self._call("GET", f"/phones/{quote(number, safe='')}"))["items"]
        return items

    async def clear(self) -> None:
        """Forget what the phones saw."""
        await self._call("DELETE", "/phones")

    async def reply(self, phone: str, content: str) -> None:
        """Let a phone answer."""
        item = {
            "phone_number": phone,
            "content": content,
            "send_time": datetime.now(UTC).astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "dest_code": "1069000",
            "sequence_id": str(time.time_ns()),
        }
        await self._call("POST", "/pushes", item)

    async def report(self, biz_id: str, phone: str, code: str) -> None:
        """Let the carrier report a message."""
        await self._call("POST", "/receipts", {"biz_id": biz_id, "phone": phone, "code": code})

    async def report_by_hand(self, by_hand: bool) -> None:
        """Let carriers report only what they are told to, or all again."""
        await self._call("PATCH", "/settings", {"receipts_by_hand": by_hand})

    async def add_fault(self, fault: Mapping[str, Any]) -> None:
        """Break the next request."""
        await self._call("POST", "/faults", fault)

    async def clear_faults(self) -> None:
        """Break no more requests."""
        await self._call("DELETE", "/faults")

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return await in_thread(self._called, method, path, body)

    def _called(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  the scheme is our own simulator's
            f"{self._where()}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
                data: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            raise SimulatorRefused from None
        return data

"""``/metrics``: the ledger's figures, read at most once in a while however many ask, and what this process counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.responses import Response

from smsjobs.facts import bounded, subscribe
from smsjobs.metrics import METRICS, FactCounts, Guard, Meters, Metric, catalogue
from smsjobs.threads import in_thread

if TYPE_CHECKING:
    from starlette.requests import Request

    from smsjobs_server.figures import Sample

__all__ = ["MetricsPage"]

_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

#: Seconds for which what was read is given to everybody who asks.
_EVERY_S: Final = 5.0

#: Seconds after which who asks is told that the ledger could not be read. Prometheus itself waits for 10.
_WITHIN_S: Final = 4.0


class MetricsPage:
    """Answers requests for figures.

    Args:
        read: Reads the ledger's figures.
        guard: Who may have them.
        clock: Seconds, rising.
    """

    def __init__(
        self, read: Callable[[], list[Sample]], guard: Guard, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._guard = guard
        self._clock = clock
        self._registry = CollectorRegistry()
        meters = Meters(self._registry)
        meters.make(*(each for each in METRICS if each.place == "receipts"))
        self._counts = FactCounts(meters)
        self._samples: list[Sample] = []
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def start(self) -> Callable[[], None]:
        """Count what this process tells from now on. Returns a function that ends it."""
        return subscribe(self._counts.take)

    async def answer(self, request: Request) -> Response:
        """The figures, if the request may have them."""
        status = self._guard.status(request.headers)
        if status != 200:
            return Response(
                status_code=status, headers={"WWW-Authenticate": "Bearer"} if status == 401 else None
            )
        text = generate_latest(self._registry) + generate_latest(_Collected(await self.samples()))
        return Response(text, media_type=_CONTENT_TYPE)

    async def samples(self) -> list[Sample]:
        """The ledger's figures, as they were read last. They are read anew at most every five seconds, for all who ask."""
        if self._reading is None and self._clock() - self._read_at >= _EVERY_S:
            self._read_at = self._clock()
            self._reading = asyncio.create_task(self._renew())
        if self._reading is not None:
            # Who goes away, or loses patience, does not end it for the others.
            done, _ = await asyncio.wait({self._reading}, timeout=_WITHIN_S)
            if not done:
                return [(catalogue.LEDGER_UP, (), 0)]
        return self._samples

    async def _renew(self) -> None:
        try:
            self._samples = [(catalogue.LEDGER_UP, (), 1), *await in_thread(self._read)]
        except Exception:  # noqa: BLE001  whatever it is, the ledger cannot be read
            self._samples = [(catalogue.LEDGER_UP, (), 0)]
        finally:
            self._reading = None


class _Collected:
    """Samples in the form that ``prometheus_client`` writes."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Any]:
        """A family for each figure."""
        families: dict[Metric, Any] = {}
        for metric, values, value in self._samples:
            if metric not in families:
                about = metric.about.replace("`", "")
                families[metric] = GaugeMetricFamily(metric.name, about, labels=metric.labels)
            families[metric].add_metric([bounded(each) for each in values], value)
        yield from families.values()

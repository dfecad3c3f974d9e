"""Jobs: found by whatever somebody has in hand, seen, listed where they did not end well, sent again, and cancelled."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from redis.exceptions import RedisError
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from smsjobs import InvalidArguments, JobInfo, QueueUnavailable, SmsError
from smsjobs.contract import LANES, is_job_id, mask_phone, read_phone, tag_of_campaign
from smsjobs.ledger import EntryDamaged
from smsjobs.redis_store import CannotOpen
from smsjobs.threads import in_thread
from smsjobs_server.pages import mark

if TYPE_CHECKING:
    from starlette.requests import Request

    from smsjobs_server.operating.desk import Desk

__all__ = ["Jobs"]

#: Jobs of one page, and the last page.
_PAGE: Final = 50
_PAGES: Final = 40

#: Jobs that one click sends again.
_AT_ONCE: Final = 1_000

#: Jobs that did not end well whose numbers are compared with one that is looked for: the newest.
_COMPARED: Final = 1_000

#: How long ago the list may begin.
_SINCE: Final = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
}

_STATUSES: Final = ("rejected", "not_sent", "unknown")

#: A code of Aliyun's.
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)+")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which jobs are listed."""

    status: str = ""
    lane: str = ""
    code: str = ""
    element: str = ""
    since: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        """Those that somebody asked for; what is not valid asks for nothing."""
        return cls(
            status=status if (status := given.get("status", "")) in _STATUSES else "",
            lane=lane if (lane := given.get("lane", "")) in LANES else "",
            code=given.get("code", "").strip()[:100],
            element=given.get("element", "").strip()[:200],
            since=since if (since := given.get("since", "")) in _SINCE else "",
        )

    def to_query(self, **more: Any) -> str:
        """They as the end of an address."""
        return urlencode({name: value for name, value in {**vars(self), **more}.items() if value})

    def told(self) -> str:
        """They in short, for the audit log."""
        return " ".join(f"{name}={value}" for name, value in vars(self).items() if value) or "all"

    def arguments(self) -> dict[str, Any]:
        """They as `Sms.jobs` takes them."""
        return {
            "status": self.status or "failed",
            "lane": self.lane or None,
            "aliyun_code": self.code or None,
            "element": self.element or None,
            "since": _SINCE.get(self.since),
        }


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A job of a list, with its numbers masked; None where they are not kept or cannot be read here."""

    info: JobInfo
    to: str | None


class Jobs:
    """The pages about jobs.

    Args:
        desk: What the pages share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sms = desk.sms

    def routes(self) -> list[Route]:
        """Their paths."""
        seen, act = self._desk.access.seen_by, self._desk.access.act
        one = "/jobs/{job_id:path}"
        return [
            Route("/search", act(self._search, role="view"), methods=["POST"]),
            Route("/jobs", seen("view", self._list), methods=["GET"]),
            Route("/jobs/retry", seen("operate", self._ask_to_retry), methods=["GET"]),
            Route("/jobs/retry", act(self._retry_all), methods=["POST"]),
            Route(f"{one}/retry", act(self._retry), methods=["POST"]),
            Route(f"{one}/cancel", act(self._cancel), methods=["POST"]),
            Route(f"{one}/numbers", act(self._numbers), methods=["POST"]),
            Route(one, seen("view", self._job), methods=["GET"]),
        ]

    # A list

    async def _list(self, request: Request) -> Response:
        filters = Filters.read(request.query_params)
        page = request.query_params.get("page", "1")
        number = min(int(page), _PAGES) if page.isascii() and page.isdigit() and 0 < len(page) < 5 else 1
        number = max(1, number)

        def read() -> list[Listed]:
            found = self._found(filters)
            return self._with_numbers(list(islice(found, (number - 1) * _PAGE, number * _PAGE + 1)))

        try:
            listed = await in_thread(read)
        except QueueUnavailable as error:
            return self._desk.missing(request, error)
        except InvalidArguments as error:
            return self._desk.show(
                request, "jobs.html", status=400, jobs=[], filters=filters, page=1, more=False, wrong=self._desk.why(request, error), lanes=list(LANES)
            )  # fmt: skip
        more = len(listed) > _PAGE and number < _PAGES
        return self._desk.show(
            request,
            "jobs.html",
            jobs=listed[:_PAGE],
            filters=filters,
            page=number,
            more=more,
            wrong="",
            lanes=list(LANES),
        )

    def _found(self, filters: Filters) -> Iterator[JobInfo]:
        return self._sms.jobs(**filters.arguments())

    def _with_numbers(self, infos: Sequence[JobInfo]) -> list[Listed]:
        try:
            phones = self._sms.connection.steering.phones(infos)
        except RedisError:
            phones = [()] * len(infos)
        return [Listed(info=info, to=_masked(those)) for info, those in zip(infos, phones, strict=True)]

    # One job

    async def _job(self, request: Request) -> Response:
        try:
            return self._desk.show(request, "job.html", numbers=None, **await in_thread(self._facts, request))
        except SmsError as error:
            return self._desk.missing(request, error)

    def _facts(self, request: Request) -> dict[str, Any]:
        job = self._sms.job(request.path_params["job_id"])
        info = job.info()
        deliveries = delivery = None
        if info.outcome == "accepted":
            deliveries = job.deliveries()
            # Of several numbers there are only counts: a number is not in the ledger any more.
            delivery = job.delivery() if info.numbers == 1 else None
        try:
            steps = self._sms.connection.steering.timeline(job.id)
        except (RedisError, OSError):
            raise QueueUnavailable from None
        except EntryDamaged:
            steps = ()
        return {
            "info": info,
            "to": self._with_numbers([info])[0].to,
            "steps": steps,
            "deliveries": deliveries,
            "delivery": delivery,
        }

    async def _retry(self, request: Request, form: Mapping[str, str]) -> Response:
        del form
        job_id = request.path_params["job_id"]
        try:
            new = await self._desk.act(request, "job.retry", job_id, lambda: self._sms.job(job_id).retry())
        except SmsError as error:
            return self._desk.back(request, _path(job_id), self._desk.why(request, error), kind="bad")
        return self._desk.back(request, _path(new.id), mark("Sent again: this is the new job."))

    async def _cancel(self, request: Request, form: Mapping[str, str]) -> Response:
        del form
        job_id = request.path_params["job_id"]
        try:
            done = await self._desk.act(request, "job.cancel", job_id, lambda: self._sms.job(job_id).cancel())
        except SmsError as error:
            return self._desk.back(request, _path(job_id), self._desk.why(request, error), kind="bad")
        if done:
            return self._desk.back(request, _path(job_id), mark("Cancelled. It will not be sent."))
        text = mark("Too late: it has an outcome, is being sent, or may have been sent.")
        return self._desk.back(request, _path(job_id), text, kind="warn")

    async def _numbers(self, request: Request, form: Mapping[str, str]) -> Response:
        del form
        job_id = request.path_params["job_id"]

        def read() -> tuple[dict[str, Any], Sequence[str]]:
            facts = self._facts(request)
            return facts, self._sms.connection.steering.phones([facts["info"]])[0]

        try:
            facts, numbers = await self._desk.act(request, "job.show_numbers", job_id, read)
        except SmsError as error:
            return self._desk.missing(request, error)
        return self._desk.show(request, "job.html", numbers=numbers, **facts)

    # Many jobs

    async def _ask_to_retry(self, request: Request) -> Response:
        filters = Filters.read(request.query_params)
        asked_at = time.time()
        try:
            chosen, left_out = await in_thread(self._chosen, filters, asked_at)
            shown = await in_thread(self._with_numbers, chosen[:15])
        except SmsError as error:
            return self._desk.missing(request, error)
        return self._desk.show(
            request,
            "jobs_retry.html",
            filters=filters,
            jobs=shown,
            count=len(chosen),
            left_out=left_out,
            most=_AT_ONCE,
            asked_at=f"{asked_at:.3f}",
        )

    def _chosen(self, filters: Filters, until_s: float) -> tuple[list[JobInfo], int]:
        """The jobs that nothing speaks against, and how many others there are among those that were looked at."""
        until = datetime.fromtimestamp(until_s, UTC)
        chosen: list[JobInfo] = []
        left_out = 0
        for info in self._found(filters):
            if info.settled and info.settled > until:
                continue  # nobody has seen it
            if info.is_worth_sending_again:
                chosen.append(info)
            else:
                left_out += 1
            if len(chosen) >= _AT_ONCE or left_out >= 10 * _AT_ONCE:
                break
        return chosen, left_out

    async def _retry_all(self, request: Request, form: Mapping[str, str]) -> Response:
        filters = Filters.read(form)
        try:
            until_s = float(form.get("asked_at", "0"))
            chosen = (await in_thread(self._chosen, filters, until_s))[0]
        except (ValueError, OverflowError):
            chosen = []
        except SmsError as error:
            return self._desk.missing(request, error)
        target = f"{len(chosen)} jobs: {filters.told()}"
        back = f"/jobs?{filters.to_query()}"
        try:
            done, failed = await self._desk.act(
                request, "jobs.retry", target, lambda: self._send_again(chosen)
            )
        except SmsError as error:
            return self._desk.back(request, back, self._desk.why(request, error), kind="bad")
        if failed:
            text = mark("Sent again: %(done)s. Could not be sent again: %(failed)s.")
            return self._desk.back(request, back, text, kind="warn", done=done, failed=failed)
        return self._desk.back(request, back, mark("Sent again: %(done)s."), done=done)

    def _send_again(self, chosen: Sequence[JobInfo]) -> tuple[int, int]:
        done = failed = 0
        for info in chosen:
            try:
                self._sms.job(info.id).retry()
            except QueueUnavailable:
                raise
            except SmsError:
                failed += 1
            else:
                done += 1
        return done, failed

    # Search

    async def _search(self, request: Request, form: Mapping[str, str]) -> Response:
        text = form.get("q", "").strip()
        if not text or len(text) > 1_000:
            return RedirectResponse("/jobs", 303)
        if is_job_id(text) and await in_thread(self._has_job, text):
            return RedirectResponse(_path(text), 303)
        if tag_of_campaign(text) is not None and await in_thread(self._has_campaign, text):
            return RedirectResponse(f"/campaigns/{quote(text)}", 303)
        if _CODE.fullmatch(text):
            return RedirectResponse(f"/jobs?{urlencode({'code': text})}", 303)
        number, _ = read_phone(text)
        try:
            if number:
                # Somebody asks about a person. Which one is not written down.
                found = await self._desk.act(request, "search.number", "", lambda: self._with_number(number))
                return self._desk.show(request, "found.html", number=mask_phone(number), **found)
            ids = await in_thread(self._sms.connection.ledger.with_key, text)
        except SmsError as error:
            return self._desk.missing(request, error)
        except (RedisError, OSError):
            return self._desk.missing(request, QueueUnavailable())
        if len(ids) == 1:
            return RedirectResponse(_path(ids[0]), 303)
        return self._desk.show(
            request, "found.html", number=None, ids=ids, jobs=[], last=None, suppressed=None
        )

    def _has_job(self, job_id: str) -> bool:
        with suppress(SmsError):
            return bool(self._sms.job(job_id).info())
        return False

    def _has_campaign(self, campaign_id: str) -> bool:
        with suppress(SmsError):
            return bool(self._sms.campaign(campaign_id).progress())
        return False

    def _with_number(self, number: str) -> dict[str, Any]:
        connection = self._sms.connection
        last = None
        with suppress(RedisError, CannotOpen):
            last = connection.noted_jobs.find([number]).get(number)
        infos = list(self._sms.jobs(limit=_COMPARED))
        theirs = [
            Listed(info=info, to=_masked(phones))
            for info, phones in zip(infos, connection.steering.phones(infos), strict=True)
            if number in phones
        ]
        has = self._sms.suppression.has
        scope = "all" if has(number, scope="all") else "promotional" if has(number) else ""
        return {"ids": [], "jobs": theirs[:_PAGE], "last": last, "suppressed": scope}


def _masked(phones: Sequence[str]) -> str | None:
    more = f" +{len(phones) - 1:,}" if len(phones) > 1 else ""
    return f"{mask_phone(phones[0])}{more}" if phones else None


def _path(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"

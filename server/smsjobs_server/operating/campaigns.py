"""Campaigns: listed and watched, begun from an uploaded file after a look at what it would do, paused, resumed, cancelled."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from redis.exceptions import RedisError
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from smsjobs import InvalidArguments, SmsError
from smsjobs.campaign import (
    COLUMNS,
    Campaign,
    Order,
    ReportRow,
    Survey,
    campaign_store,
    ensure_fits,
    fitted,
    start,
)
from smsjobs.campaign.progress import BY_HAND, CampaignProgress
from smsjobs.campaign.reasons import meaning
from smsjobs.contract import campaign_id, tag_of_campaign
from smsjobs.delivery import DELIVERED, explain
from smsjobs.offers import Offers
from smsjobs.threads import in_thread
from smsjobs_server.operating.drafts import Draft, Drafts, TooManyDrafts
from smsjobs_server.pages import Live, mark, translated

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from smsjobs_server.access import Visitor
    from smsjobs_server.operating.desk import Desk

__all__ = ["Campaigns"]

#: Seconds between two readings while a page is open; and between two times that the list of ids is read.
_EVERY_S: Final = 1.0
_LIST_S: Final = 10.0

#: Campaigns that are shown, the newest.
_SHOWN: Final = 100

#: Bytes of an upload, and seconds for it to arrive. Five million rows, the most that a campaign may have, fit into it.
_LARGEST: Final = 256 * 1024 * 1024
_UPLOAD_S: Final = 600.0

#: Seconds for which a file may be read for its check, and for which a start is waited for before its page is shown.
_CHECK_S: Final = 300.0
_START_S: Final = 5.0

_BEIJING: Final = timezone(timedelta(hours=8))

#: Endings that a file of recipients may have. What is in it is told by its bytes.
_ENDING: Final = re.compile(r"\.[a-z]{2,6}", re.ASCII)

#: Reasons, columns and rows that are named in a preview.
_NAMED: Final = 12

_DEAREST: Final = 1000

#: Rows of a report that are written at once.
_ROWS: Final = 500


class Campaigns:
    """The pages about campaigns.

    Args:
        desk: What the pages share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sms = desk.sms
        self._drafts = Drafts()
        # One file is read at a time: that takes a processor.
        self._reading = asyncio.Lock()
        self._starting: set[asyncio.Task[Any]] = set()
        self._ids: tuple[float, Sequence[str]] = (-_LIST_S, ())
        self._ended: dict[str, tuple[float, CampaignProgress]] = {}
        #: What open pages follow.
        self.live = Live(self._read, every_s=_EVERY_S)

    def close(self) -> None:
        """End what goes on, and remove what was uploaded."""
        self.live.close()
        self._drafts.close()

    def routes(self) -> list[Route]:
        """Their paths."""
        access = self._desk.access
        seen, act = access.seen_by, access.act
        one = "/campaigns/{campaign_id}"
        return [
            Route("/campaigns", seen("view", self._list), methods=["GET"]),
            Route("/live/campaigns", seen("view", self._list_events), methods=["GET"]),
            Route("/campaigns/new", seen("operate", self._new), methods=["GET"]),
            Route(
                "/campaigns/check",
                access.upload(self._check, most=_LARGEST, within_s=_UPLOAD_S),
                methods=["POST"],
            ),
            Route("/campaigns/start", act(self._start), methods=["POST"]),
            Route(one, seen("view", self._one), methods=["GET"]),
            Route("/live/campaigns/{campaign_id}", seen("view", self._one_events), methods=["GET"]),
            Route(f"{one}/pause", act(self._pause), methods=["POST"]),
            Route(f"{one}/resume", act(self._resume), methods=["POST"]),
            Route(f"{one}/cancel", act(self._cancel), methods=["POST"]),
            Route(f"{one}/report", act(self._report), methods=["POST"]),
        ]

    # Watching

    async def _read(self) -> dict[str, CampaignProgress]:
        return await in_thread(self._newest)

    def _newest(self) -> dict[str, CampaignProgress]:
        """The newest campaigns by their ids. Of one that has ended, deliveries still come; these are read less often."""
        now = time.monotonic()
        if now - self._ids[0] >= _LIST_S:
            self._ids = now, [each.id for each in self._sms.campaigns()[:_SHOWN]]
            self._ended = {name: each for name, each in self._ended.items() if name in self._ids[1]}
        found: dict[str, CampaignProgress] = {}
        for name in self._ids[1]:
            read_at, known = self._ended.get(name, (-_LIST_S, None))
            if known is not None and now - read_at < _LIST_S:
                found[name] = known
                continue
            try:
                found[name] = progress = self._sms.campaign(name).progress()
            except InvalidArguments:
                continue  # it was deleted since the list was read
            if progress.ended:
                self._ended[name] = now, progress
        return found

    async def _list(self, request: Request) -> Response:
        self._ids = (-_LIST_S, ())
        try:
            campaigns = await self._read()
        except SmsError as error:
            return self._desk.missing(request, error)
        return self._desk.show(request, "campaigns.html", campaigns=list(campaigns.values()))

    async def _list_events(self, request: Request) -> Response:
        part = self._desk.part(request, "campaigns_part.html")
        return self.live.answer(lambda found: {"campaigns": part(campaigns=list(found.values()))})

    async def _one(self, request: Request) -> Response:
        try:
            progress = await in_thread(self._campaign(request).progress)
        except SmsError as error:
            return self._desk.missing(request, error)
        return self._desk.show(request, "campaign.html", each=progress, **_told(progress))

    async def _one_events(self, request: Request) -> Response:
        part = self._desk.part(request, "campaign_part.html")
        name = request.path_params["campaign_id"]
        # It may be too new for the list of ids.
        if name not in self._ids[1]:
            self._ids = (-_LIST_S, ())

        def render(found: Mapping[str, CampaignProgress]) -> dict[str, str]:
            progress = found.get(name)
            return {} if progress is None else {"campaign": part(each=progress, **_told(progress))}

        return self.live.answer(render)

    def _campaign(self, request: Request) -> Campaign:
        name = request.path_params["campaign_id"]
        if tag_of_campaign(name) is None:
            raise InvalidArguments("there is no such campaign", reason="campaign_not_found")
        return self._sms.campaign(name)

    # Steering

    async def _pause(self, request: Request, form: Mapping[str, str]) -> Response:
        del form
        return await self._steer(
            request,
            "campaign.pause",
            lambda name: campaign_store(self._sms.connection).pause(name, BY_HAND),
            mark("Paused. Requests that have left are completed."),
        )

    async def _resume(self, request: Request, form: Mapping[str, str]) -> Response:
        del form
        return await self._steer(
            request,
            "campaign.resume",
            lambda name: campaign_store(self._sms.connection).pause(name, ""),
            mark("Resumed."),
        )

    async def _cancel(self, request: Request, form: Mapping[str, str]) -> Response:
        del form
        return await self._steer(
            request,
            "campaign.cancel",
            campaign_store(self._sms.connection).cancel,
            mark("Cancelled. What was not sent yet is never sent."),
        )

    async def _steer(self, request: Request, act: str, step: Callable[[str], bool], done: str) -> Response:
        name = request.path_params["campaign_id"]
        path = f"/campaigns/{quote(name)}"

        def steered() -> bool:
            return step(self._campaign(request).id)

        try:
            if await self._desk.act(request, act, name, steered):
                return self._desk.back(request, path, done)
        except SmsError as error:
            return self._desk.back(request, path, self._desk.why(request, error), kind="bad")
        return self._desk.back(request, path, mark("Too late: it has ended."), kind="warn")

    async def _report(self, request: Request, form: Mapping[str, str]) -> Response:
        del form
        name = request.path_params["campaign_id"]

        def begun() -> Iterator[ReportRow]:
            campaign = self._campaign(request)
            campaign.progress()
            return campaign.report()

        try:
            # It has all numbers.
            rows = await self._desk.act(request, "campaign.report", name, begun)
        except SmsError as error:
            return self._desk.missing(request, error)
        headers = {"Content-Disposition": f'attachment; filename="report-{name}.csv"'}
        return StreamingResponse(_csv(rows), headers=headers, media_type="text/csv; charset=utf-8")

    # A new one

    async def _new(
        self, request: Request, wrong: str = "", given: Mapping[str, str] | None = None
    ) -> Response:
        try:
            elements = await in_thread(Offers(self._sms.connection.redis()).elements, "bulk")
        except (RedisError, OSError):
            elements = []
        return self._desk.show(
            request,
            "campaign_new.html",
            status=400 if wrong else 200,
            elements=elements,
            wrong=wrong,
            given=given or {},
        )

    async def _check(self, request: Request, form: FormData) -> Response:
        given = {name: value for name, value in form.items() if isinstance(value, str)}

        async def again(text: str) -> Response:
            return await self._new(request, translated(self._desk.pages.language(request), text), given)

        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return await again(mark("Choose a file of recipients."))
        if self._reading.locked():
            return await again(mark("Another file is being read. Try again in a moment."))
        ending = PurePath(file.filename).suffix.lower()
        async with self._reading:
            try:
                draft = await in_thread(
                    self._checked,
                    request.state.visitor,
                    given,
                    file,
                    ending if _ENDING.fullmatch(ending) else ".unknown",
                )
            except TooManyDrafts:
                return await again(
                    mark(
                        "Too many files wait to be started. Start or give up one of them, or try again in an hour."
                    )
                )
            except OSError:
                return await again(mark("The file could not be kept: the disk may be full."))
            except SmsError as error:
                return await again(self._desk.why(request, error))
        self._drafts.add(draft)
        return self._preview(request, draft)

    def _checked(self, visitor: Visitor, given: Mapping[str, str], file: UploadFile, ending: str) -> Draft:
        """The draft of what was sent, read to its end.

        Raises:
            InvalidArguments: Something in it is wrong.
            TooManyDrafts, OSError: The file cannot be kept.
        """
        name = PurePath(file.filename or "").name
        element = self._sms.getElement(given.get("element", "").strip()).fullName
        arguments = _order_arguments(given)
        promotional = {"yes": True, "no": False}.get(given.get("promotional", ""))
        at, price = _moment(given.get("at", "")), _price(given.get("price", ""))
        draft_id, path = self._drafts.put(file.file, ending)
        draft = Draft(
            id=draft_id,
            by=visitor.name,
            path=path,
            file=name,
            element=element,
            name=given.get("name", "").strip() or PurePath(name).stem,
            at=at,
            promotional=promotional,
            price=price,
            order=arguments,
            sign=given.get("sign", "").strip(),
        )
        try:
            self._survey(draft)
        except BaseException:
            self._drafts.drop(draft)
            raise
        return draft

    def _survey(self, draft: Draft) -> None:
        order = fitted(
            self._sms.connection,
            Order.read(draft.path, **draft.order),
            element=draft.element,
            name=draft.name,
            promotional=draft.promotional,
        )
        draft.types, draft.strict_types = order.types, order.strict_types
        survey = Survey(
            order,
            sign=draft.sign,
            suppressed=self._sms.connection.suppressed.counter(promotional=draft.promotional),
        )
        until = time.monotonic() + _CHECK_S
        for page in survey.order.pages():
            survey.add(page)
            if time.monotonic() > until:
                raise InvalidArguments(
                    "the file takes too long to read: start it by smsjobs campaign start",
                    argument="recipients",
                )
        draft.found = survey.found()

    def _preview(self, request: Request, draft: Draft, wrong: str = "") -> Response:
        found = draft.found
        assert found is not None  # noqa: S101  it is kept only once it is read
        language = self._desk.pages.language(request)
        reasons = list(found.left_out_by_reason.items())
        used = [each for each in found.table if each.is_phone or each.parameters]
        unused = [each.name for each in found.table if each not in used and each.name]
        return self._desk.show(
            request,
            "campaign_check.html",
            status=400 if wrong else 200,
            draft=draft,
            found=found,
            wrong=wrong,
            used=used,
            unused=unused[:_NAMED],
            reasons=[
                (reason, count, translated(language, meaning(reason))) for reason, count in reasons[:_NAMED]
            ],
            more_reasons=max(0, len(reasons) - _NAMED),
            bad_rows=found.bad_rows[:_NAMED],
            cost=found.cost(draft.price),
        )

    async def _start(self, request: Request, form: Mapping[str, str]) -> Response:
        draft = self._drafts.get(form.get("draft", ""), request.state.visitor.name)
        if draft is None or draft.found is None:
            text = mark("That file is not here any more. Upload it again; nothing was sent.")
            return self._desk.back(request, "/campaigns/new", text, kind="warn")
        if form.get("do") == "drop":
            self._drafts.drop(draft)
            return self._desk.back(request, "/campaigns", mark("Given up. Nothing was sent."))
        if draft.found.leaves_many_out and form.get("accept") != "yes":
            text = mark("More than 5 rows in 100 are left out. Confirm that, or correct the file.")
            return self._preview(request, draft, translated(self._desk.pages.language(request), text))
        name = campaign_id(draft.element, draft.name)
        path = f"/campaigns/{quote(name)}"
        if draft.is_starting:
            return RedirectResponse(path, 303)
        draft.is_starting = True
        task = asyncio.create_task(
            self._desk.act(request, "campaign.start", name, lambda: self._begin(draft))
        )
        self._starting.add(task)
        task.add_done_callback(lambda done: self._started(draft, done))
        # A large file takes longer than a browser likes to wait. Its page shows how far it is.
        await asyncio.wait({task}, timeout=_START_S)
        if task.done() and (error := task.exception()):
            if not isinstance(error, SmsError):
                raise error
            return self._preview(request, draft, self._desk.why(request, error))
        return self._desk.back(request, path, mark("Begun. Nothing is sent before the whole file is read."))

    def _begin(self, draft: Draft) -> Campaign:
        order = replace(
            Order.read(draft.path, **draft.order), types=draft.types, strict_types=draft.strict_types
        )
        # The template may have lost its approval since it was read.
        ensure_fits(
            self._sms.connection,
            order,
            element=draft.element,
            name=draft.name,
            promotional=draft.promotional,
        )
        return start(
            campaign_store(self._sms.connection),
            order,
            element=draft.element,
            name=draft.name,
            at=draft.at,
            promotional=draft.promotional,
        )

    def _started(self, draft: Draft, task: asyncio.Task[Any]) -> None:
        self._starting.discard(task)
        draft.is_starting = False
        # After a failure it can be started again, under another name for instance.
        if not task.cancelled() and task.exception() is None:
            self._drafts.drop(draft)


def _told(progress: CampaignProgress) -> dict[str, Any]:
    """What a page tells of a campaign besides its numbers."""
    failed = sorted(
        ((code, number) for code, number in progress.by_err_code.items() if code != DELIVERED),
        key=lambda each: (-each[1], each[0]),
    )
    codes = sorted(
        ((code, number) for code, number in progress.by_code.items() if code != "OK"),
        key=lambda each: (-each[1], each[0]),
    )
    return {
        "codes": codes[:_NAMED],
        "failed": [(code, number, explain(code)) for code, number in failed[:_NAMED]],
        "by_hand": progress.reason == BY_HAND,
    }


def _order_arguments(given: Mapping[str, str]) -> dict[str, Any]:
    def text(name: str) -> str | None:
        return given.get(name, "").strip() or None

    def words(name: str) -> list[str] | None:
        return [each.strip() for each in re.split(r"[,，\n]", given.get(name, "")) if each.strip()] or None

    countries = words("countries")
    return {
        "template": given.get("template", "").strip(),
        "params": _params(given.get("params", "")),
        "template_text": given.get("template_text", "").strip() or None,
        "sheet": text("sheet"),
        "phone_column": text("phone_column"),
        "countries": [each.removeprefix("+") for each in countries] if countries else None,
        "ignore_columns": words("ignore_columns"),
    }


def _params(text: str) -> dict[str, str]:
    params: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise InvalidArguments.about("params", "must be lines of the form NAME=VALUE")
        if name.strip() in params:
            raise InvalidArguments.about("params", "must have each NAME once")
        params[name.strip()] = value.strip()
    return params


def _moment(text: str) -> datetime | None:
    """A time as a browser sends it, in Beijing."""
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidArguments.about("at", "must be a time such as 2099-11-11T09:00") from None
    return found if found.tzinfo else found.replace(tzinfo=_BEIJING)


def _price(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        price = Decimal(text.strip())
    except InvalidOperation:
        price = Decimal(-1)
    if not price.is_finite() or not 0 <= price <= _DEAREST:
        raise InvalidArguments.about("price", "must be the price of one part, such as 0.045")
    return price


def _csv(rows: Iterable[ReportRow]) -> Iterator[str]:
    """The report, some rows at a time. The mark at its beginning tells Excel that it is UTF-8."""
    rest = iter(rows)
    yield "\ufeff" + _lines([COLUMNS])
    while some := list(islice(rest, _ROWS)):
        yield _lines([each.cells() for each in some])


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()

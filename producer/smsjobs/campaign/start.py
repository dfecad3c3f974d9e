"""Starting a campaign: read, check and plan everything, and only then send it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from smsjobs.campaign.handle import Campaign
from smsjobs.campaign.heartbeat import heartbeat
from smsjobs.campaign.pages import PAGE, Page, plan
from smsjobs.campaign.recipients import ILL_TYPED, Recipients, Row
from smsjobs.campaign.tables import open_table
from smsjobs.campaign.tables.faults import bad_recipients
from smsjobs.campaign.text import variables
from smsjobs.contract import (
    MAX_NAME,
    MAX_TEMPLATE_TEXT,
    IdempotencyConflict,
    InvalidArguments,
    campaign_id,
    check_length,
    check_message,
    pack_campaign,
    unwrap,
)
from smsjobs.contract.arguments import is_whole

if TYPE_CHECKING:
    from smsjobs.campaign.planner import Planner
    from smsjobs.campaign.store import CampaignStore

__all__ = ["Order", "start"]

#: A placeholder for the recipients while the other arguments are checked.
_ANY_PHONE: Final = "13800138000"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a campaign sends, already checked, and its recipients, not yet read."""

    recipients: Recipients
    #: The template's code.
    template: str
    #: Whether an invalid row stops it. A repeated number never does.
    strict: bool = False
    #: The types of the template's variables that are known, as Aliyun calls them: a row with a value that does not fit
    #: is invalid. A campaign keeps those with which it was begun.
    types: Mapping[str, str] = field(default_factory=dict)
    #: Whether such a row stops it. This is kept with the types.
    strict_types: bool = False
    #: The template's text, as it was given or as Aliyun has it, for what is read and billed; None: it is not known.
    template_text: str | None = field(default=None, repr=False)
    #: Most recipients of a page of the plan.
    page_size: int = PAGE
    #: Is told each row as it is read, with its cells; None: nobody is.
    on_row: Callable[[Row, Sequence[str | None]], None] | None = None

    @classmethod
    def read(
        cls,
        recipients: Any,
        template: Any,
        params: Any = None,
        *,
        template_text: str | None = None,
        strict: bool = False,
        sheet: Any = None,
        phone_column: Any = None,
        countries: Any = None,
        ignore_columns: Any = None,
    ) -> Order:
        """Check the arguments and the recipients' columns. `Element.campaign` documents the arguments.

        Raises:
            InvalidArguments: Something is missing or wrong.
        """
        message = check_message([_ANY_PHONE], {} if params is None else params, template)
        needed = None if template_text is None else variables(check_text("template_text", template_text))
        table = open_table(recipients, sheet=sheet, phone_column=phone_column)
        return cls(
            recipients=Recipients(
                table, message.params, needed, countries=countries, ignore_columns=ignore_columns
            ),
            template=message.template,
            strict=strict,
            template_text=template_text,
        )

    def pages(self) -> Iterator[Page]:
        """Return the plan, page by page.

        Raises:
            InvalidArguments: The input cannot be read to its end, or a row is invalid and the order is strict about it.
        """
        return plan(self.rows(), self.page_size)

    def rows(self) -> Iterator[Row]:
        """Return the rows, one by one.

        Raises:
            InvalidArguments: As in `pages`.
        """
        for row in self.recipients.read(self.types):
            if self.on_row is not None:
                self.on_row(row, self.recipients.cells)
            if row.fault == "invalid" and (
                self.strict or (self.strict_types and row.reason.startswith(ILL_TYPED))
            ):
                raise bad_recipients(f"line {row.line}: {row.reason}; nothing is sent")
            yield row


def start(
    store: CampaignStore,
    order: Order,
    *,
    element: str,
    name: Any,
    at: Any = None,
    promotional: bool | None = None,
    on_page: Callable[[Page], None] = lambda _: None,
    before_sending: Callable[[], None] = lambda: None,
) -> Campaign:
    """Plan a campaign and start sending it. If an earlier call has begun this, finish it.

    Nothing is sent before the last row is read. If the input cannot be read to its end, or has no row with a
    recipient, the campaign is discarded. If another process is planning a campaign of the same name, its plan is kept.

    If the campaign is cancelled during the planning, the input is still read to its end, for the report.

    Args:
        store: Where campaigns are kept.
        order: What is sent, and to whom.
        element: The full name of the element.
        name: The campaign's name.
        at: When it begins, with a time zone; None begins at once.
        promotional: True: send in the hours of promotional messages only. False: it is not promotional, so it goes to
            numbers too that are suppressed for promotional messages.
        on_page: Is told each page as it is planned.
        before_sending: Is called when the whole input is planned, and nothing may be sent yet. An exception of it
            discards the campaign. It is not called for a campaign that an earlier call has begun to send.

    Warning:
        A campaign is found by its name until `SMS_RETENTION` after its end, which is 3 days by default. The same call
        on the fourth day sends everything again.

    Raises:
        InvalidArguments: As in `Order.pages`. Or there is no recipient. Or the name or the time is not valid. Or the
            campaign is new, and its time is more than a minute in the past.
        IdempotencyConflict: The name belongs to a campaign with other recipients or settings.
        QueueUnavailable: Redis is unreachable, or refused it. After a refusal, `outcome` is ``"not_sent"``: nothing of
            this campaign was sent. The same call finishes it.
    """
    name = check_name(name)
    if promotional is not None and not isinstance(promotional, bool):
        raise InvalidArguments.about("promotional", "must be True, False or None")
    identity = campaign_id(element, name)
    listed = order.recipients
    shared = pack_campaign(
        element, order.template, _sorted(listed.shared), listed.names, is_notice=promotional is False
    )
    planner = store.create(
        identity,
        name=name,
        element=element,
        shared=shared,
        types=order.types,
        strict_types=order.strict_types,
        at=_check_at(at),
        promotional=bool(promotional),
    )
    # By what was known and set when it was begun: else its plan would be another one whenever that changes.
    order = replace(order, types=planner.types, strict_types=planner.strict_types)
    pages = last_line = 0
    reach = _Reach()
    try:
        with heartbeat(store, planner):
            for page in order.pages():
                if not store.write(planner, page, listed.names):
                    return Campaign(identity, store)
                pages, last_line = pages + 1, page.lines[-1]
                reach.add(page)
                on_page(page)
            if reach.recipients and store.is_planning(planner):
                _ask(before_sending, store, planner)
    except IdempotencyConflict:
        raise
    except InvalidArguments:
        store.discard(planner)
        raise
    # "kept" means that it is cancelled, or that another file was planned. `complete` reports the latter. "others" means
    # that another planner is still writing, so the plan without a recipient is not complete.
    if not reach.recipients and store.discard(planner, pages=pages) != "kept":
        raise bad_recipients(reach.nobody())
    store.complete(planner, pages, last_line=last_line, blank=listed.blank)
    store.note_template(element, order.template)
    return Campaign(identity, store)


def _ask(before_sending: Callable[[], None], store: CampaignStore, planner: Planner) -> None:
    try:
        before_sending()
    except BaseException:
        store.discard(planner)
        raise


@dataclass(kw_only=True)
class _Reach:
    """How many rows of a plan are valid, and the first one that is not."""

    recipients: int = 0
    invalid: int = 0
    first: Row | None = None

    def add(self, page: Page) -> None:
        self.recipients += page.recipients
        self.invalid += page.count("invalid")
        self.first = self.first or next((row for row in page.skipped if row.fault == "invalid"), None)

    def nobody(self) -> str:
        if self.first is None:
            return "there is no row after the columns' names; nothing is sent"
        return (
            f"no row can be used, {self.invalid} are invalid, the first of them line {self.first.line}: "
            f"{self.first.reason}; nothing is sent"
        )


def check_name(name: Any) -> str:
    """A campaign's name, without blanks around it.

    Raises:
        InvalidArguments: It is not text, or empty, or too long.
    """
    name = unwrap(name, "name")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not is_whole(name):
        raise InvalidArguments.about("name", f"must be text of 1 to {MAX_NAME} characters")
    return name.strip()


def check_text(argument: str, text: Any) -> str:
    """The text of a template, or a part of it.

    Raises:
        InvalidArguments: It is not text, or too long.
    """
    if not isinstance(text, str) or not is_whole(text):
        raise InvalidArguments.about(argument, "must be text")
    check_length(argument, text, MAX_TEMPLATE_TEXT)
    return text


def _check_at(at: Any) -> datetime | None:
    if at is not None and (not isinstance(at, datetime) or at.utcoffset() is None):
        raise InvalidArguments.about(
            "at", "must be a datetime with a time zone, such as datetime(…, tzinfo=UTC)"
        )
    return at


def _sorted(params: Mapping[str, str]) -> dict[str, str]:
    """Return them in an order that does not depend on how they were given."""
    return dict(sorted(params.items()))

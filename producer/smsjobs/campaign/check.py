"""A dry run: what a campaign would do, with nothing written and nothing sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, Final

from smsjobs.campaign.start import check_text
from smsjobs.campaign.text import LONGEST, billed, render, signed, variables
from smsjobs.contract import is_mainland

if TYPE_CHECKING:
    from smsjobs.campaign.pages import Chunk, Page
    from smsjobs.campaign.recipients import Recipients, Row
    from smsjobs.campaign.start import Order

__all__ = ["CampaignCheck", "Column", "Sample", "Survey", "check"]

#: How many rows that are left out are named one by one.
_NAMED: Final = 20

#: How many recipients' messages are shown.
_SAMPLES: Final = 3

#: The part of the rows that may be left out without somebody's consent.
_MAY_BE_LEFT_OUT: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the input, and what is made of it."""

    #: Its name; empty where it has none.
    name: str
    #: Whether it has the numbers.
    is_phone: bool
    #: The parameters that are taken from it.
    parameters: Sequence[str]
    #: In how many rows there is something in it.
    filled: int
    #: Whether it is a parameter, and less than half of the rows have something in it: they are left out.
    is_mostly_empty: bool

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "name": self.name,
            "is_phone": self.is_phone,
            "parameters": list(self.parameters),
            "filled": self.filled,
            "is_mostly_empty": self.is_mostly_empty,
        }


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A message that one recipient would get."""

    #: Where the recipient stands in the input.
    line: int
    phone: str = field(repr=False)
    #: All parameters.
    params: Mapping[str, str] = field(repr=False)
    #: The text as it is read, with the signature if that is known; None where the template's text is not known.
    text: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class CampaignCheck:
    """What a campaign would do."""

    #: Recipients who would get a message.
    recipients: int
    #: Rows that would be left out.
    invalid: int
    duplicates: int
    #: How many of the invalid ones there are for each reason, most of them first.
    reasons: dict[str, int]
    #: The first of them: line and reason.
    bad_rows: Sequence[tuple[int, str]]
    #: Recipients who would get none now, because their numbers are suppressed; None where nobody looked.
    suppressed: int | None = None
    #: Rows in which there is nothing. They are in no report.
    blank: int
    #: Recipients by country code; ``"86"`` are those of mainland China.
    countries: Mapping[str, int]
    #: The workbook's sheet that is read; empty where it is not a workbook.
    sheet: str
    #: The column of the numbers.
    phone_column: str
    #: All columns, in their order.
    table: Sequence[Column]
    #: The messages of the first recipients.
    samples: Sequence[Sample]
    #: Requests of each kind; a request is a chunk.
    send_sms: int
    send_batch_sms: int
    #: Parts that would be billed if all messages are delivered, in mainland China and abroad; None where the template's
    #: text is not known.
    mainland_parts: int | None
    foreign_parts: int | None
    #: How many messages have how many parts.
    messages_by_parts: Mapping[int, int]
    #: Recipients whose message would be longer than Aliyun takes.
    too_long: int
    #: Parameters taken from columns.
    columns: Sequence[str]
    #: Parameters that are the same for all, with their values.
    shared: Mapping[str, str] = field(repr=False)
    #: Those of both that the template has no variable for. They are sent all the same.
    surplus: Sequence[str] = ()

    @property
    def rows(self) -> int:
        """All rows below the columns' names, and blank ones above."""
        return self.recipients + self.left_out + self.blank

    @property
    def left_out(self) -> int:
        """Rows that get no message of their own. Blank ones do not count."""
        return self.invalid + self.duplicates

    @property
    def leaves_many_out(self) -> bool:
        """Whether so many rows are left out that somebody has to consent: more than 5 %."""
        return self.left_out > _MAY_BE_LEFT_OUT * (self.recipients + self.left_out)

    @property
    def left_out_by_reason(self) -> Mapping[str, int]:
        """How many rows are left out for each reason, those with a repeated number included."""
        return self.reasons | ({"duplicate": self.duplicates} if self.duplicates else {})

    @property
    def chunks(self) -> int:
        """Requests of both kinds."""
        return self.send_sms + self.send_batch_sms

    @property
    def billed(self) -> int | None:
        """Parts that would be billed, at home and abroad; None where the template's text is not known."""
        if self.mainland_parts is None or self.foreign_parts is None:
            return None
        return self.mainland_parts + self.foreign_parts

    def cost(self, price: Decimal | None) -> Decimal | None:
        """What is billed at this price of one part; None where one of both is not known."""
        return None if price is None or self.billed is None else self.billed * price

    def to_json(self) -> dict[str, Any]:
        """For ``--json``. The samples are not in it: they have numbers."""
        return {
            "rows": self.rows,
            "recipients": self.recipients,
            "left_out": self.left_out,
            "leaves_many_out": self.leaves_many_out,
            "invalid": self.invalid,
            "duplicates": self.duplicates,
            "reasons": self.reasons,
            "suppressed": self.suppressed,
            "blank": self.blank,
            "countries": dict(self.countries),
            "sheet": self.sheet,
            "phone_column": self.phone_column,
            "table": [each.to_json() for each in self.table],
            "bad_rows": [{"line": line, "reason": reason} for line, reason in self.bad_rows],
            "chunks": self.chunks,
            "requests": {"SendSms": self.send_sms, "SendBatchSms": self.send_batch_sms},
            "billed": self.billed,
            "parts": {"mainland": self.mainland_parts, "foreign": self.foreign_parts},
            "messages_by_parts": {str(parts): count for parts, count in self.messages_by_parts.items()},
            "too_long": self.too_long,
            "columns": list(self.columns),
            "shared": list(self.shared),
            "surplus": list(self.surplus),
        }


class Survey:
    """Adds up what a campaign would do, page by page.

    Args:
        order: What is sent, and to whom.
        template_text: The template's text, for what is read and billed; None: the order's.
        sign: The signature without brackets, which counts with the text.
        on_left_out: Is told each row that is left out, with its cells.
        suppressed: Tells how many of some numbers are suppressed; None: nobody is asked.

    Raises:
        InvalidArguments: The template's text or the signature is not text, or too long.

    Attributes:
        order: The order whose pages are to be added; this one is told of its rows.
    """

    def __init__(
        self,
        order: Order,
        *,
        template_text: str | None = None,
        sign: str = "",
        on_left_out: Callable[[Row, Sequence[str | None]], None] | None = None,
        suppressed: Callable[[Sequence[str]], int] | None = None,
    ) -> None:
        text = order.template_text if template_text is None else template_text
        if text is not None:
            check_text("template_text", text)
        check_text("sign", sign)
        self.order = replace(order, on_row=self._see_row)
        self._on_left_out = on_left_out
        self._ask_suppressed = suppressed
        self._suppressed = 0
        self._filled = [0] * len(order.recipients.table.columns)
        self._faults: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._bad: list[tuple[int, str]] = []
        self._requests: Counter[bool] = Counter()
        self._countries: Counter[str] = Counter()
        self._texts = _Texts(text, sign, order.recipients)

    def add(self, page: Page) -> None:
        """Add the next page of the order."""
        self._faults[""] += page.recipients
        self._faults.update(row.fault for row in page.skipped)
        invalid = [row for row in page.skipped if row.fault == "invalid"]
        self._reasons.update(row.reason for row in invalid)
        self._bad += [(row.line, row.reason) for row in invalid[: _NAMED - len(self._bad)]]
        self._countries.update(page.countries)
        self._requests.update(chunk.is_batch for chunk in page.chunks)
        self._texts.add(page)
        if self._ask_suppressed is not None:
            self._suppressed += sum(self._ask_suppressed(chunk.phones) for chunk in page.chunks)

    def found(self) -> CampaignCheck:
        """What the pages that were added would do."""
        recipients, texts = self.order.recipients, self._texts
        return CampaignCheck(
            recipients=self._faults[""],
            invalid=self._faults["invalid"],
            duplicates=self._faults["duplicate"],
            reasons=dict(self._reasons.most_common()),
            suppressed=None if self._ask_suppressed is None else self._suppressed,
            blank=recipients.blank,
            countries=dict(self._countries.most_common()),
            sheet=recipients.table.sheet,
            phone_column=recipients.table.columns[recipients.table.phone],
            table=tuple(self._columns()),
            samples=texts.samples,
            bad_rows=self._bad,
            send_sms=self._requests[False],
            send_batch_sms=self._requests[True],
            mainland_parts=texts.parts[True] if texts.is_known else None,
            foreign_parts=texts.parts[False] if texts.is_known else None,
            messages_by_parts=dict(sorted(texts.messages_by_parts.items())),
            too_long=texts.too_long,
            columns=recipients.names,
            shared=recipients.shared,
            surplus=texts.surplus,
        )

    def _see_row(self, row: Row, cells: Sequence[str | None]) -> None:
        # A row may have more cells than there are columns, or fewer.
        for index, cell in zip(range(len(self._filled)), cells, strict=False):
            if cell is None or cell.strip():
                self._filled[index] += 1
        if row.fault and self._on_left_out is not None:
            self._on_left_out(row, cells)

    def _columns(self) -> Iterator[Column]:
        recipients, rows = self.order.recipients, sum(self._faults.values())
        for index, name in enumerate(recipients.table.columns):
            parameters = tuple(each for each, its_index in recipients.columns if its_index == index)
            filled = self._filled[index]
            yield Column(
                name=name,
                is_phone=index == recipients.table.phone,
                parameters=parameters,
                filled=filled,
                is_mostly_empty=bool(parameters) and 2 * filled < rows,
            )


class _Texts:
    """The first texts, and the parts of all of them."""

    def __init__(self, text: str | None, sign: str, recipients: Recipients) -> None:
        self.is_known = text is not None
        self.samples: list[Sample] = []
        #: Parts in mainland China (True) and abroad (False).
        self.parts: Counter[bool] = Counter()
        self.messages_by_parts: Counter[int] = Counter()
        self.too_long = 0
        given = (*recipients.names, *recipients.shared) if self.is_known else ()
        self.surplus = tuple(name for name in given if name not in variables(text or ""))
        self._text = text or ""
        self._sign = sign
        self._shared = recipients.shared
        self._names = recipients.names
        self._known: dict[tuple[tuple[str, ...], bool], tuple[int, bool]] = {}

    def add(self, page: Page) -> None:
        if missing := _SAMPLES - len(self.samples):
            first = nsmallest(missing, (each for chunk in page.chunks for each in _messages(chunk)))
            self.samples += [self._sample(*each) for each in first]
        if self.is_known:
            for chunk in page.chunks:
                self._count(chunk)

    def _sample(self, line: int, phone: str, own: tuple[str, ...]) -> Sample:
        params = self._params(own)
        text = render(self._text, params)
        if self._sign:
            text = signed(text, self._sign, mainland=is_mainland(phone))
        return Sample(line=line, phone=phone, params=params, text=text if self.is_known else None)

    def _count(self, chunk: Chunk) -> None:
        together = 1 if chunk.is_batch else len(chunk.phones)
        for own in chunk.values:
            parts, is_too_long = self._measure(own, mainland=chunk.is_mainland)
            self.parts[chunk.is_mainland] += parts * together
            self.messages_by_parts[parts] += together
            self.too_long += is_too_long * together

    def _measure(self, own: tuple[str, ...], *, mainland: bool) -> tuple[int, bool]:
        if (found := self._known.get((own, mainland))) is not None:
            return found
        text = render(self._text, self._params(own))
        found = billed(text, self._sign, mainland=mainland), len(text) + len(self._sign) + 2 > LONGEST
        if len(self._known) < 1000:
            self._known[own, mainland] = found
        return found

    def _params(self, own: tuple[str, ...]) -> dict[str, str]:
        return self._shared | dict(zip(self._names, own, strict=True))


def _messages(chunk: Chunk) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Line, number and own values of each recipient."""
    values = chunk.values if chunk.is_batch else [chunk.values[0]] * len(chunk.phones)
    return zip(chunk.lines, chunk.phones, values, strict=True)


def check(
    order: Order,
    *,
    template_text: str | None = None,
    sign: str = "",
    on_page: Callable[[Page], None] = lambda _: None,
) -> CampaignCheck:
    """Read and plan everything.

    Args:
        template_text: As in `Survey`, and so is `sign`.

    Raises:
        InvalidArguments: The input cannot be read; or the order is strict and a row cannot be used.
    """
    survey = Survey(order, template_text=template_text, sign=sign)
    for page in survey.order.pages():
        survey.add(page)
        on_page(page)
    return survey.found()

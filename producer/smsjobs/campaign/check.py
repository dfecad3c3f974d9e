"""A dry run: what a campaign would do, with nothing written and nothing sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from smsjobs.campaign.text import LONGEST, billed, render

if TYPE_CHECKING:
    from smsjobs.campaign.planning import Chunk, Page
    from smsjobs.campaign.recipients import Row
    from smsjobs.campaign.start import Order

__all__ = ["CampaignCheck", "check"]

#: How many rows that are left out are named one by one.
_NAMED: Final = 20


@dataclass(frozen=True, kw_only=True)
class CampaignCheck:
    """What a campaign would do."""

    #: Recipients who would get a message.
    recipients: int
    #: Rows that would be left out.
    invalid: int
    duplicates: int
    #: How many of the invalid ones there are for each reason.
    reasons: dict[str, int]
    #: The first of them: line and reason.
    bad_rows: Sequence[tuple[int, str]]
    #: Rows in which there is nothing. They are in no report.
    blank: int
    #: Recipients by country code; ``"86"`` are those of mainland China.
    countries: Mapping[str, int]
    #: The workbook's sheet that is read; empty where it is no workbook.
    sheet: str
    #: The column of the numbers.
    phone_column: str
    #: Requests of each kind; a request is a chunk.
    send_sms: int
    send_batch_sms: int
    #: Messages that would be billed if all are delivered; None where the template's text is not known.
    billed: int | None
    #: Recipients whose message would be longer than Aliyun takes.
    too_long: int
    #: Parameters taken from columns, and those that are the same for all.
    columns: Sequence[str]
    shared: Sequence[str]

    @property
    def chunks(self) -> int:
        """Requests of both kinds."""
        return self.send_sms + self.send_batch_sms

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "recipients": self.recipients,
            "invalid": self.invalid,
            "duplicates": self.duplicates,
            "reasons": self.reasons,
            "blank": self.blank,
            "countries": dict(self.countries),
            "sheet": self.sheet,
            "phone_column": self.phone_column,
            "bad_rows": [{"line": line, "reason": reason} for line, reason in self.bad_rows],
            "chunks": self.chunks,
            "requests": {"SendSms": self.send_sms, "SendBatchSms": self.send_batch_sms},
            "billed": self.billed,
            "too_long": self.too_long,
            "columns": list(self.columns),
            "shared": list(self.shared),
        }


@dataclass(kw_only=True)
class _Bill:
    """Messages and what is too long, summed up."""

    text: str
    sign: str
    shared: dict[str, str]
    names: Sequence[str]
    billed: int = 0
    too_long: int = 0
    _known: dict[tuple[tuple[str, ...], bool], tuple[int, bool]] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        values = chunk.values if chunk.is_batch else [chunk.values[0]] * len(chunk.phones)
        for own in values:
            units, too_long = self._one(own, mainland=chunk.is_mainland)
            self.billed += units
            self.too_long += too_long

    def _one(self, own: tuple[str, ...], *, mainland: bool) -> tuple[int, bool]:
        if (found := self._known.get((own, mainland))) is not None:
            return found
        text = render(self.text, self.shared | dict(zip(self.names, own, strict=True)))
        found = billed(text, self.sign, mainland=mainland), len(text) + len(self.sign) + 2 > LONGEST
        if len(self._known) < 1000:
            self._known[own, mainland] = found
        return found


def check(
    order: Order,
    *,
    template_text: str | None = None,
    sign: str = "",
    on_page: Callable[[Page], None] = lambda _: None,
) -> CampaignCheck:
    """Read and plan everything.

    Args:
        template_text: The template's text, for the number of billed messages.
        sign: The signature without brackets, which counts with the text.

    Raises:
        InvalidArguments: The input cannot be read; or the order is strict and a row cannot be used.
    """
    recipients = order.recipients
    bill = _Bill(text=template_text or "", sign=sign, shared=recipients.shared, names=recipients.names)
    faults: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    bad: list[Row] = []
    requests: Counter[bool] = Counter()
    countries: Counter[str] = Counter()
    total = 0
    for page in order.pages():
        total += page.recipients
        faults.update(row.fault for row in page.skipped)
        invalid = [row for row in page.skipped if row.fault == "invalid"]
        reasons.update(row.reason for row in invalid)
        bad += invalid[: _NAMED - len(bad)]
        countries.update(page.countries)
        requests.update(chunk.is_batch for chunk in page.chunks)
        if template_text is not None:
            for chunk in page.chunks:
                bill.add(chunk)
        on_page(page)
    return CampaignCheck(
        recipients=total,
        invalid=faults["invalid"],
        duplicates=faults["duplicate"],
        reasons=dict(reasons),
        blank=recipients.blank,
        countries=dict(countries.most_common()),
        sheet=recipients.table.sheet,
        phone_column=recipients.table.columns[recipients.table.phone],
        bad_rows=[(row.line, row.reason) for row in bad],
        send_sms=requests[False],
        send_batch_sms=requests[True],
        billed=bill.billed if template_text is not None else None,
        too_long=bill.too_long,
        columns=recipients.names,
        shared=tuple(recipients.shared),
    )

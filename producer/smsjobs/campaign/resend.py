"""Sends a campaign again to those whose message did not arrive, if their carrier's code says that it may arrive now.

The new campaign has a name that is made from the old one's. So the same call finds it again, and nobody is in two of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from smsjobs.campaign.fitting import ensure_fits
from smsjobs.campaign.report import report
from smsjobs.campaign.start import Order, start
from smsjobs.contract import MAX_NAME, InvalidArguments, campaign_id
from smsjobs.delivery import explain

if TYPE_CHECKING:
    from smsjobs.campaign.handle import Campaign
    from smsjobs.campaign.progress import CampaignProgress
    from smsjobs.campaign.store import CampaignStore
    from smsjobs.connection import Connection

__all__ = ["Undelivered", "find_undelivered", "resend"]

#: What of an earlier resend surely reached nobody, so it may be sent once more.
_SURELY_NOT_SENT: Final = ("rejected", "not_sent", "invalid", "duplicate")


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """Those of a campaign whose message did not arrive."""

    #: The campaign, as it is now.
    of: CampaignProgress
    #: The name of the campaign that sends to them.
    name: str
    #: Their numbers, in the order of the report.
    phones: Sequence[str] = field(repr=False)
    #: How many of them there are by the carrier's code.
    again: Mapping[str, int]
    #: Those that are not sent to, because their code says that it would not help.
    not_again: Mapping[str, int]
    #: Those that an earlier resend has sent to.
    resent: int
    #: The parameters that all share.
    params: Mapping[str, str] = field(repr=False)
    #: Names of the parameters that each recipient had of his own. Their values are forgotten.
    columns: Sequence[str]
    #: The types of the variables by which its rows were checked.
    types: Mapping[str, str]
    #: As in `start`.
    promotional: bool | None

    def order(self, file: Any = None, params: Mapping[str, str] | None = None) -> Order:
        """The order for the new campaign.

        Args:
            file: The recipients that the campaign was started with, who have the values that are forgotten.
            params: The columns that these values are taken from, as in ``{"name": "{姓名}"}``, where their names differ.

        Raises:
            InvalidArguments: The values are needed, and there is no file, or another one.
        """
        people: list[Any] = list(self.phones)
        if self.columns:
            if file is None:
                raise InvalidArguments(
                    f"each recipient has {', '.join(self.columns)} of his own, which Redis has forgotten: give the file "
                    "that the campaign was started with",
                    reason="parameters_forgotten",
                    argument="recipients",
                    out_id=self.of.id,
                )
            people = self._with_values(file, params or {})
        # Its own resend has to choose everybody's row by them.
        return replace(Order.read(people, self.of.template, self.params), types=self.types)

    def _with_values(self, file: Any, params: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
        taken = {name: f"{{{name}}}" for name in self.columns}
        recipients = Order.read(file, self.of.template, {**self.params, **taken, **params}).recipients
        wanted = set(self.phones)
        found = [
            (row.phone, dict(zip(recipients.names, row.values, strict=True)))
            for row in recipients.read(self.types)
            if not row.fault and row.phone in wanted
        ]
        if len(found) != len(wanted):
            raise InvalidArguments(
                f"it is not what the campaign was started with: {len(wanted) - len(found)} recipients are missing",
                reason="other_file",
                argument="recipients",
                out_id=self.of.id,
            )
        return found


def find_undelivered(store: CampaignStore, campaign: str) -> Undelivered:
    """Find those of a campaign whose message did not arrive.

    Args:
        campaign: Its id.

    Raises:
        InvalidArguments: There is no such campaign, or it has not ended (``reason="campaign_not_ended"``), or it cannot be read.
        QueueUnavailable: Redis is unreachable.
    """
    before = store.progress(campaign)
    if not before.ended:
        # A resend ends later than what it resends, so it is not forgotten earlier, and nobody gets it twice.
        raise InvalidArguments(
            "the campaign has not ended: wait until it has, or cancel it",
            reason="campaign_not_ended",
            argument="campaign_id",
            out_id=campaign,
        )
    name, sent_to = _earlier(store, before)
    phones: list[str] = []
    again: Counter[str] = Counter()
    not_again: Counter[str] = Counter()
    resent = 0
    for row in report(store, campaign):
        if row.delivery != "failed":
            continue
        code = row.err_code or "NONE"
        if not explain(code).may_be_sent_again:
            not_again[code] += 1
        elif row.phone in sent_to:
            resent += 1
        else:
            again[code] += 1
            phones.append(row.phone)
    shared = store.shared(campaign)
    return Undelivered(
        of=before,
        name=name,
        phones=phones,
        again=dict(again.most_common()),
        not_again=dict(not_again.most_common()),
        resent=resent,
        params=shared["params"],
        columns=tuple(shared.get("columns", ())),
        types=shared["types"],
        promotional=True if before.promotional else (False if shared.get("notice") is True else None),
    )


def resend(
    store: CampaignStore,
    found: Undelivered,
    *,
    file: Any = None,
    params: Mapping[str, str] | None = None,
    connection: Connection | None = None,
    before_sending: Callable[[], None] = lambda: None,
) -> Campaign:
    """Start the campaign that sends to them.

    Args:
        file: As in `Undelivered.order`, and so are `params`.
        connection: Tells what is known of the template; None: nobody is asked.
        before_sending: As in `start`.

    Raises:
        InvalidArguments: As in `Undelivered.order`, or as in `ensure_fits`, or there is nobody to send to.
        IdempotencyConflict: An interrupted resend has other recipients, because more reports came meanwhile.
        QueueUnavailable: Redis is unreachable, or refused it.
    """
    order = found.order(file, params)
    if connection is not None:
        # Whoever did not say that it is promotional cannot say it now: it goes at the hours of the one that is resent.
        promotional = bool(found.promotional)
        ensure_fits(connection, order, element=found.of.element, name=found.name, promotional=promotional)
    return start(
        store,
        order,
        element=found.of.element,
        name=found.name,
        promotional=found.promotional,
        before_sending=before_sending,
    )


def _earlier(store: CampaignStore, of: CampaignProgress) -> tuple[str, set[str]]:
    """The name for the next resend, and whom the earlier ones have sent to."""
    sent_to: set[str] = set()
    for name, earlier in _resends(store, of):
        # One whose planning was interrupted has sent nothing, and is finished by the same call.
        if earlier is None or earlier.state == "planning" or earlier.interrupted:
            return name, sent_to
        # Another campaign of the same name may have been resent before this one was created.
        if earlier.created_ms >= of.created_ms:
            sent_to |= {
                row.phone for row in report(store, earlier.id) if _may_have_got(row.outcome, row.reason)
            }
    raise AssertionError  # the names do not end


def _resends(store: CampaignStore, of: CampaignProgress) -> Iterator[tuple[str, CampaignProgress | None]]:
    number = 0
    while True:
        number += 1
        suffix = f" (resend {number})"
        name = f"{of.name[: MAX_NAME - len(suffix)]}{suffix}"
        try:
            yield name, store.progress(campaign_id(of.element, name))
        except InvalidArguments as error:
            if error.reason != "campaign_not_found":
                raise
            yield name, None


def _may_have_got(outcome: str, reason: str | None) -> bool:
    """Whether somebody's message may have been sent; a suppressed one counts, as it would not be sent again either."""
    return outcome not in _SURELY_NOT_SENT or reason == "suppressed"

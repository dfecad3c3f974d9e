"""Shows what a campaign would do, for whoever has to decide on it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from smsjobs.campaign import CampaignCheck
from smsjobs.campaign.check import Column, Sample
from smsjobs.campaign.reasons import meaning
from smsjobs.contract import mask_phone
from smsjobs_shell.campaign.options import Ordered
from smsjobs_shell.campaign.progress import by_country
from smsjobs_shell.terminal.language import tr, tr_count
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import printable

__all__ = ["document", "preview"]

#: Most columns without a use that are listed, and most rows that are named.
_UNUSED, _BAD_ROWS = 5, 3

#: Most characters of a column's name.
_NAME: Final = 30


def preview(screen: Screen, found: CampaignCheck, ordered: Ordered) -> None:
    """Show the columns, what is left out, the first messages, and in the end what is sent and billed."""
    screen.table((tr("Column"), tr("Used as"), tr("Filled")), list(_columns(found)))
    for column in found.table:
        if column.is_mostly_empty:
            _warn_of_empty(screen, column)
    if found.surplus:
        screen.line(
            tr(
                "The template has no variable for: {names}. They are sent to Aliyun all the same; --ignore-column leaves a "
                "column out.",
                names=tr(", ").join(map(printable, found.surplus)),
            )
            + "\n",
            style="yellow",
        )
    if found.left_out:
        rows = [
            (f"{count:,}", printable(reason), tr(meaning(reason)))
            for reason, count in found.left_out_by_reason.items()
        ]
        screen.table((tr("Rows"), tr("Left out because"), tr("That is")), rows)
        _tell_bad_rows(screen, found, ordered)
    if found.samples:
        screen.line(tr("The first messages:"))
        for sample in found.samples:
            screen.pairs([(f"  {mask_phone(sample.phone)}", _read(sample))])
        screen.line()
    screen.pairs(list(_facts(found, ordered)))


def document(found: CampaignCheck, ordered: Ordered) -> dict[str, Any]:
    """The JSON of what `preview` shows."""
    price, cost = ordered["price"], found.cost(ordered["price"])
    return found.to_json() | {
        "first": [
            {
                "line": sample.line,
                "phone": mask_phone(sample.phone),
                "params": dict(sample.params),
                "text": sample.text,
            }
            for sample in found.samples
        ],
        "price": None if price is None else float(price),
        "cost": None if cost is None else float(cost),
    }


def _columns(found: CampaignCheck) -> Iterator[tuple[str, str, str]]:
    rows = found.rows - found.blank
    used = [each for each in found.table if each.is_phone or each.parameters]
    unused = [each for each in found.table if each not in used and (each.name or each.filled)]
    for column in (*used, *unused[:_UNUSED]):
        yield (
            _name(column),
            _use(column),
            tr_count(
                "{filled} of {count} row", "{filled} of {count} rows", rows, filled=f"{column.filled:,}"
            ),
        )
    for name, value in found.shared.items():
        yield "--param", f"${{{printable(name)}}} = {printable(value)}", tr("the same for all")
    if more := len(unused) - _UNUSED if len(unused) > _UNUSED else 0:
        yield tr("{count} more", count=more), tr("not used"), "-"


def _name(column: Column) -> str:
    name = printable(column.name)
    return (name if len(name) <= _NAME else f"{name[: _NAME - 1]}…") or tr("(no name)")


def _use(column: Column) -> str:
    uses = [tr("the phone number")] if column.is_phone else []
    uses += [f"${{{printable(name)}}}" for name in column.parameters]
    return ", ".join(uses) or tr("not used")


def _warn_of_empty(screen: Screen, column: Column) -> None:
    screen.line(
        tr(
            "The column {name} is mostly empty, and a row without its value is left out. If the template does not "
            "need it, add:",
            name=_name(column),
        ),
        style="yellow",
    )
    screen.line(f"  --ignore-column {shlex.quote(printable(column.name))}\n", exact=True)


def _tell_bad_rows(screen: Screen, found: CampaignCheck, ordered: Ordered) -> None:
    if ordered["rejects"] is not None:
        screen.line(tr("Each of these rows: {file}", file=ordered["rejects"]) + "\n", exact=True)
        return
    lines = [
        tr("line {line} ({reason})", line=line, reason=printable(reason))
        for line, reason in found.bad_rows[:_BAD_ROWS]
    ]
    if lines:
        more = ", …" if found.invalid > len(lines) else ""
        screen.line(tr("The first of them: {lines}", lines=tr(", ").join(lines) + more))
    screen.line(tr("To get each of these rows in a file, add:") + "  --rejects rows.csv\n", exact=True)


def _read(sample: Sample) -> str:
    if sample.text is not None:
        return printable(sample.text)
    given = ", ".join(f"{name}={value}" for name, value in sample.params.items())
    return printable(given) or tr("the template's text, the same for all")


def _facts(found: CampaignCheck, ordered: Ordered) -> Iterator[tuple[str, str]]:
    if found.sheet:
        yield tr("sheet"), printable(found.sheet)
    yield tr("rows"), tr(", ").join(_rows(found))
    yield (
        tr("recipients"),
        tr("{count}: {told}", count=f"{found.recipients:,}", told=by_country(found.countries)),
    )
    if found.suppressed:
        suppressed = f"{found.suppressed:,}"
        yield tr("suppressed"), tr("{count} of them get no message: see smsjobs suppress", count=suppressed)
    yield (
        tr("requests"),
        f"{found.chunks:,}: {found.send_sms:,} SendSms, {found.send_batch_sms:,} SendBatchSms",
    )
    yield tr("parts"), _parts(found, ordered)
    if found.too_long:
        yield (
            tr("too long"),
            tr_count(
                "{count} message has more than 500 characters, and Aliyun refuses them",
                "{count} messages have more than 500 characters, and Aliyun refuses them",
                found.too_long,
            ),
        )
    yield tr("billed"), _bill(found, ordered["price"])


def _rows(found: CampaignCheck) -> Iterator[str]:
    yield tr_count(
        "{rows}: {count} gets a message",
        "{rows}: {count} get a message",
        found.recipients,
        rows=f"{found.rows:,}",
    )
    if found.left_out:
        yield tr_count(
            "{count} is left out ({percent})",
            "{count} are left out ({percent})",
            found.left_out,
            percent=_percent(found),
        )
    if found.blank:
        yield tr_count("{count} is blank", "{count} are blank", found.blank)


def _percent(found: CampaignCheck) -> str:
    return f"{100 * found.left_out / (found.recipients + found.left_out):.1f} %"


def _parts(found: CampaignCheck, ordered: Ordered) -> str:
    if found.billed is None:
        return tr(
            "at least {count}, one a message; --template-text tells it exactly", count=f"{found.recipients:,}"
        )
    each = [
        tr_count("{count} message has {parts}", "{count} messages have {parts}", count, parts=parts)
        for parts, count in found.messages_by_parts.items()
    ]
    if len(each) == 1:
        each = [tr("{parts} a message", parts=next(iter(found.messages_by_parts)))]
    unsure = "" if ordered["sign"] else tr("; the signature counts too: name it with --sign")
    told = tr(
        "{count}: mainland {mainland}, foreign {foreign}",
        count=f"{found.billed:,}",
        mainland=f"{found.mainland_parts:,}",
        foreign=f"{found.foreign_parts:,}",
    )
    return tr("{told} ({each})", told=told, each=tr(", ").join(each)) + unsure


def _bill(found: CampaignCheck, price: Decimal | None) -> str:
    """What is billed: Aliyun bills each part as a message."""
    if found.billed is None:
        parts = found.recipients
        told = tr_count("at least {count} message", "at least {count} messages", parts)
    else:
        parts = found.billed
        told = tr_count("{count} message", "{count} messages", parts)
    if price is None:
        return tr("{messages}; --price, the price of one, tells what they cost", messages=told)
    abroad = tr("; abroad the price is another one") if set(found.countries) - {"86"} else ""
    cost = f"{parts * price:,.2f}"
    return tr("{messages}: {cost} at {price} each", messages=told, cost=cost, price=price) + abroad

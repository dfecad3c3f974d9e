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
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.terminal.wording import counted, printable

__all__ = ["document", "preview"]

#: Most columns without a use that are listed, and most rows that are named.
_UNUSED, _BAD_ROWS = 5, 3

#: Most characters of a column's name.
_NAME: Final = 30


def preview(screen: Screen, found: CampaignCheck, ordered: Ordered) -> None:
    """Show the columns, what is left out, the first messages, and in the end what is sent and billed."""
    screen.table(("Column", "Used as", "Filled"), list(_columns(found)))
    for column in found.table:
        if column.is_mostly_empty:
            _warn_of_empty(screen, column)
    if found.left_out:
        rows = [
            (f"{count:,}", printable(reason), meaning(reason))
            for reason, count in found.left_out_by_reason.items()
        ]
        screen.table(("Rows", "Left out because", "That is"), rows)
        _tell_bad_rows(screen, found, ordered)
    if found.samples:
        screen.line("The first messages:")
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
        yield _name(column), _use(column), f"{column.filled:,} of {counted(rows, 'row')}"
    for name, value in found.shared.items():
        yield "--param", f"${{{printable(name)}}} = {printable(value)}", "the same for all"
    if more := len(unused) - _UNUSED if len(unused) > _UNUSED else 0:
        yield f"{more} more", "not used", "-"


def _name(column: Column) -> str:
    name = printable(column.name)
    return (name if len(name) <= _NAME else f"{name[: _NAME - 1]}…") or "(no name)"


def _use(column: Column) -> str:
    uses = ["the phone number"] if column.is_phone else []
    uses += [f"${{{printable(name)}}}" for name in column.parameters]
    return ", ".join(uses) or "not used"


def _warn_of_empty(screen: Screen, column: Column) -> None:
    screen.line(
        f"The column {_name(column)} is mostly empty, and a row without its value is left out. If the template does not "
        "need it, add:",
        style="yellow",
    )
    screen.line(f"  --ignore-column {shlex.quote(printable(column.name))}\n", exact=True)


def _tell_bad_rows(screen: Screen, found: CampaignCheck, ordered: Ordered) -> None:
    if ordered["rejects"] is not None:
        screen.line(f"Each of these rows: {ordered['rejects']}\n", exact=True)
        return
    lines = [f"line {line} ({printable(reason)})" for line, reason in found.bad_rows[:_BAD_ROWS]]
    if lines:
        more = ", …" if found.invalid > len(lines) else ""
        screen.line(f"The first of them: {', '.join(lines)}{more}")
    screen.line("To get each of these rows in a file, add:  --rejects rows.csv\n", exact=True)


def _read(sample: Sample) -> str:
    if sample.text is not None:
        return printable(sample.text)
    given = ", ".join(f"{name}={value}" for name, value in sample.params.items())
    return printable(given) or "the template's text, the same for all"


def _facts(found: CampaignCheck, ordered: Ordered) -> Iterator[tuple[str, str]]:
    if found.sheet:
        yield "sheet", printable(found.sheet)
    rows = f"{found.rows:,}: {counted(found.recipients, 'gets', 'get')} a message"
    rows += f", {counted(found.left_out, 'is', 'are')} left out ({_percent(found)})" if found.left_out else ""
    yield "rows", rows + (f", {counted(found.blank, 'is', 'are')} blank" if found.blank else "")
    yield "recipients", f"{found.recipients:,}: {by_country(found.countries)}"
    if found.suppressed:
        yield "suppressed", f"{found.suppressed:,} of them get no message: see smsjobs suppress"
    yield "requests", f"{found.chunks:,}: {found.send_sms:,} SendSms, {found.send_batch_sms:,} SendBatchSms"
    yield "parts", _parts(found, ordered)
    if found.too_long:
        long = counted(found.too_long, "message has", "messages have")
        yield "too long", f"{long} more than 500 characters, and Aliyun refuses them"
    yield "billed", _bill(found, ordered["price"])


def _percent(found: CampaignCheck) -> str:
    return f"{100 * found.left_out / (found.recipients + found.left_out):.1f} %"


def _parts(found: CampaignCheck, ordered: Ordered) -> str:
    if found.billed is None:
        return f"at least {found.recipients:,}, one a message; --template-text tells it exactly"
    each = [
        f"{counted(count, 'message has', 'messages have')} {parts}"
        for parts, count in found.messages_by_parts.items()
    ]
    if len(each) == 1:
        each = [f"{next(iter(found.messages_by_parts))} a message"]
    unsure = "" if ordered["sign"] else "; the signature counts too: name it with --sign"
    told = f"{found.billed:,}: mainland {found.mainland_parts:,}, foreign {found.foreign_parts:,}"
    return f"{told} ({', '.join(each)}){unsure}"


def _bill(found: CampaignCheck, price: Decimal | None) -> str:
    """What is billed: Aliyun bills each part as a message."""
    least = "at least " if found.billed is None else ""
    parts = found.recipients if found.billed is None else found.billed
    told = f"{least}{counted(parts, 'message')}"
    if price is None:
        return f"{told}; --price, the price of one, tells what they cost"
    abroad = "; abroad the price is another one" if set(found.countries) - {"86"} else ""
    return f"{told}: {parts * price:,.2f} at {price} each{abroad}"

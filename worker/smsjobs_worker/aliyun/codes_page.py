"""Writes ``docs/error-codes.md`` from the table: ``python -m smsjobs_worker.aliyun.codes_page > docs/error-codes.md``."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import Final

from smsjobs_worker.aliyun.codes import CODES, FAMILIES, Code
from smsjobs_worker.provider import Blames, StopsCampaign

__all__ = ["page", "tables"]

_HEAD: Final = """\
# Error codes

Every failure has one of three codes, a stable `reason` word, and Aliyun's own code as text where Aliyun answered.

| code | class | meaning |
|---|---|---|
| 46001 | `InvalidArguments` | an argument is missing or malformed, or the element does not exist or cannot load; nothing was sent |
| 46002 | `AliyunRejected` | Aliyun answered an error; nothing was sent |
| 46003 | `RequestFailed` | the request failed; `outcome` is `"not_sent"` (sending again is safe) or `"unknown"` (it may send twice) |

## Aliyun's codes

What `AliyunRejected` carries besides `aliyun_code`:

- `reason`: the word of the section below that the code stands in.
- `advice`: `never` (this payload cannot work), `later` (it may, after `retry_after`) or `operator` (somebody has to fix
  account, signature, template or permissions first; alert them and stop the batch).
- `retry_after`: seconds. For `isv.BUSINESS_LIMIT_CONTROL` by the word in Aliyun's message: 分钟级 to the next clock minute, 小时级
  to the next clock hour, 天级 24 hours. For the account's own limits to the next day or month in Beijing. For throttling what
  Aliyun's header asks for, and at least a second.

How an answer ends the request:

- **rejected**: 46002.
- **not sent**: refused before it was looked at; tried again by itself. `RequestFailed` with `outcome="not_sent"` when the
  job expires meanwhile; a direct `sendMessage` of a script raises `AliyunRejected` with `advice="later"`.
- **answer lost**: Aliyun itself does not know. It is looked up in Aliyun's record before anything is sent again.

What it does to the campaign of a refused chunk:

- **pauses**: every other chunk would be refused too. The chunk was not sent; it is sent after `resume()`.
- **pauses, same text**: the campaign pauses if all recipients get the same text.
- **halves, number**: one recipient's number may be at fault. Nothing of the chunk was sent, so its halves are sent in its place, and
  theirs, until only the messages at fault are rejected: see [Refused for one](campaigns.md#refused-for-one).
- **halves, values**: the same where the recipients of the chunk have values of their own, for one of those may be at fault.
- nothing: the chunk is rejected, and the others are sent.

What it does in a [group](groups.md): **moves on** means that the next member sends the message, because this one surely did not, or for its
account's own sake. After any other code no member but the one that was asked sends it.

A code that ends in `*` stands for all codes with that beginning that have no row of their own. A code without any row is *rejected*
with the reason `unknown_code` if the gateway refused it with HTTP 4xx, and an *answer lost* otherwise.

Codes of the [verification product](aliyun-verify.md) are in the same table. Aliyun's lists have more codes, of its console's API and of
other products; they never answer a message that is sent. Sources: Aliyun's pages of API error codes (101346, 101347; 85198, 3057504 of
the verification product). The advice is ours.

This page is written from the table in the code; a test compares them.
"""

_ENDS: Final = {"rejected": "rejected", "not_sent": "not sent", "answer_lost": "answer lost"}
_CAMPAIGN: Final[dict[StopsCampaign, str]] = {
    "always": "pauses",
    "same_text": "pauses, same text",
    "never": "",
}
_HALVES: Final[dict[Blames | None, str]] = {"number": "halves, number", "values": "halves, values", None: ""}


def page() -> str:
    """The page."""
    return f"{_HEAD}\n{tables()}"


def tables() -> str:
    """A table for each reason, a row for each code."""
    rows = sorted((*CODES.values(), *FAMILIES), key=lambda each: (each.reason, each.code.lower()))
    sections = (_section(reason, list(group)) for reason, group in groupby(rows, lambda each: each.reason))
    return "\n".join(sections)


def _campaign(code: Code) -> str:
    return "; ".join(filter(None, (_CAMPAIGN[code.stops_campaign], _HALVES[code.blames])))


def _group(code: Code) -> str:
    return "moves on" if code.of_account or code.ended == "not_sent" else ""


def _section(reason: str, rows: list[Code]) -> str:
    lines = [
        f"| `{each.code}` | {each.meaning} | `{each.advice}` | {_ENDS[each.ended]} | {_campaign(each)} | {_group(each)} |"
        for each in rows
    ]
    head = ("| code | meaning | advice | request | campaign | group |", "|---|---|---|---|---|---|")
    return "\n".join((f"### `{reason}`", "", *head, *lines, ""))


if __name__ == "__main__":
    sys.stdout.write(page())

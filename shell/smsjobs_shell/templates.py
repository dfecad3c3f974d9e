"""``smsjobs templates``: what Aliyun knows of an element's templates, its signature, and the signature's filing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from smsjobs.templates import CARRIERS, TYPES, Template
from smsjobs_shell.terminal.failure import FAILED
from smsjobs_shell.terminal.language import mark, tr
from smsjobs_shell.terminal.options import app_option, with_screen
from smsjobs_shell.terminal.screen import Screen
from smsjobs_shell.worker_side import ask_worker_side

__all__ = ["templates"]

_NO_TYPE: Final = mark("type unknown")

#: States in words.
_WORDS: Final = {
    "in_review": mark("in review"),
    "unproved": mark("filed, not proved: send a few messages to each carrier"),
    "under_way": mark("under way"),
    "not_filed": mark("not filed"),
    "failed": mark("refused by the carrier"),
    "lapsed": mark("lapsed: nothing was sent for 6 months"),
}


@click.command(
    short_help="What Aliyun knows of a template and its signature.",
    epilog="""\b
Examples:
  smsjobs templates --element SMS.Main
  smsjobs templates SMS_123456789 --element SMS.Main

The exit status is 1 if the template or the signature cannot be sent with now.
Nothing is sent. It needs the rights dysms:GetSmsTemplate, dysms:GetSmsSign and
dysms:QuerySmsTemplateList.""",
)
@click.argument("code", required=False)
@click.option("--element", required=True, metavar="NAME", help="The element, such as SMS.Main.")
@app_option(otherwise="the current directory")
@with_screen
def templates(screen: Screen, *, code: str | None, element: str, app: Path | None) -> int:
    """Show one template with its variables, signature and filing, or list all templates of the account."""
    words = ["templates", "--app", str(app or Path()), "--element", element]
    words += [] if code is None else ["--code", code]
    report = ask_worker_side(*words, env=os.environ, what="the templates")
    found = report["templates"]
    if code is not None:
        _show(screen, found[0])
    elif found:
        screen.table(
            (tr("Template"), tr("Name"), tr("Kind"), tr("State")),
            [(each["code"], each["name"] or "-", each["kind"], _word(each["state"])) for each in found],
        )
    else:
        screen.line(tr("The account has no templates."))
    screen.document(report)
    return FAILED if code is not None and not Template.from_json(found[0]).may_be_sent else 0


def _show(screen: Screen, template: Mapping[str, Any]) -> None:
    screen.line(f"{template['code']}  {template['name']}  {template['kind']}, {_word(template['state'])}")
    if template["reason"]:
        screen.line("    " + tr("why: {reason}", reason=template["reason"]))
    screen.line(f"    {template['text']}")
    for name, kind in template["variables"].items():
        known = TYPES.get(kind or "")
        screen.line(f"    ${{{name}}}: {tr(known.words if known else _NO_TYPE)}")
    signature = template["signature"]
    if signature is None:
        screen.line(tr("the signature is not known: GetSmsSign was not answered"))
        return
    screen.line(f"{signature['name']}  " + tr("signature, {state}", state=_word(signature["state"])))
    if signature["reason"]:
        screen.line("    " + tr("why: {reason}", reason=signature["reason"]))
    for each in signature["filing"]:
        why = f" ({'; '.join(each['reasons'])})" if each["reasons"] else ""
        screen.line(f"    {tr(CARRIERS.get(each['carrier'], each['carrier']))}: {_word(each['state'])}{why}")


def _word(state: str) -> str:
    return tr(_WORDS.get(state, state))

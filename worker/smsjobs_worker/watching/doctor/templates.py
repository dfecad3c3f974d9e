"""The templates that producers use: approved, of a kind that fits their lanes, and the same at all members of a group."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from smsjobs.contract import InvalidArguments
from smsjobs_worker.provider import LookupFailed, Provider
from smsjobs_worker.sending.group import Group
from smsjobs_worker.watching.doctor.finding import Finding, bad, doubtful, good

if TYPE_CHECKING:
    from smsjobs.templates import Template, TemplateStore
    from smsjobs_worker.sending.providers import Providers

__all__ = ["templates"]

#: Most templates of an element that Aliyun is asked about.
_MOST: Final = 20


def templates(name: str, providers: Providers, store: TemplateStore) -> Iterator[Finding]:
    """Look at the templates that producers used within a day, and ask Aliyun about each."""
    try:
        provider = providers.provider(name)
        lanes = store.lanes(name) if provider.knows_templates else {}
    except (InvalidArguments, RedisError, OSError):
        return
    sound = 0
    for code in sorted(lanes)[:_MOST]:
        sound += yield from _template(name, provider, providers, code, lanes[code])
    if sound == 1:
        yield good(name, "1 template that is used is approved, and of a kind that fits")
    elif sound:
        yield good(name, "{count} templates that are used are approved, and of a kind that fits", count=sound)


def _template(
    name: str, provider: Provider, providers: Providers, code: str, lanes: frozenset[str]
) -> Generator[Finding, None, bool]:
    """Look at one template.

    Returns:
        Whether it is known to be approved, and nothing else is wrong with it.
    """
    parts: dict[str, Template] = {}

    def ask(member: str, its_code: str) -> Template:
        parts[member] = providers.provider(member).template(its_code)
        return parts[member]

    try:
        template = provider.template_by(code, ask) if isinstance(provider, Group) else provider.template(code)
    except LookupFailed as failure:
        if failure.reason != "no_templates":
            yield doubtful(
                name,
                "Aliyun tells nothing of template {code}, which is used ({detail})",
                "see that the account has it, and the right dysms:GetSmsTemplate",
                code=code,
                detail=failure.detail,
            )
        return False
    found = [*_members(name, code, parts), *_state(name, template), *_kind(name, template, lanes)]
    yield from found
    return template.state == "approved" and not found


def _state(name: str, template: Template) -> Iterator[Finding]:
    if not template.is_good:
        why = f": {template.reason}" if template.reason else ""
        yield bad(
            name,
            "template {code}, which is used, is not approved ({state})",
            "every message with it is refused: change it in the console, or send with another",
            code=template.code,
            state=template.state.replace("_", " ") + why,
        )


def _kind(name: str, template: Template, lanes: frozenset[str]) -> Iterator[Finding]:
    """Whether it is used on lanes that are not for its kind. What nobody knows fits."""
    if template.kind == "promotional":
        for lane in sorted(lanes - {"bulk"}):
            yield doubtful(
                name,
                "template {code} is promotional, and is used on the lane {lane}: at any hour, and to those who want none",
                "send it by a campaign with promotional=True",
                code=template.code,
                lane=lane,
            )
    elif template.kind == "notification" and "verification" in lanes:
        yield doubtful(
            name,
            "template {code} is for notifications, and is used on the lane verification",
            "send codes with a template of that kind, or these messages on the lane notification",
            code=template.code,
        )


def _members(name: str, code: str, parts: Mapping[str, Template]) -> Iterator[Finding]:
    """Whether a message fits every member of a group."""
    variables = {member: set(each.variables) for member, each in parts.items() if each.text}
    if len(set(map(frozenset, variables.values()))) > 1:
        told = "; ".join(
            f"{member} has {', '.join(sorted(each)) or 'none'}" for member, each in variables.items()
        )
        yield doubtful(
            name,
            "the members' templates for {code} have different variables: {told}",
            "give all members templates with the same variables, and name them in sms.json under templates",
            code=code,
            told=told,
        )

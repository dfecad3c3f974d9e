"""What a caller may pass to `sendMessage`, checked before anything is enqueued or sent.

Values may be wrapped: the SMS elements that this package stands in for hand over objects that hold the native value in
``.value``, nested. An error names the argument and never shows its value, which may be a phone number or a code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from smsjobs.contract.bounds import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_PARAM_NAME,
    MAX_PARAM_VALUE,
    MAX_PARAMS,
    MAX_PARAMS_TEXT,
    MAX_TEMPLATE,
    check_length,
)
from smsjobs.contract.errors import InvalidArguments
from smsjobs.contract.phones import WRONG_NUMBER, read_phone

__all__ = ["MAX_PHONES", "Message", "check_message", "check_phone", "is_whole", "unwrap"]

#: The most numbers of one SendSms request (Aliyun's limit).
MAX_PHONES: Final = 1000

_NATIVE: Final = (str, bytes, int, float, list, tuple, dict, set, frozenset, type(None))


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is to be sent, checked and normalised."""

    #: 1 to 1,000 distinct numbers in Aliyun's form.
    phones: tuple[str, ...] = field(repr=False)
    #: The template's parameters. Every value is text.
    params: Mapping[str, str] = field(repr=False)
    #: The template's code, such as ``SMS_123456789``.
    template: str
    #: The parameters of each number, in the order of the numbers. Empty where all share `params`, as all jobs do but
    #: chunks of a campaign.
    params_of_each: tuple[Mapping[str, str], ...] = field(default=(), repr=False)


def unwrap(value: Any, argument: str | None = None) -> Any:
    """The native value inside wrappers that hold one in ``.value``, nested.

    Args:
        argument: What the caller calls it, for the error.

    Raises:
        InvalidArguments: It is nested more than `MAX_DEPTH` deep, or has more than `MAX_ITEMS` entries.
    """
    if value is None or isinstance(value, (str, int, float)):
        return value
    return _Unwrapping(argument).unwrap(value, 0)


class _Unwrapping:
    """Unwraps one argument, and counts what it finds: lists that hold one list many times have no end in practice."""

    def __init__(self, argument: str | None) -> None:
        self._argument = argument
        self._items = 0

    def unwrap(self, value: Any, depth: int) -> Any:
        for _ in range(16):  # a wrapper that holds itself must not loop for ever
            if isinstance(value, _NATIVE) or not hasattr(value, "value"):
                break
            value = value.value
        if isinstance(value, (list, tuple)):
            self._count(len(value), depth)
            return [each if isinstance(each, str) else self.unwrap(each, depth + 1) for each in value]
        if isinstance(value, dict):
            self._count(len(value), depth)
            pairs = [
                (self.unwrap(key, depth + 1), self.unwrap(each, depth + 1)) for key, each in value.items()
            ]
            if any(isinstance(key, (list, dict)) for key, _ in pairs):
                raise self._error("has a list as a name")
            return dict(pairs)
        return value

    def _count(self, items: int, depth: int) -> None:
        self._items += items
        if depth >= MAX_DEPTH:
            raise self._error(f"is nested too deeply; at most {MAX_DEPTH} levels are permitted")
        if self._items > MAX_ITEMS:
            raise self._error(f"has too many entries; at most {MAX_ITEMS} are permitted")

    def _error(self, problem: str) -> InvalidArguments:
        return InvalidArguments(f"{self._argument or 'an argument'} {problem}", argument=self._argument)


def check_message(
    phoneList: Any = None, params: Any = None, verifyTemplateCode: Any = None, extend: Any = None
) -> Message:
    """Check the arguments of `sendMessage`.

    Args:
        phoneList: A list of 1 to 1,000 numbers as text. A number that is given twice counts once.
        params: The template's parameters, a dict of text; ``{}`` for a template without any.
        verifyTemplateCode: The template's code.
        extend: ``{"verifyTemplateCode": …}``, the older way to name the template.

    Raises:
        InvalidArguments: It names the argument, never its value.
    """
    return Message(
        phones=_check_phones(unwrap(phoneList, "phoneList")),
        params=_check_params(unwrap(params, "params")),
        template=_check_template(unwrap(verifyTemplateCode, "verifyTemplateCode"), unwrap(extend, "extend")),
    )


def _check_phones(phones: Any) -> tuple[str, ...]:
    if phones is None:
        raise InvalidArguments.about("phoneList", "is missing")
    if not isinstance(phones, Sequence) or isinstance(phones, (str, bytes, range)):
        raise InvalidArguments.about("phoneList", "must be a list of numbers as text")
    if not phones:
        raise InvalidArguments.about("phoneList", "is empty")
    if len(phones) > MAX_PHONES:
        raise InvalidArguments.about(
            "phoneList", f"has {len(phones)} numbers; one job takes at most {MAX_PHONES}"
        )
    normal: dict[str, None] = {}
    for index, each in enumerate(phones):
        normal[check_phone("phoneList", each, label=f"phoneList[{index}]")] = None
    return tuple(normal)


def check_phone(name: str, phone: Any, *, label: str | None = None) -> str:
    """A number in the form that is sent, by the one rule of `read_phone`.

    Args:
        name: The argument's name, for the error.
        label: What the text calls it; else its name.

    Raises:
        InvalidArguments: It is not text, or not a number that can be sent to. ``reason="ambiguous_number"`` where it
            may be somebody else's.
    """
    called = label or name
    if not isinstance(phone, str):
        raise InvalidArguments(f"{called} is not text", argument=name)
    number, fault = read_phone(phone)
    if fault:
        reason = fault if fault == "ambiguous_number" else "invalid_argument"
        raise InvalidArguments(f"{called} {WRONG_NUMBER[fault]}", reason=reason, argument=name)
    return number


def _check_params(params: Any) -> dict[str, str]:
    if params is None:
        raise InvalidArguments.about("params", "is missing; pass {} for a template without parameters")
    if not isinstance(params, Mapping):
        raise InvalidArguments.about("params", "must be a dict of text")
    if len(params) > MAX_PARAMS:
        raise InvalidArguments.about("params", f"has {len(params)} names; at most {MAX_PARAMS} are permitted")
    characters = 0
    for name, value in params.items():
        if isinstance(name, str):
            check_length("params", name, MAX_PARAM_NAME, label="a name in params")
        if not isinstance(name, str) or not name or not is_whole(name):
            raise InvalidArguments.about("params", "has a name that is not text")
        # A name that is a word helps the caller to find the mistake. Anything else may be a phone number or a code in the
        # wrong place, so it is not shown. No value is ever shown.
        if isinstance(value, str):
            which = f"params[{name!r}]" if name.isidentifier() else "a value in params"
            check_length("params", value, MAX_PARAM_VALUE, label=which)
        if not isinstance(value, str) or not is_whole(value):
            which = f"params[{name!r}]" if name.isidentifier() else "params: every value"
            raise InvalidArguments(f"{which} must be text; Aliyun takes no other type", argument="params")
        characters += len(name) + len(value)
    if characters > MAX_PARAMS_TEXT:
        raise InvalidArguments.about(
            "params", f"has {characters} characters in all; at most {MAX_PARAMS_TEXT} are permitted"
        )
    return dict(params)


def _check_template(template: Any, extend: Any) -> str:
    if extend is not None and not isinstance(extend, Mapping):
        raise InvalidArguments.about("extend", "must be a dict")
    if template is None and extend:
        template = extend.get("verifyTemplateCode")
    if template is None:
        raise InvalidArguments.about("verifyTemplateCode", "is missing")
    if isinstance(template, str):
        check_length("verifyTemplateCode", template, MAX_TEMPLATE)
    if not isinstance(template, str) or not is_whole(template):
        raise InvalidArguments.about("verifyTemplateCode", "must be text")
    if not template.strip():
        raise InvalidArguments.about("verifyTemplateCode", "is empty")
    return template.strip()


def is_whole(text: str) -> bool:
    """Whether the text can be encoded. Python allows half a character (a lone surrogate) in a text; UTF-8 does not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

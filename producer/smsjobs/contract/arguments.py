"""What a caller may pass to `sendMessage`, checked before anything is enqueued or sent.

Values may be native or wrappers that hold one in ``.value``, nested, as the SMS elements that this stands in for
hand them over. An error names the argument and never its value: it may be a number or a code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from smsjobs.contract.errors import InvalidArguments
from smsjobs.contract.phones import normalise_phone

__all__ = ["MAX_PHONES", "Message", "check_message", "is_whole", "unwrap"]

#: The most numbers of one SendSms request (Aliyun's limit).
MAX_PHONES: Final = 1000

_NATIVE: Final = (str, bytes, int, float, list, tuple, dict, set, frozenset, type(None))


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is to be sent, checked and normalised."""

    #: 1 to 1,000 distinct numbers in Aliyun's form.
    phones: tuple[str, ...] = field(repr=False)
    #: The template's parameters; every value is text.
    params: Mapping[str, str] = field(repr=False)
    #: The template's code, such as ``SMS_123456789``.
    template: str
    #: The parameters of each number, in the numbers' order, where they differ; empty where all share `params`.
    #: Only chunks of a campaign have them.
    params_of_each: tuple[Mapping[str, str], ...] = field(default=(), repr=False)


def unwrap(value: Any) -> Any:
    """The native value inside wrappers that hold one in ``.value``, nested.

    Raises:
        InvalidArguments: It is nested without end.
    """
    try:
        return _unwrap(value)
    except RecursionError:
        raise InvalidArguments("an argument is nested too deep") from None


def _unwrap(value: Any) -> Any:
    for _ in range(16):  # a wrapper that holds itself must not hang us
        if isinstance(value, _NATIVE) or not hasattr(value, "value"):
            break
        value = value.value
    if isinstance(value, (list, tuple)):
        return [_unwrap(each) for each in value]
    if isinstance(value, dict):
        return {_unwrap(key): _unwrap(each) for key, each in value.items()}
    return value


def check_message(
    phoneList: Any = None, params: Any = None, verifyTemplateCode: Any = None, extend: Any = None
) -> Message:
    """Check the arguments of `sendMessage`.

    Args:
        phoneList: A list of 1 to 1,000 numbers as text. A number that stands there twice counts once.
        params: The template's parameters, a dict of text; ``{}`` for a template without any.
        verifyTemplateCode: The template's code.
        extend: ``{"verifyTemplateCode": …}``, the older way to name the template.

    Raises:
        InvalidArguments: Naming the argument, never its value.
    """
    return Message(
        phones=_check_phones(unwrap(phoneList)),
        params=_check_params(unwrap(params)),
        template=_check_template(unwrap(verifyTemplateCode), unwrap(extend)),
    )


def _check_phones(phones: Any) -> tuple[str, ...]:
    if phones is None:
        raise InvalidArguments("phoneList is missing")
    if not isinstance(phones, Sequence) or isinstance(phones, (str, bytes)):
        raise InvalidArguments("phoneList must be a list of numbers as text")
    if not phones:
        raise InvalidArguments("phoneList is empty")
    if len(phones) > MAX_PHONES:
        raise InvalidArguments(f"phoneList has {len(phones)} numbers; one job takes at most {MAX_PHONES}")
    normal: dict[str, None] = {}
    for index, each in enumerate(phones):
        number = normalise_phone(each) if isinstance(each, str) else None
        if number is None:
            kind = "no phone number" if isinstance(each, str) else "no text"
            raise InvalidArguments(f"phoneList[{index}] is {kind}")
        normal[number] = None
    return tuple(normal)


def _check_params(params: Any) -> dict[str, str]:
    if params is None:
        raise InvalidArguments("params is missing; pass {} for a template without parameters")
    if not isinstance(params, Mapping):
        raise InvalidArguments("params must be a dict of text")
    for name, value in params.items():
        if not isinstance(name, str) or not name or not is_whole(name):
            raise InvalidArguments("params has a name that is no text")
        if not isinstance(value, str) or not is_whole(value):
            # A name that is a word is the caller's own, and needed to mend it. What is no word may be a number or
            # a code in the wrong place; and every value stays out.
            which = f"params[{name!r}]" if name.isidentifier() else "every value of params"
            raise InvalidArguments(f"{which} must be text; Aliyun takes no other type")
    return dict(params)


def _check_template(template: Any, extend: Any) -> str:
    if extend is not None and not isinstance(extend, Mapping):
        raise InvalidArguments("extend must be a dict")
    if template is None and extend:
        template = extend.get("verifyTemplateCode")
    if template is None:
        raise InvalidArguments("verifyTemplateCode is missing")
    if not isinstance(template, str) or not is_whole(template):
        raise InvalidArguments("verifyTemplateCode must be text")
    if not template.strip():
        raise InvalidArguments("verifyTemplateCode is empty")
    return template.strip()


def is_whole(text: str) -> bool:
    """Whether it can be encoded: half a character, which Python allows in a text, cannot."""
    return not any("\ud800" <= each <= "\udfff" for each in text)

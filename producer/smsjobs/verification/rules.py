"""The rules of a purpose's codes. They are checked once, when the application starts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from smsjobs.contract import InvalidArguments, check_countries, check_message, is_in, is_whole
from smsjobs.verification.limits import Limit

__all__ = ["Rules"]

_PURPOSE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)

#: The longest life of a code, in seconds: one hour. A code that lives longer can be stolen for longer.
_MAX_TTL_S: Final = 3600.0

#: The most wrong tries of a code. With as many, one code of four digits in ten would be guessed.
_MAX_CHECKS: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of one purpose, such as ``login``.

    Raises:
        InvalidArguments: A rule is wrong. The text names it.
    """

    #: The element's full name.
    element: str
    #: A word that the application chooses.
    purpose: str
    #: The template's code.
    template: str
    #: Seconds for which a code is valid after its last message.
    ttl_s: float
    #: Digits of a code: 4 to 6, as Aliyun's verification templates accept them.
    digits: int
    #: The template's parameter for the code.
    param: str
    #: The template's other parameters, the same in every message.
    params: Mapping[str, str] = field(repr=False)
    #: Wrong tries after which a code is dead.
    max_checks: int
    #: For one number on this element, over all purposes, because Aliyun counts by signature and number.
    per_number: Limit
    #: For one client address on this element.
    per_client: Limit
    #: For all sends of this purpose together.
    ceiling: Limit
    #: Country codes, or longer prefixes, of the numbers that may be sent to. None allows all.
    countries: Sequence[str] | None

    def __post_init__(self) -> None:
        if not isinstance(self.purpose, str) or not _PURPOSE.fullmatch(self.purpose):
            raise InvalidArguments.about("purpose", "must be a word of 1 to 64 letters, digits, and . _ -")
        if not _is_number(self.ttl_s) or not 1 <= self.ttl_s <= _MAX_TTL_S:
            raise InvalidArguments.about("ttl", f"must be from 1 to {_MAX_TTL_S:.0f} seconds")
        if not isinstance(self.digits, int) or self.digits not in (4, 5, 6):
            raise InvalidArguments.about("digits", "must be 4, 5 or 6: Aliyun takes no other length")
        if (
            isinstance(self.max_checks, bool)
            or not isinstance(self.max_checks, int)
            or not 1 <= self.max_checks <= _MAX_CHECKS
        ):
            raise InvalidArguments.about("max_checks", f"must be a whole number from 1 to {_MAX_CHECKS}")
        for name in ("per_number", "per_client", "ceiling"):
            if not isinstance(getattr(self, name), Limit):
                raise InvalidArguments.about(name, "must be a Limit, such as Limit(minute=1, hour=5, day=10)")
        object.__setattr__(self, "countries", check_countries(self.countries))
        if not isinstance(self.param, str) or not self.param or not is_whole(self.param):
            raise InvalidArguments.about("param", "must be the name of one of the template's params")
        # Refuse now what sendMessage would refuse later.
        object.__setattr__(self, "params", check_message(["13800138000"], self.params, self.template).params)
        if self.param in self.params:
            raise InvalidArguments.about("params", "has the parameter that the code fills")
        check_message(["13800138000"], self.filled("0" * self.digits), self.template)

    def filled(self, code: str) -> dict[str, str]:
        """The template's parameters with a code."""
        return {**self.params, self.param: code}

    def permits_country(self, phone: str) -> bool:
        """Whether a number in Aliyun's form has an allowed prefix. A bare mainland number counts as 86."""
        return is_in(phone, self.countries)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

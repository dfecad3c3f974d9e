"""A template, the account's signature, and the signature's filing with each carrier, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

__all__ = ["CARRIERS", "Filing", "Signature", "Template"]

#: The carriers that file signatures: Aliyun's words, and their names.
CARRIERS: Final = {"mobile": "China Mobile", "unicom": "China Unicom", "telecom": "China Telecom"}

#: States of a template and of a signature that are no reason to stop.
_GOOD: Final = ("approved", "unknown")

_VARIABLE: Final = re.compile(r"\$\{([^{}$]{1,64})\}")


@dataclass(frozen=True, kw_only=True)
class Filing:
    """How far a signature's filing with one carrier is. Without it the carrier may hold messages back."""

    #: ``"mobile"``, ``"unicom"`` or ``"telecom"``; or a new word of Aliyun's.
    carrier: str
    #: ``"filed"``, ``"unproved"``, ``"under_way"``, ``"not_filed"``, ``"failed"``, ``"lapsed"`` or ``"unknown"``.
    state: str
    #: Why, in words.
    reasons: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing has to be done about it, as far as is known."""
        return self.state in ("filed", "unproved", "unknown")

    @property
    def is_missing(self) -> bool:
        """Whether somebody has to do something about it: a carrier that has not answered yet needs time only."""
        return not self.is_good and self.state != "under_way"


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The signature under which an element sends."""

    #: Without its brackets.
    name: str
    #: ``"approved"``, ``"in_review"``, ``"refused"``, ``"cancelled"`` or ``"unknown"``.
    state: str
    #: Why it was refused; else empty.
    reason: str = ""
    #: Its filing, a carrier each; empty where Aliyun tells nothing of it.
    filing: tuple[Filing, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether its state is no reason to stop, as far as is known."""
        return self.state in _GOOD

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "filing": [
                {"carrier": each.carrier, "state": each.state, "reasons": list(each.reasons)}
                for each in self.filing
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Signature:
        """What `to_json` gave.

        Raises:
            ValueError: It is something else.
        """
        try:
            return cls(
                name=str(data["name"]),
                state=str(data["state"]),
                reason=str(data["reason"]),
                filing=tuple(
                    Filing(
                        carrier=str(each["carrier"]),
                        state=str(each["state"]),
                        reasons=tuple(map(str, each["reasons"])),
                    )
                    for each in data["filing"]
                ),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a signature ({type(error).__name__})") from None


@dataclass(frozen=True, kw_only=True)
class Template:
    """What Aliyun knows of a template."""

    #: Such as ``"SMS_123456789"``.
    code: str
    #: Its name in the console.
    name: str = ""
    #: Its text, with ``${variables}``.
    text: str = ""
    #: ``"verification"``, ``"notification"``, ``"promotional"``, ``"international"`` or ``"unknown"``.
    kind: str = "unknown"
    #: As of a `Signature`.
    state: str = "unknown"
    #: Why it was refused; else empty.
    reason: str = ""
    #: The type of each variable whose type is known, as Aliyun calls it.
    types: Mapping[str, str] = field(default_factory=dict)
    #: The signature that was named when the template was made. It does not bind.
    related: str | None = None
    #: The signature under which the element sends; None where it is not known.
    signature: Signature | None = None
    #: When Aliyun was asked, with a time zone.
    learned_at: datetime

    @property
    def is_good(self) -> bool:
        """Whether its own state is no reason to stop, as far as is known."""
        return self.state in _GOOD

    @property
    def may_be_sent(self) -> bool:
        """Whether neither its state nor that of its signature is a reason to stop."""
        return self.is_good and (self.signature is None or self.signature.is_good)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its variables, in the order of the text."""
        return tuple(dict.fromkeys(_VARIABLE.findall(self.text)))

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "code": self.code,
            "name": self.name,
            "text": self.text,
            "kind": self.kind,
            "state": self.state,
            "reason": self.reason,
            "variables": {name: self.types.get(name) for name in self.variables},
            "related_signature": self.related,
            "signature": None if self.signature is None else self.signature.to_json(),
            "learned_at": self.learned_at.astimezone(UTC).isoformat(timespec="seconds"),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Template:
        """What `to_json` gave.

        Raises:
            ValueError: It is something else.
        """
        try:
            sign, related = data["signature"], data["related_signature"]
            return cls(
                code=str(data["code"]),
                name=str(data["name"]),
                text=str(data["text"]),
                kind=str(data["kind"]),
                state=str(data["state"]),
                reason=str(data["reason"]),
                types={name: str(kind) for name, kind in dict(data["variables"]).items() if kind},
                related=None if related is None else str(related),
                signature=None if sign is None else Signature.from_json(sign),
                learned_at=datetime.fromisoformat(data["learned_at"]).astimezone(UTC),
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not a template ({type(error).__name__})") from None

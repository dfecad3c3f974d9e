"""Who asks for a page, and what he may do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Role", "Roles", "Visitor"]

#: ``view`` sees everything but numbers. ``operate`` acts, too.
Role = Literal["view", "operate"]

#: In a list of names: everybody whom the proxy or the provider lets in.
_EVERYBODY: Final = "*"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody who was let in."""

    #: The name under which what he does is written down.
    name: str
    role: Role
    #: How he was let in: ``token``, ``proxy`` or ``oidc``.
    via: str

    @property
    def may_operate(self) -> bool:
        """Whether he may act."""
        return self.role == "operate"


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which names have which role. A name that is on no list has none."""

    viewers: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()

    def of(self, names: Collection[str]) -> Role | None:
        """The role of somebody with these names, groups included."""
        mine = {*map(str.casefold, names), _EVERYBODY}
        if mine & self.operators:
            return "operate"
        return "view" if mine & self.viewers else None

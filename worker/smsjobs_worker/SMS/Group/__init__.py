"""The official Type ``SMS.Group``: several elements as one, described by ``sms.json``."""  # noqa: N999  the element's name

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from smsjobs.contract import InvalidArguments
from smsjobs_worker import elements
from smsjobs_worker.elements import Broken, Problem
from smsjobs_worker.elements.files import Reads
from smsjobs_worker.elements.node import read_chain
from smsjobs_worker.sending.group import Group, Member
from smsjobs_worker.sending.providers import Providers

__all__ = ["Loader"]

_KEYS: Final = ("element", "weight", "templates")


class Loader(elements.Loader):
    """Makes the group of the members in ``sms.json``."""

    def load(self) -> Group:
        """The group.

        Raises:
            InvalidArguments: With ``reason="element_invalid"``, naming every key that is wrong.
        """
        settings = self.read_settings("sms.json")
        if problems := [each for each in self._problems(settings) if each.level == "error"]:
            raise Broken(problems)
        members = [
            Member(
                element=each["element"],
                weight=float(each.get("weight", 1)),
                templates=dict(each.get("templates", {})),
            )
            for each in settings["members"]
        ]
        return Group(self.nodes[0].fullName, members, Providers(self.nodes[0].app).provider)

    def check(self) -> Iterable[Problem]:
        """All that is wrong with ``sms.json``; an unknown key is a warning."""
        return list(self._problems(self.read_settings("sms.json")))

    def _problems(self, settings: Mapping[str, Any]) -> Iterator[Problem]:
        for key in settings.keys() - {"members"}:
            yield self._problem(key, "unknown key", "the key is members: a typo?", level="warning")
        members = settings.get("members")
        if (
            not isinstance(members, list)
            or not members
            or not all(isinstance(each, dict) for each in members)
        ):
            hint = 'write a list like [{"element": "SMS.Main", "weight": 9}, {"element": "SMS.Spare"}]'
            yield self._problem("members", "not a list of members", hint)
            return
        names = [each.get("element") for each in members]
        for index, each in enumerate(members):
            yield from self._problems_of(f"members[{index}]", each)
            if each.get("element") in names[:index]:
                yield self._problem(f"members[{index}]", "named twice", "leave one of them")

    def _problems_of(self, place: str, member: Mapping[str, Any]) -> Iterator[Problem]:
        for key in member.keys() - set(_KEYS):
            hint = f"the keys are {', '.join(_KEYS)}: a typo?"
            yield self._problem(f"{place}.{key}", "unknown key", hint, level="warning")
        weight, templates = member.get("weight", 1), member.get("templates", {})
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight) or weight < 0:
            hint = "write a number from 0 on; 0 is a pure spare"
            yield self._problem(f"{place}.weight", "not a number from 0 on", hint)
        if not isinstance(templates, dict) or not all(
            isinstance(each, str) and each for pair in templates.items() for each in pair
        ):
            yield self._problem(f"{place}.templates", "not names of templates", 'write {"SMS_1": "SMS_77"}')
        yield from self._problems_of_element(f"{place}.element", member.get("element"))

    def _problems_of_element(self, place: str, name: object) -> Iterator[Problem]:
        if not isinstance(name, str) or not name:
            yield self._problem(place, "missing", "name an element, such as SMS.Main")
            return
        try:
            chain = read_chain(self.nodes[0].app, name, Reads())
        except InvalidArguments as error:
            yield self._problem(place, "not an element that loads", error.message)
            return
        # The Type is the node that brought this Loader: no group is a member of a group, nor of itself.
        if any(each.fullName == self.nodes[-2].fullName for each in chain) or not chain[0].type:
            yield self._problem(place, "a group, or no account", "name an element that sends")

    def _problem(self, key: str, cause: str, hint: str, **more: Any) -> Problem:
        return self.nodes[0].problem(file="sms.json", key=key, cause=cause, hint=hint, **more)

"""Several elements as one: which member sends a job, and when another one does.

A job goes to the member that its first number falls to, so the same job, and the same live code, has the same member. Another
one sends it only after a request that surely was not sent, or that was refused for the account's own sake. A request whose
answer was lost is looked up at the member that made it, and nobody else sends the job any more.

The ledger knows the member before each request (`Ledger.write_member`), so a killed worker leaves no doubt where to look.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from smsjobs.contract import AliyunRejected, InvalidArguments, Message
from smsjobs.delivery import Report
from smsjobs.templates import Template, merged
from smsjobs_worker.logs.facts import MemberFailed, MemberRefused, MemberWorks, tell
from smsjobs_worker.provider import AnswerLost, Blames, LookupFailed, NotSent, Provider, StopsCampaign
from smsjobs_worker.sending.breaker import Breaker

__all__ = ["Group", "Member"]


@dataclass(frozen=True, kw_only=True)
class Member:
    """An element of a group."""

    #: Its full name.
    element: str
    #: Its share of the messages, beside the other members'. 0: it sends only what no other can.
    weight: float = 1.0
    #: The codes of templates that are called otherwise there.
    templates: Mapping[str, str] = field(default_factory=dict)


class Group(Provider):
    """The provider of a group. Threads share it.

    Args:
        element: The group's full name.
        members: At least one.
        find: Gives the provider of an element, or raises `InvalidArguments`.
    """

    looks_up = True
    reports = True
    knows_templates = True

    def __init__(self, element: str, members: Sequence[Member], find: Callable[[str], Provider]) -> None:
        self.element = element
        self.members = tuple(members)
        self._find = find
        self._breakers = {each.element: Breaker() for each in members}

    def __repr__(self) -> str:
        return f"<Group {self.element}>"

    def for_job(self, message: Message, *, member: str | None, lost: bool) -> Provider:
        """The members that one job may go to.

        After a lost answer it is the one that was asked. Where none was written down, nothing was asked by the group, and the
        look-up goes to all of them: the element may have been something else before.
        """
        if not lost:
            return _Route(self, self._load(self._order(message), message))
        asked = self._order(message)
        if member is not None:
            asked = [next((each for each in self.members if each.element == member), Member(element=member))]
        # None may be left out: its record may be the one that has the message.
        return _Route(self, [(each, self._find(each.element)) for each in asked])

    def send(self, message: Message, *, out_id: str, connect_within_s: float) -> Mapping[str, Any]:
        """Make one request, by the member that the message falls to."""
        route = self.for_job(message, member=None, lost=False)
        return route.send(message, out_id=out_id, connect_within_s=connect_within_s)

    def find(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> bool:
        """Whether any member's record has the message."""
        about = {"since": since, "until": until, "out_id": out_id}
        return bool(_ask_all([self._find(each.element) for each in self.members], "find", phone, about))

    def delivery(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> Report | None:
        """What the members' records say about the delivery of the message; None where none has anything."""
        about = {"since": since, "until": until, "out_id": out_id}
        providers = [each for each in (self._find(one.element) for one in self.members) if each.reports]
        report: Report | None = _ask_all(providers, "delivery", phone, about)
        return report

    def template(self, code: str) -> Template:
        """What the members know of that template, as one."""
        return self.template_by(code, lambda member, its_code: self._find(member).template(its_code))

    def template_by(self, code: str, ask: Callable[[str, str], Template]) -> Template:
        """What the members know of that template, as one. A pure spare is asked too, and does not count.

        Args:
            ask: Gives what a member knows of the template that has this code there.

        Raises:
            LookupFailed: No member that counts tells anything.
        """
        counting = [each for each in self.members if each.weight > 0] or [self.members[0]]
        found: dict[str, Template] = {}
        failure: LookupFailed | None = None
        for each in self.members:
            try:
                found[each.element] = ask(each.element, each.templates.get(code, code))
            except InvalidArguments as error:
                failure = failure or LookupFailed(error.reason, error.message)
            except LookupFailed as error:
                failure = failure or error
        counting.sort(key=lambda each: each.weight, reverse=True)
        parts = [(each.element, found[each.element]) for each in counting if each.element in found]
        if parts:
            return merged(code, parts)
        raise failure or LookupFailed("no_templates", "no member knows anything of templates")

    def templates(self) -> Sequence[Template]:
        """None of its own.

        Raises:
            LookupFailed: Always.
        """
        raise LookupFailed(
            "no_templates", f"a group has no list of templates; ask for that of {self.members[0].element}"
        )

    def failed(self, member: str, failure: AliyunRejected | NotSent) -> None:
        """A member could not send for its own sake."""
        breaker = self._breakers.get(member)
        if breaker is None or not breaker.failed(failure.retry_after):
            return
        if isinstance(failure, NotSent):
            tell(MemberFailed(element=self.element, member=member, reason=failure.reason))
        else:
            code = failure.aliyun_code
            tell(MemberRefused(element=self.element, member=member, reason=failure.reason, aliyun_code=code))

    def worked(self, member: str) -> None:
        """A member answered."""
        breaker = self._breakers.get(member)
        if breaker is not None and breaker.is_open and breaker.worked():
            tell(MemberWorks(element=self.element, member=member))

    def _order(self, message: Message) -> list[Member]:
        """The members, the one first that the message falls to. Those that fail come last, but for a probe."""
        key = message.phones[0]
        ranked = sorted(self.members, key=lambda each: _score(each, key), reverse=True)
        first = self._breakers[ranked[0].element]
        if first.is_open and not first.takes_probe():
            ranked.sort(key=lambda each: self._breakers[each.element].is_open)
        return ranked

    def _load(self, members: Sequence[Member], message: Message) -> list[tuple[Member, Provider]]:
        found, problem = [], None
        for each in members:
            try:
                provider = self._find(each.element)
            except InvalidArguments as error:
                problem = problem or error
                continue
            if provider.sends_batches or not message.params_of_each:
                found.append((each, provider))
        if found:
            return found
        raise problem or InvalidArguments(
            "no member of the group can send different parameters in one request", reason="element_invalid"
        )


class _Route(Provider):
    """The provider of one job: the member that it is at, and those that it may still go to."""

    def __init__(self, group: Group, members: Sequence[tuple[Member, Provider]]) -> None:
        self._group = group
        self._all = members
        self._left = list(members)
        #: A failure after which a member may still send it later.
        self._later: NotSent | None = None
        self._next()

    def send(self, message: Message, *, out_id: str, connect_within_s: float) -> Mapping[str, Any]:
        """Make one request, by the member that the job is at."""
        template = self._at.templates.get(message.template, message.template)
        named = message if template == message.template else replace(message, template=template)
        try:
            answer = self._provider.send(named, out_id=out_id, connect_within_s=connect_within_s)
        except AliyunRejected as refusal:
            if not self._provider.concerns_account(refusal):
                self._group.worked(self._at.element)
            raise
        self._group.worked(self._at.element)
        return answer

    def weigh(
        self, failure: AliyunRejected | NotSent | AnswerLost
    ) -> AliyunRejected | NotSent | AnswerLost | None:
        """None where another member sends the job now; else what counts of all that happened."""
        if isinstance(failure, AnswerLost):
            return failure
        if isinstance(failure, AliyunRejected) and not self._provider.concerns_account(failure):
            return failure
        self._group.failed(self._at.element, failure)
        if isinstance(failure, NotSent):
            self._later = failure
        if self._left:
            self._next()
            return None
        # What one may send later is not refused because another never will.
        return self._later or failure

    def find(self, phone: str, *, since: datetime, until: datetime, out_id: str) -> bool:
        """Whether the record of the member that was asked has the message."""
        about = {"since": since, "until": until, "out_id": out_id}
        return bool(_ask_all([provider for _, provider in self._all], "find", phone, about))

    def stops_campaign(self, refusal: AliyunRejected) -> StopsCampaign:
        """As the member says."""
        return self._provider.stops_campaign(refusal)

    def blames(self, refusal: AliyunRejected) -> Blames | None:
        """As the member says."""
        return self._provider.blames(refusal)

    def hints_accepted(self, refusal: AliyunRejected) -> bool:
        """As the member says."""
        return self._provider.hints_accepted(refusal)

    def _next(self) -> None:
        self._at, self._provider = self._left.pop(0)
        self.member = self._at.element
        self.max_qps = self._provider.max_qps
        self.looks_up = self._provider.looks_up
        self.sends_batches = self._provider.sends_batches


def _ask_all(providers: Sequence[Provider], what: str, phone: str, about: Mapping[str, Any]) -> Any:
    """The first answer that is not empty. Emptiness needs all of them."""
    failure: LookupFailed | None = None
    answer = None
    for each in providers:
        try:
            answer = getattr(each, what)(phone, **about)
        except LookupFailed as error:
            failure = failure or error
        else:
            if answer:
                return answer
    if failure is not None:
        raise failure
    return answer


def _score(member: Member, key: str) -> float:
    """Weighted rendezvous hashing: each member has its share of the keys, and no other's keys move when one comes or goes."""
    digest = hashlib.blake2b(f"{member.element}\n{key}".encode(), digest_size=8).digest()
    # Never 0 or 1.
    part = (int.from_bytes(digest) + 1) / (2**64 + 2)
    return -member.weight / math.log(part)

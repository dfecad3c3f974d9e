"""The official Type ``SMS.Aliyun``: an account at Alibaba Cloud SMS, described by ``sms.json``."""  # noqa: N999  the element's name

from __future__ import annotations

from collections.abc import Iterable

from smsjobs_worker import elements
from smsjobs_worker.aliyun import AliyunSms, Fault, read_account
from smsjobs_worker.elements import Broken, Problem

__all__ = ["Loader"]


class Loader(elements.Loader):
    """Makes the sender of the account in ``sms.json``."""

    def load(self) -> AliyunSms:
        """The sender.

        Raises:
            InvalidArguments: With ``reason="element_invalid"``, naming every key that is wrong.
        """
        account, faults = read_account(self.read_settings("sms.json"))
        if account is None:
            raise Broken(self._problem(each) for each in faults if not each.harmless)
        return AliyunSms(account)

    def check(self) -> Iterable[Problem]:
        """All that is wrong with ``sms.json``; an unknown key is a warning."""
        return [self._problem(each) for each in read_account(self.read_settings("sms.json"))[1]]

    def _problem(self, fault: Fault) -> Problem:
        return self.nodes[0].problem(
            file="sms.json",
            key=fault.key,
            cause=fault.cause,
            hint=fault.hint,
            level="warning" if fault.harmless else "error",
        )

"""Loads an account from ``sms.json``: what the official Types have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from smsjobs_worker import elements
from smsjobs_worker.aliyun.account import Account, Fault, read_account
from smsjobs_worker.aliyun.client import AliyunSms
from smsjobs_worker.elements import Broken, Problem

__all__ = ["AccountLoader"]


class AccountLoader(elements.Loader):
    """Makes the sender of the account in ``sms.json``."""

    def load(self) -> AliyunSms:
        """The sender.

        Raises:
            InvalidArguments: With ``reason="element_invalid"``, naming every key that is wrong.
        """
        account, faults = self.read_account(self.read_settings("sms.json"))
        if account is None:
            raise Broken(self._problem(each) for each in faults if not each.harmless)
        return self.make_sender(account)

    def check(self) -> Iterable[Problem]:
        """All that is wrong with ``sms.json``; an unknown key is a warning."""
        return [self._problem(each) for each in self.read_account(self.read_settings("sms.json"))[1]]

    def read_account(self, settings: Mapping[str, Any]) -> tuple[Account | None, list[Fault]]:
        """The account of those settings, or None if it cannot work; and all that is wrong with them."""
        return read_account(settings)

    def make_sender(self, account: Account) -> AliyunSms:
        """What sends with that account."""
        return AliyunSms(account)

    def _problem(self, fault: Fault) -> Problem:
        return self.nodes[0].problem(
            file="sms.json",
            key=fault.key,
            cause=fault.cause,
            hint=fault.hint,
            level="warning" if fault.harmless else "error",
        )

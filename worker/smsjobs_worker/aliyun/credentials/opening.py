"""From an account to who has its keys. Accounts with the same source share one, also across a reload of their files."""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import astuple

from smsjobs_worker.aliyun.account import Account
from smsjobs_worker.aliyun.credentials.keys import Fixed, Keys, KeySource
from smsjobs_worker.aliyun.credentials.renewed import Renewed
from smsjobs_worker.aliyun.credentials.sources import AssumedRole, Chain, Given

__all__ = ["open_keys"]

_shared: weakref.WeakValueDictionary[tuple[object, ...], Renewed] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def open_keys(account: Account) -> KeySource:
    """Who has the account's keys. Nothing is asked for yet."""
    own = Keys(
        access_key=account.access_key,
        access_secret=account.access_secret,
        security_token=account.security_token,
        source="the keys of sms.json",
    )
    if account.role is None and account.access_key:
        return Fixed(own)
    role = account.role and (
        *astuple(account.role),
        account.sts_endpoint,
        account.connect_timeout_ms,
        account.read_timeout_ms,
    )
    name = (account.access_key, account.access_secret, account.security_token, role)
    with _lock:
        known = _shared.get(name)
        if known is None:
            base = Given(own) if account.access_key else Chain()
            known = _shared[name] = Renewed(AssumedRole(account, base) if account.role else base)
    return known


def _forget() -> None:
    """After a fork the parent's threads do not exist, and one of them may have held a lock."""
    global _lock  # noqa: PLW0603  replaced as a whole
    _lock = threading.Lock()
    for each in list(_shared.values()):
        each._forget()  # noqa: SLF001  the same room


os.register_at_fork(after_in_child=_forget)

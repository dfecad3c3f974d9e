"""The official Type ``SMS.AliyunVerify``: an account of Aliyun's verification product, described by ``sms.json``.

Its SDK is imported only where such an element is loaded, and not where an app is searched for its Instances.
"""  # noqa: N999  the element's name

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smsjobs_worker.aliyun import Account, AccountLoader, AliyunSms, Fault

__all__ = ["Loader"]


class Loader(AccountLoader):
    """Makes the sender of the account in ``sms.json``."""

    def read_account(self, settings: Mapping[str, Any]) -> tuple[Account | None, list[Fault]]:
        """The account, which may have a ``schemeName``."""
        from smsjobs_worker.aliyun.verify import read_verify_account  # noqa: PLC0415  see above

        return read_verify_account(settings)

    def make_sender(self, account: Account) -> AliyunSms:
        """What sends codes with that account."""
        from smsjobs_worker.aliyun.verify import AliyunVerify  # noqa: PLC0415  see above

        return AliyunVerify(account)

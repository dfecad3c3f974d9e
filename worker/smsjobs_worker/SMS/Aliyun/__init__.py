"""The official Type ``SMS.Aliyun``: an account at Alibaba Cloud SMS, described by ``sms.json``."""  # noqa: N999  the element's name

from __future__ import annotations

from smsjobs_worker.aliyun import AccountLoader

__all__ = ["Loader"]


class Loader(AccountLoader):
    """Makes the sender of the account in ``sms.json``."""

"""A client of the SDK that signs with the keys in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from alibabacloud_tea_openapi.utils_models import Config

from smsjobs.contract import AliyunRejected
from smsjobs_worker.aliyun import connections, lean
from smsjobs_worker.aliyun.account import Account, Endpoint
from smsjobs_worker.aliyun.credentials.keys import NO_CREDENTIALS, Keys
from smsjobs_worker.aliyun.credentials.opening import open_keys
from smsjobs_worker.provider import NotSent

__all__ = ["KeysRefused", "Signed"]

ClientT = TypeVar("ClientT")
FailureT = TypeVar("FailureT", bound=Exception)


class KeysRefused(NotSent):
    """Aliyun refused the keys before it looked at the request, and others are there or fetched: the same may be asked again."""

    def __init__(self, aliyun_code: str) -> None:
        super().__init__(
            NO_CREDENTIALS, f"{aliyun_code}: the keys were refused, and are renewed", aliyun_code=aliyun_code
        )


class Signed(Generic[ClientT]):
    """Makes the client anew whenever the keys are others.

    Args:
        account: Whose keys sign, and how requests travel.
        endpoint: Where they go.
        make: Makes a client of the SDK.
    """

    def __init__(self, account: Account, endpoint: Endpoint, make: Callable[[Config], ClientT]) -> None:
        self._endpoint, self._make = endpoint, make
        self._keys = open_keys(account)
        self._made: tuple[Keys, ClientT] | None = None
        connections.prepare(endpoint)
        (lean.leave if account.transport == "sdk" else lean.use)(endpoint)

    def take(self, within_s: float) -> tuple[Keys, ClientT]:
        """The keys in force, and a client that signs with them.

        Raises:
            NotSent: There are no keys, and none came within that many seconds.
        """
        keys = self._keys.take(within_s)
        made = self._made
        if made is None or made[0] is not keys:
            made = self._made = (keys, self._make(self._config(keys)))
        return made

    def accepted(self, keys: Keys) -> None:
        """Aliyun accepted these keys."""
        self._keys.accepted(keys)

    def judge(self, failure: FailureT, keys: Keys) -> FailureT | KeysRefused:
        """What a failure means that was signed with these keys: `KeysRefused` where others may be accepted."""
        if (
            isinstance(failure, AliyunRejected)
            and failure.reason == "credentials"
            and self._keys.refused(keys)
        ):
            return KeysRefused(failure.aliyun_code)
        return failure

    def _config(self, keys: Keys) -> Any:
        # Never `retry_options`: the SDK would send again after a read time-out.
        return Config(
            access_key_id=keys.access_key,
            access_key_secret=keys.access_secret,
            security_token=keys.security_token,
            protocol=self._endpoint.protocol,
            endpoint=self._endpoint.host,
        )

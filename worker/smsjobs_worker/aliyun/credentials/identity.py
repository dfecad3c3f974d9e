"""Whom Aliyun takes an account's keys for: GetCallerIdentity, which every identity may ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.utils_models import OpenApiRequest
from darabonba.runtime import RuntimeOptions

from smsjobs.contract import AliyunRejected
from smsjobs_worker.aliyun.account import Account
from smsjobs_worker.aliyun.credentials.signed import Signed
from smsjobs_worker.aliyun.mapping import map_exception
from smsjobs_worker.aliyun.rpc import rpc

__all__ = ["Identity", "find_identity"]

_CALL: Final = rpc("GetCallerIdentity", "2015-04-01")

_ARN: Final = re.compile(r"acs:[A-Za-z0-9:._@/-]{1,256}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who signs."""

    #: Where the keys come from, for people.
    source: str
    #: The ARN that Aliyun knows them by; None where it did not tell.
    arn: str | None = None
    #: Why it did not tell; else empty.
    detail: str = ""


def find_identity(account: Account) -> Identity:
    """Who signs for the account, by one request.

    Raises:
        NotSent: There are no keys.
    """
    seconds = account.connect_timeout_ms / 1000
    keys, client = Signed(account, account.sts_endpoint, Client).take(seconds)
    runtime = RuntimeOptions(connect_timeout=account.connect_timeout_ms, read_timeout=account.read_timeout_ms)
    try:
        arn = client.call_api(_CALL, OpenApiRequest(), runtime)["body"].get("Arn")
    except Exception as error:  # noqa: BLE001  whatever it is, the mapping decides what it means
        failure = map_exception(error, now=datetime.now(UTC))
        why = failure.aliyun_code if isinstance(failure, AliyunRejected) else failure.detail
        return Identity(source=keys.source, detail=why)
    told = isinstance(arn, str) and _ARN.fullmatch(arn) is not None
    return Identity(source=keys.source, arn=arn if told else None, detail="" if told else "no ARN")

"""Alibaba Cloud SMS: the only code that imports its SDK."""

from smsjobs_worker.aliyun.account import Account, Endpoint, Fault, Queues, read_account
from smsjobs_worker.aliyun.client import AliyunSms, CredentialCheck
from smsjobs_worker.aliyun.codes import CODES, FAMILIES, Code, find_code
from smsjobs_worker.aliyun.loader import AccountLoader
from smsjobs_worker.aliyun.mapping import Throttled

__all__ = [
    "CODES",
    "FAMILIES",
    "Account",
    "AccountLoader",
    "AliyunSms",
    "Code",
    "CredentialCheck",
    "Endpoint",
    "Fault",
    "Queues",
    "Throttled",
    "find_code",
    "read_account",
]

"""Verification codes: issue, deliver once, check, and keep attackers out.

::

    login = element.verification("login", verifyTemplateCode="SMS_123456789")
    sent = login.send("13800138000", client_ip="203.0.113.7")
    if login.check("13800138000", "123456"):
        ...
"""

from smsjobs.contract import VerificationRefused
from smsjobs.verification.keys import Keyring
from smsjobs.verification.limits import CEILING, PER_CLIENT, PER_NUMBER, Limit
from smsjobs.verification.redis_store import RedisCodes
from smsjobs.verification.results import CheckResult, CheckStatus, Sent
from smsjobs.verification.rules import Rules
from smsjobs.verification.verification import Attempt, Guard, Verification

__all__ = [
    "CEILING",
    "PER_CLIENT",
    "PER_NUMBER",
    "Attempt",
    "CheckResult",
    "CheckStatus",
    "Guard",
    "Keyring",
    "Limit",
    "RedisCodes",
    "Rules",
    "Sent",
    "Verification",
    "VerificationRefused",
]

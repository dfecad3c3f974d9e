"""Who signs a request: the keys of ``sms.json``, or keys that come from elsewhere and are renewed in the background.

What holds here:

- A send whose keys are good never waits for newer ones.
- Where there are none, it waits for a bounded time, and then nothing was sent (`NotSent`, ``"no_credentials"``).
- Keys that Aliyun refuses are fetched anew once, before the refusal counts.
- No text of the library's, and none of the other side's, gets out: both can repeat a token.
"""

from __future__ import annotations

from smsjobs_worker.aliyun.credentials.identity import Identity, find_identity
from smsjobs_worker.aliyun.credentials.keys import NO_CREDENTIALS, Keys, KeySource
from smsjobs_worker.aliyun.credentials.opening import open_keys
from smsjobs_worker.aliyun.credentials.signed import KeysRefused, Signed

__all__ = [
    "NO_CREDENTIALS",
    "Identity",
    "KeySource",
    "Keys",
    "KeysRefused",
    "Signed",
    "find_identity",
    "open_keys",
]

"""What a parameter's value may hold, as far as Aliyun tells it.

Aliyun takes or refuses a request as a whole, so one bad value would cost 99 other recipients their message. Only what its
pages name is refused here (help.aliyun.com 44357, 463270, 2806243). What they leave open, such as traditional characters
and domains without ``www.``, is sent. If Aliyun refuses it, the chunk is halved until only its own row is refused.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MAX_VALUE", "is_plain", "value_fault"]

#: Longest value, in characters. Aliyun's limit for notifications; no type of variable takes more.
MAX_VALUE: Final = 35

#: What no message may hold, wherever it goes: every character that ends a line, and the brackets of the signature.
_NEVER: Final = re.compile("[\0\n\v\f\r\x1c-\x1e\x85\u2028\u2029【】]")

#: Signs that Aliyun's page on texts names, and their direct kin.
_SIGNS: Final = "『』「」〖〗①-⑳※→•²³"

#: Signs and emoji of the blocks 2600 to 27BF (★, ❤), other characters that are drawn as emoji, and the two that make an
#: emoji of what stands before them. Rare Chinese characters lie elsewhere.
_EMOJI: Final = "☀-➿⌚⌛⏩-⏬⏰⏳◽◾⬛⬜⭐⭕\U0001f000-\U0001faff\ufe0f\u20e3"

#: What no message to a mainland number may hold, too. For numbers abroad, Aliyun's pages name no such signs.
_NOT_AT_HOME: Final = re.compile(f"[{_SIGNS}{_EMOJI}]")

#: A name such as 58.com, or the end of an e-mail address, is not a URL.
_URL: Final = re.compile(r"https?://|www\.", re.IGNORECASE)

#: Letters, digits, hanzi and amounts. No rule here is against them, so most values are looked at once.
is_plain: Final = re.compile(
    rf"[0-9A-Za-z\u4e00-\u9fff]{{1,{MAX_VALUE}}}|[0-9]{{1,16}}\.[0-9]{{1,16}}", re.ASCII
).fullmatch


def value_fault(value: str, *, mainland: bool) -> str:
    """Why Aliyun would refuse the value, as a stable word; empty if nothing is known against it.

    Args:
        value: Without white space around it.
        mainland: Whether the message goes to a number of mainland China.
    """
    if not value:
        return "parameter_missing"
    if len(value) > MAX_VALUE:
        return "parameter_too_long"
    if _NEVER.search(value) or (mainland and not value.isascii() and _NOT_AT_HOME.search(value)):
        return "parameter_not_allowed"
    if mainland and _URL.search(value):
        return "parameter_has_url"
    return ""

"""Which refusals pause a campaign: those that would befall its other chunks too."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["Pauses", "pauses"]

#: ``"always"``; ``"same_text"``: where all recipients of the campaign get the same text; ``"never"``.
Pauses = Literal["always", "same_text", "never"]

#: Besides what only an operator can mend. All chunks have the same template, endpoint and names of parameters.
_FOR_ALL: Final = frozenset(
    {
        "isv.TEMPLATE_MISSING_PARAMETERS",
        "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL",
        "MissingAccessKeyId",
        "UnsupportedHTTPMethod",
        "InvalidApi.NotFound",
        "InvalidVersion",
        "InvalidAction.NotFound",
    }
)

#: About values or text. A value of one recipient's own may be at fault too, and a chunk that pauses its campaign again
#: and again would keep everybody else's message back.
_FOR_A_TEXT: Final = frozenset(
    {
        "isv.TEMPLATE_PARAMS_ILLEGAL",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.PARAM_NOT_SUPPORT_URL",
        "isv.INVALID_JSON_PARAM",
        "isv.SMS_CONTENT_ILLEGAL",
        "isv.UNSUPPORTED_CONTENT",
        "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
    }
)


def pauses(code: str, reason: str, advice: str) -> Pauses:
    """When a refusal pauses the campaign of the chunk that was refused.

    Args:
        code: Aliyun's.
        reason: Our word for its cause.
        advice: What a caller can do about it.
    """
    # The account's own limit of a day or month: until that ends, every chunk would be refused.
    if advice == "operator" or reason == "quota" or code in _FOR_ALL:
        return "always"
    return "same_text" if code in _FOR_A_TEXT else "never"

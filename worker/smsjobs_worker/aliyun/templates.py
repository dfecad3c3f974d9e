"""Aliyun's answers about templates and signatures, as our values. What is new in them reads as ``"unknown"``.

The two actions about templates number the kinds differently, and the list has words for states, one of them misspelt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from smsjobs.templates import Filing, Signature, Template

__all__ = ["read_listed", "read_signature", "read_template"]

_STATES: Final = {"0": "in_review", "1": "approved", "2": "refused", "10": "cancelled"}

_KINDS: Final = {"0": "verification", "1": "notification", "2": "promotional", "3": "international"}

_LISTED_STATES: Final = {
    "AUDIT_STATE_INIT": "in_review",
    "AUDIT_STATE_PASS": "approved",
    "AUDIT_STATE_NOT_PASS": "refused",
    "AUDIT_STATE_CANCEL": "cancelled",
    "AUDIT_SATE_CANCEL": "cancelled",
}

#: ``RegisterStatus`` of a signature's filing.
_FILING: Final = {
    "3": "filed",
    "1": "unproved",
    "-1": "under_way",
    "-2": "not_filed",
    "0": "failed",
    "2": "lapsed",
}

#: ``ReasonCode`` of it, in words.
_REASONS: Final = {
    "UNBINDING_QUA": "the signature has no qualification; bind one in the console",
    "BINDING_INCOMPLETE_QUA": "its qualification is incomplete; complete it in the console",
    "NON_REGISTER": "its filing was not begun; begin it in the console",
    "REGISTERING": "its filing is under way",
    "DETECTING": "its filing is not proved yet; send a few messages to each carrier",
    "DETECT_SUCCESS": "it is filed",
    "QUALIFICATION_ERROR": "the carrier refused its qualification",
    "SIGNATURE_ERROR": "the carrier refused the signature",
    "SIGNATURE_QUALIFICATION_ERROR": "the signature does not belong to its qualification",
    "ONE_CODE_MULTIPLE_SIGN": "its extension code has another signature too",
    "OTHERS_ERROR": "the carrier gave another reason; see the console",
    "REGISTER_TIMEOUT": "the carrier did not answer in time; file it again in the console",
    "NO_SEND_RECORD": "nothing was sent under it for 6 months; file it again in the console",
    "EXT_CODE_RECYCLE": "its extension code was taken back; file it again in the console",
    "SUBPORT_RECYCLE": "the carrier withdrew its number; file it again in the console",
}

#: Most characters of a text of Aliyun's that is shown.
_LONGEST: Final = 500


def read_template(body: Mapping[str, Any], *, signature: Signature | None, now: datetime) -> Template:
    """The answer to GetSmsTemplate."""
    return Template(
        code=_text(body.get("TemplateCode")),
        name=_text(body.get("TemplateName")),
        text=_text(body.get("TemplateContent")),
        kind=_KINDS.get(str(body.get("TemplateType")), "unknown"),
        state=_STATES.get(str(body.get("TemplateStatus")), "unknown"),
        reason=_reason(body.get("AuditInfo")),
        types=_types(body.get("VariableAttribute")),
        related=_text(body.get("RelatedSignName")) or None,
        signature=signature,
        learned_at=now,
    )


def read_listed(row: Mapping[str, Any], *, now: datetime) -> Template:
    """One row of the answer to QuerySmsTemplateList, which has no types."""
    return Template(
        code=_text(row.get("TemplateCode")),
        name=_text(row.get("TemplateName")),
        text=_text(row.get("TemplateContent")),
        kind=_KINDS.get(str(row.get("OuterTemplateType")), "unknown"),
        state=_LISTED_STATES.get(str(row.get("AuditStatus")), "unknown"),
        reason=_reason(row.get("Reason")),
        related=_text(row.get("SignatureName")) or None,
        learned_at=now,
    )


def read_signature(body: Mapping[str, Any], name: str) -> Signature:
    """The answer to GetSmsSign about the signature of that name."""
    rows = body.get("SignIspRegisterDetailList")
    return Signature(
        name=name,
        state=_STATES.get(str(body.get("SignStatus")), "unknown"),
        reason=_reason(body.get("AuditInfo")),
        filing=tuple(_filing(each) for each in rows if isinstance(each, Mapping))
        if isinstance(rows, list)
        else (),
    )


def _filing(row: Mapping[str, Any]) -> Filing:
    given = row.get("RegisterStatusReasons")
    reasons: list[str] = []
    for each in given if isinstance(given, list) else ():
        if not isinstance(each, Mapping):
            continue
        code = _text(each.get("ReasonCode"))
        told = each.get("ReasonDescList")
        # Aliyun's own words, where it has some, say more than ours.
        words = [_text(one) for one in told if one] if isinstance(told, list) else []
        reasons += words or ([_REASONS.get(code, code)] if code else [])
    return Filing(
        carrier=_text(row.get("OperatorCode")) or "unknown",
        state=_FILING.get(str(row.get("RegisterStatus")), "unknown"),
        reasons=tuple(reasons),
    )


def _types(rule: Any) -> dict[str, str]:
    """The types of variables. Only the form of the request is documented; any other reads as no types."""
    try:
        read = json.loads(rule) if isinstance(rule, str) else rule
    except (ValueError, RecursionError):
        return {}
    if not isinstance(read, Mapping):
        return {}
    return {name: kind for name, kind in read.items() if isinstance(kind, str)}


def _reason(info: Any) -> str:
    return _text(info.get("RejectInfo")) if isinstance(info, Mapping) else ""


def _text(value: Any) -> str:
    return value.strip()[:_LONGEST] if isinstance(value, str) else ""

"""What the console knows of templates and signatures: GetSmsTemplate, QuerySmsTemplateList, GetSmsSign."""

import json
from typing import Any

from aliyun_sms_simulator.catalogue import Catalogue, Signature
from aliyun_sms_simulator.codes import refusal
from aliyun_sms_simulator.gateway import Call
from aliyun_sms_simulator.template import KINDS, Template, check_code
from aliyun_sms_simulator.world import World

__all__ = ["ABOUT"]

#: the list's own numbers of the kinds
_LISTED_KINDS = {"verification": 2, "notification": 0, "promotional": 1, "international": 6}


def _get_template(world: World, call: Call) -> dict[str, Any]:
    code = call.params.get("TemplateCode", "")
    known = world.catalogue.templates
    if known is None:
        # Any is good, and neither text nor kind of it is known.
        check_code(code)
        found: Template | None = Template(code=code, content="")
    else:
        found = known.get(code)
    if found is None:
        raise refusal("isv.SMS_TEMPLATE_ILLEGAL")
    return {
        "TemplateCode": found.code,
        "TemplateName": found.code,
        "TemplateContent": found.content,
        "TemplateStatus": "1" if found.approved else "0",
        "TemplateType": "" if known is None else str(KINDS.index(found.kind)),
        "TemplateTag": 2,
        "VariableAttribute": json.dumps(found.types),
        "RelatedSignName": _any_signature(world.catalogue),
        "CreateDate": "2026-01-01 00:00:00",
    }


def _list_templates(world: World, call: Call) -> dict[str, Any]:
    page, size = (_whole(call, name) for name in ("PageIndex", "PageSize"))
    if not 1 <= size <= 50 or page < 1:
        raise refusal("isv.INVALID_PARAMETERS")
    found = list((world.catalogue.templates or {}).values())
    rows = [_row(world.catalogue, each) for each in found[(page - 1) * size : page * size]]
    return {"TotalCount": len(found), "CurrentPage": page, "PageSize": size, "SmsTemplateList": rows}


def _row(catalogue: Catalogue, template: Template) -> dict[str, Any]:
    return {
        "TemplateCode": template.code,
        "TemplateName": template.code,
        "TemplateContent": template.content,
        "AuditStatus": "AUDIT_STATE_PASS" if template.approved else "AUDIT_STATE_INIT",
        "TemplateType": _LISTED_KINDS[template.kind],
        "OuterTemplateType": KINDS.index(template.kind),
        "SignatureName": _any_signature(catalogue),
        "CreateDate": "2026-01-01 00:00:00",
    }


def _get_signature(world: World, call: Call) -> dict[str, Any]:
    name = call.params.get("SignName", "")
    signatures = world.catalogue.signatures
    found = Signature(name=name) if signatures is None else signatures.get(name)
    if found is None:
        raise refusal("isv.SMS_SIGNATURE_ILLEGAL")
    return {
        "SignName": name,
        "SignStatus": 1 if found.approved else 0,
        "SignTag": "2",
        "CreateDate": "2026-01-01 00:00:00",
        "SignIspRegisterDetailList": [
            {
                "OperatorCode": carrier,
                "RegisterStatus": status,
                "OperatorCompleteTime": "2026-01-02 00:00:00",
                "RegisterStatusReasons": [{"ReasonCode": reason, "ReasonDescList": []}] if reason else [],
            }
            for carrier, (status, reason) in found.filing_by_carrier.items()
        ],
    }


def _any_signature(catalogue: Catalogue) -> str:
    return next(iter(catalogue.signatures or {}), "")


def _whole(call: Call, name: str) -> int:
    text = call.params.get(name, "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


#: each action that only tells something
ABOUT = {
    "GetSmsTemplate": _get_template,
    "QuerySmsTemplateList": _list_templates,
    "GetSmsSign": _get_signature,
}

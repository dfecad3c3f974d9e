"""Aliyun's answers about templates and signatures."""

from datetime import UTC, datetime

import pytest

from smsjobs_worker.aliyun.templates import read_listed, read_signature, read_template

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "types"),
    [
        ('{"code": "numberCaptcha"}', {"code": "numberCaptcha"}),
        ({"code": "numberCaptcha"}, {"code": "numberCaptcha"}),
        ('[{"code": "numberCaptcha"}]', {}),
        ("code:numberCaptcha", {}),
        ('{"code": 3}', {}),
        ("[" * 100_000, {}),
        (None, {}),
    ],
)
def test_types(rule, types):
    """The types of variables are read in the one form that is documented, and nothing else breaks the rest."""
    body = {
        "TemplateCode": "SMS_1",
        "TemplateContent": "验证码${code}",
        "TemplateStatus": "1",
        "TemplateType": "0",
    }
    found = read_template(body | {"VariableAttribute": rule}, signature=None, now=NOW)
    assert (found.kind, found.state, found.variables, found.types) == ("verification", "approved", ("code",), types)  # fmt: skip


def test_unknown_words():
    """A number or a word that is new reads as unknown, and an answer that has nothing reads as nothing."""
    found = read_template({"TemplateStatus": 7, "TemplateType": "9"}, signature=None, now=NOW)
    assert (found.kind, found.state, found.text, found.code) == ("unknown", "unknown", "", "")
    assert read_signature({"SignStatus": None, "SignIspRegisterDetailList": "x"}, "示例").filing == ()


@pytest.mark.parametrize(
    ("state", "read"),
    [
        ("AUDIT_STATE_PASS", "approved"),
        ("AUDIT_STATE_NOT_PASS", "refused"),
        ("AUDIT_SATE_CANCEL", "cancelled"),
        ("AUDIT_STATE_NEW", "unknown"),
    ],
)
def test_listed(state, read):
    """A row of the list has its own words, and its kind by the public numbers, not by those of the list."""
    row = {"TemplateCode": "SMS_1", "AuditStatus": state, "TemplateType": 2, "OuterTemplateType": 0}
    found = read_listed(row | {"Reason": {"RejectInfo": "内容不符"}}, now=NOW)
    assert (found.state, found.kind, found.reason) == (read, "verification", "内容不符")


def test_filing():
    """The filing of each carrier is told in words: Aliyun's, where it has some, else ours."""
    rows = [
        {"OperatorCode": "mobile", "RegisterStatus": 3, "RegisterStatusReasons": []},
        {"OperatorCode": "unicom", "RegisterStatus": -2, "RegisterStatusReasons": [{"ReasonCode": "UNBINDING_QUA"}]},
        {
            "OperatorCode": "telecom",
            "RegisterStatus": 0,
            "RegisterStatusReasons": [{"ReasonCode": "QUALIFICATION_ERROR", "ReasonDescList": ["资质不符"]}],
        },
    ]  # fmt: skip
    found = read_signature({"SignStatus": 1, "SignIspRegisterDetailList": rows}, "示例")
    assert [(each.carrier, each.state, each.is_good) for each in found.filing] == [
        ("mobile", "filed", True),
        ("unicom", "not_filed", False),
        ("telecom", "failed", False),
    ]
    assert found.filing[1].reasons == ("the signature has no qualification; bind one in the console",)
    assert found.filing[2].reasons == ("资质不符",)

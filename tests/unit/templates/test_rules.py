"""What a template permits."""

from datetime import UTC, datetime

import pytest

from smsjobs.templates import Filing, Signature, Template, find_faults

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)


def template(text: str = "${name}您好，${event}将于今晚进行。", **more) -> Template:
    return Template(
        code="SMS_1", text=text, **{"kind": "notification", "state": "approved", "learned_at": NOW, **more}
    )


ROWS = [
    # parameters, types, what is wrong, why the row is here
    ({"name": "张三", "event": "维护"}, {}, [], "all there"),
    ({"name": "张三"}, {}, ["the template's variable event is missing"], "one missing"),
    ({"name": "a", "event": "b", "code": "1"}, {}, ["the template has no variable code"], "one too many"),
    ({"name": "a", "event": "b"}, {"name": "numberCaptcha"}, ["name has to be 4 to 6 digits"], "ill-typed"),
    ({"name": "1234", "event": "b"}, {"name": "numberCaptcha"}, [], "well typed"),
    ({"name": "a", "event": "b"}, {"name": "a_new_type"}, [], "a type of tomorrow"),
    ({"name": "a", "event": "x" * 36}, {"event": "others"}, ["event has to be 1 to 35 characters"], "long"),
    ({"name": "", "event": "b"}, {"name": "others"}, ["name has to be 1 to 35 characters"], "empty"),
    ({"name": "a", "event": "2026-06-01 12:00"}, {"event": "time"}, [], "a time in any form"),
]


@pytest.mark.parametrize(("params", "types", "wrong", "remark"), ROWS, ids=[row[3] for row in ROWS])
def test_faults(params, types, wrong, remark):
    """A missing, surplus or ill-typed parameter is named; what is not known is not wrong."""
    assert find_faults(template(types=types), params) == wrong


def test_unknown_text():
    """Of a template whose text is not known nothing is wrong."""
    assert find_faults(template(""), {"code": "1"}) == []


def test_no_value_is_shown():
    """What is wrong is told without the value."""
    told = find_faults(template(types={"name": "numberCaptcha"}), {"name": "13800138000", "event": "x" * 99})
    assert "13800138000" not in str(told)


def test_foreign():
    """The bounds of a foreign template's values are others."""
    found = template(kind="international", types={"name": "numberCaptcha"})
    assert find_faults(found, {"name": "a", "event": "b"}) == []


def test_json():
    """A template comes back from JSON as it was, and anything else is not one."""
    filing = (Filing(carrier="mobile", state="not_filed", reasons=("its filing was not begun",)),)
    whole = template(
        types={"name": "name"}, signature=Signature(name="示例公司", state="approved", filing=filing)
    )
    assert Template.from_json(whole.to_json()) == whole
    assert Template.from_json(template().to_json()) == template()
    for other in ({}, {**whole.to_json(), "variables": 3}, {**whole.to_json(), "learned_at": "today"}):
        with pytest.raises(ValueError):
            Template.from_json(other)

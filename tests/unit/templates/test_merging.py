"""What several accounts have of one template, as one."""

from datetime import UTC, datetime, timedelta

import pytest

from smsjobs.templates import Filing, Signature, Template, merged

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)


def template(code: str = "SMS_77", **more) -> Template:
    given = {"text": "${name}您好", "kind": "notification", "state": "approved", "learned_at": NOW}
    return Template(code=code, **{**given, **more})


def signature(state: str = "approved", **filing: str) -> Signature:
    rows = tuple(Filing(carrier=carrier, state=word) for carrier, word in filing.items())
    return Signature(name="示例", state=state, filing=rows)


def of(*parts: Template) -> Template:
    return merged("SMS_1", [(f"SMS.M{number}", each) for number, each in enumerate(parts)])


def test_alike():
    """Members that have the same give just that, under the group's code and as old as the oldest of them."""
    found = of(
        template(types={"name": "name"}), template(types={"name": "name"}, learned_at=NOW - timedelta(1))
    )
    assert found == template("SMS_1", types={"name": "name"}, learned_at=NOW - timedelta(1))


@pytest.mark.parametrize("worst", ["refused", "in_review", "cancelled"])
def test_worst_state(worst):
    """One member's template that is not approved makes the group's so, with the member's name before the reason."""
    found = of(template(), template(state=worst, reason="内容不符"))
    assert (found.state, found.reason) == (worst, "SMS.M1: 内容不符")
    assert of(template(), template(state="unknown")).state == "approved"


def test_age_of_the_worst():
    """What makes a group's template not approved tells how old it is: that is asked about again first."""
    old, older = NOW - timedelta(1), NOW - timedelta(2)
    bad = template(state="in_review", learned_at=old)
    assert of(template(learned_at=older), template(), bad).learned_at == old
    unsigned = template(signature=signature("refused"))
    assert of(template(learned_at=older), unsigned).learned_at == NOW


def test_types_that_differ():
    """A variable has a type only where all members give it the same."""
    found = of(template(types={"name": "name", "a": "time"}), template(types={"name": "others", "a": "time"}))
    assert found.types == {"a": "time"}


def test_promotional():
    """One member's promotional template makes the group's promotional."""
    assert of(template(), template(kind="promotional")).kind == "promotional"


def test_signature():
    """The signature shown is the one that most needs somebody: not approved, then not filed, then the first."""
    good, unfiled, refused = signature(mobile="filed"), signature(mobile="not_filed"), signature("refused")
    assert of(template(signature=good), template(signature=unfiled)).signature == unfiled
    assert of(template(signature=unfiled), template(signature=refused)).signature == refused
    assert of(template(), template(signature=good)).signature == good
    assert of(template(), template()).signature is None

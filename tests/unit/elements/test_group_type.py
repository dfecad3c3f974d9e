"""The built-in Type SMS.Group and its sms.json."""

import pytest

from smsjobs_worker.elements import App, loaded
from smsjobs_worker.sending.group import Group, Member

GROUP = {"title": "All", "type": "SMS.Group"}
INSTANCE = {"title": "Mine", "type": "SMS.Aliyun"}


@pytest.fixture
def members(write, account):
    """Two accounts."""
    for name in ("SMS.Main", "SMS.Spare"):
        write(name, e=INSTANCE, sms=account)


def test_members(root, write, members):
    """A group has its members, with their shares and their names of templates."""
    settings = [
        {"element": "SMS.Main", "weight": 9},
        {"element": "SMS.Spare", "weight": 0, "templates": {"SMS_1": "SMS_77"}},
    ]
    write("SMS.All", e=GROUP, sms={"members": settings})
    app = App(root)
    assert app.check() == []
    group = loaded(app.getElement("SMS.All"))
    assert isinstance(group, Group)
    assert group.members == (
        Member(element="SMS.Main", weight=9),
        Member(element="SMS.Spare", weight=0, templates={"SMS_1": "SMS_77"}),
    )
    assert [each.fullName for each in app.elements()] == ["SMS.All", "SMS.Main", "SMS.Spare"]


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, "members"),
        ({"members": []}, "members"),
        ({"members": ["SMS.Main"]}, "members"),
        ({"members": [{}]}, "members[0].element"),
        ({"members": [{"element": "SMS.Nobody"}]}, "members[0].element"),
        ({"members": [{"element": "SMS.All"}]}, "members[0].element"),
        ({"members": [{"element": "SMS.Other"}]}, "members[0].element"),
        ({"members": [{"element": "SMS.Meta"}]}, "members[0].element"),
        ({"members": [{"element": "SMS.Main"}, {"element": "SMS.Main"}]}, "members[1]"),
        ({"members": [{"element": "SMS.Main", "weight": -1}]}, "members[0].weight"),
        ({"members": [{"element": "SMS.Main", "weight": "9"}]}, "members[0].weight"),
        ({"members": [{"element": "SMS.Main", "weight": True}]}, "members[0].weight"),
        ({"members": [{"element": "SMS.Main", "templates": {"SMS_1": 7}}]}, "members[0].templates"),
    ],
)
def test_wrong_members(root, write, members, given, key):
    """What is wrong with a member is told with its place; a group is no member of a group, nor of itself."""
    write("SMS.Other", e=GROUP, sms={"members": [{"element": "SMS.Spare"}]})
    write("SMS.All", e=GROUP, sms=given)
    [problem] = App(root).check()
    assert (problem.element, problem.key, problem.level) == ("SMS.All", key, "error")


@pytest.mark.parametrize(
    ("more", "key"), [({"failover": []}, "failover"), ({}, "members[0].wieght")], ids=["group", "member"]
)
def test_typo(root, write, members, more, key):
    """A key that is not known is a warning, and the group loads."""
    member = {"element": "SMS.Main"} | ({} if more else {"wieght": 9})
    write("SMS.All", e=GROUP, sms={"members": [member], **more})
    app = App(root)
    [problem] = app.check()
    assert (problem.key, problem.level) == (key, "warning")
    assert loaded(app.getElement("SMS.All")).members[0].weight == 1

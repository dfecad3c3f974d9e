"""The dry run."""

from dataclasses import replace

import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign import Order, check

PEOPLE = [
    {"phone": "13800138000", "name": "张三"},
    {"phone": "no number", "name": "李四"},
    {"phone": "13800138001", "name": "王" * 30},
    {"phone": "+86 138 0013 8000", "name": "again"},
    {"phone": "13800138002", "name": ""},
]


def test_counts():
    """A dry run counts what would be sent and names what would be left out."""
    found = check(Order.read(PEOPLE, "SMS_1", {"event": "维护"}))
    assert (found.recipients, found.invalid, found.duplicates) == (2, 2, 1)
    assert (found.chunks, found.send_sms, found.send_batch_sms) == (1, 0, 1)
    assert list(found.bad_rows) == [(2, "not_a_phone_number"), (5, "parameter_missing: name")]
    assert found.reasons == {"not_a_phone_number": 1, "parameter_missing: name": 1}
    assert (list(found.columns), list(found.shared)) == (["name"], ["event"])
    assert found.billed is None


def test_countries():
    """A dry run counts recipients by country, and the requests that keep them apart."""
    people = ["13800138000", "+852 6123 4567", "+852 6123 4568", "+44 7700 900123", "13800138001"]
    found = check(Order.read(people, "SMS_1"))
    assert found.countries == {"86": 2, "852": 2, "44": 1}
    assert (found.recipients, found.send_sms) == (5, 2)
    found = check(Order.read(people, "SMS_1", countries=["86"]))
    assert (found.countries, found.reasons) == ({"86": 2}, {"country_not_allowed": 3})


def test_billed():
    """Each recipient's message is counted with that recipient's parameters and the signature."""
    text = "${name}" + "您" * 60
    found = check(Order.read(PEOPLE, "SMS_1", template_text=text), template_text=text, sign="公司")
    assert (found.billed, found.too_long) == (1 + 2, 0)


def test_billed_of_shared():
    """Where all share the text, it is counted once for each of them, longer abroad than at home."""
    text = "a" * 100
    people = ["13800138000", "13800138001", "447700900123"]
    found = check(Order.read(people, "SMS_1"), template_text=text, sign="ab")
    assert (found.billed, found.send_sms) == (2 + 2 + 1, 2)


@pytest.mark.parametrize(
    ("number", "billed"),
    [
        ("13800138000", 2),
        ("+8613800138000", 2),
        ("+12125550123", 1),  # North America: 11 digits that begin with 1, and no mainland number
        ("+85251234567", 1),  # Hong Kong: 11 digits
        ("+6581234567", 1),  # Singapore
    ],
)
def test_billed_as_abroad(number, billed):
    """A foreign number is counted as one abroad, however many digits it has."""
    found = check(Order.read([number], "SMS_1"), template_text="a" * 100, sign="ab")
    assert found.billed == billed


def test_too_long():
    """Messages of more than 500 characters with their signature are counted."""
    text = "字" * 497
    assert check(Order.read(["13800138000"], "SMS_1"), template_text=text, sign="a").too_long == 0
    assert check(Order.read(["13800138000"], "SMS_1"), template_text=text, sign="ab").too_long == 1


def test_strict():
    """A strict dry run ends at the first row that cannot be used, and a duplicate is none."""
    good = [each for each in PEOPLE if each["name"] in ("张三", "again")]
    assert check(Order.read(good, "SMS_1", strict=True)).duplicates == 1
    with pytest.raises(InvalidArguments, match="line 2: not_a_phone_number"):
        check(Order.read(PEOPLE, "SMS_1", strict=True))


def test_few_bad_rows_are_named():
    """However many bad rows there are, only the first ones are named."""
    found = check(Order.read(["x"] * 1000, "SMS_1"))
    assert (found.invalid, len(found.bad_rows)) == (1000, 20)


def test_columns():
    """Each column is told with its use and in how many rows there is something in it, blanks being nothing."""
    people = [
        {"phone": "13800138000", "a": "x", "b": " ", "c": None},
        {"phone": "13800138001", "a": "y", "b": "z", "c": None},
        {"phone": "x", "a": "", "b": "", "c": "1"},
    ]
    found = check(Order.read(people, "SMS_1", {"n": "{a}", "m": "{a}", "o": "{b}"}))
    assert [(each.name, each.is_phone, list(each.parameters), each.filled) for each in found.table] == [
        ("phone", True, [], 3),
        ("a", False, ["n", "m"], 2),
        ("b", False, ["o"], 1),
        ("c", False, [], 1),
    ]
    assert [each.name for each in found.table if each.is_mostly_empty] == ["b"]


def test_the_first_three():
    """The messages of the first three recipients are given, in the order of the input, whatever chunk they are in."""
    people = [(str(13800138000 + n), {"name": "same" if n else "first"}) for n in range(150)]
    people.insert(1, ("+85261234567", {"name": "abroad"}))
    found = check(Order.read(people, "SMS_1", {"event": "e"}), template_text="${name}${event}", sign="s")
    assert [(each.line, each.text) for each in found.samples] == [
        (1, "【s】firste"),
        (2, "[s]abroade"),
        (3, "【s】samee"),
    ]
    assert dict(found.samples[1].params) == {"name": "abroad", "event": "e"}
    assert "first" not in repr(found.samples[0])


def test_surplus():
    """Parameters that the template has no variable for are named, be they columns or the same for all; without its text nobody knows."""
    people = [{"phone": "13800138000", "name": "a", "note": "b"}]
    order = Order.read(people, "SMS_1", {"event": "e", "more": "m"})
    assert check(order).surplus == ()
    order = replace(Order.read(people, "SMS_1", {"event": "e", "more": "m"}), template_text="${name}${event}")
    found = check(order)
    assert (found.surplus, found.columns) == (("note", "more"), ("name", "note"))
    assert found.samples[0].text == "ae"


def test_parts():
    """Parts are counted at home and abroad, and how many messages have how many."""
    people = [
        ("13800138000", {"name": "a"}),
        ("13800138001", {"name": "字" * 30}),
        ("+85261234567", {"name": "b"}),
    ]
    text = "${name}" + "字" * 60
    found = check(Order.read(people, "SMS_1"), template_text=text, sign="公司")
    assert (found.mainland_parts, found.foreign_parts, found.billed) == (3, 1, 4)
    assert found.messages_by_parts == {1: 2, 2: 1}


@pytest.mark.parametrize(("bad", "many"), [(0, False), (1, False), (2, True)])
@pytest.mark.parametrize("cell", ["x", "13800138000"])
def test_many_left_out(bad, many, cell):
    """More than 5 % of the rows are many, be they invalid or duplicates; 5 % are not."""
    found = check(Order.read([*(str(13800138000 + n) for n in range(19)), *[cell] * bad], "SMS_1"))
    assert (found.left_out, found.leaves_many_out) == (bad, many)

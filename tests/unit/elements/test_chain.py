"""Chains, names and files."""

import pytest

from smsjobs.contract import InvalidArguments
from smsjobs_worker.elements import App

LOADER = """
class Loader:
    def load(self):
        return self

    def chain(self):
        return [node.fullName for node in self.nodes]
"""


def test_chain(root, write):
    """A Loader gets the chain, the element itself first, and the nearest ancestor that has one loads."""
    write("SMS.Kind", e={"type": "SMS.Meta"}, files={"__init__.py": LOADER})
    write("SMS.Middle", e={"type": "SMS.Kind", "other": ["keys", "are", "allowed"]})
    write("SMS.A", e={"type": "SMS.Middle"})
    assert App(root).getElement("SMS.A").chain() == ["SMS.A", "SMS.Middle", "SMS.Kind", "SMS.Meta"]
    assert [each.fullName for each in App(root).elements()] == ["SMS.A"]


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [
        ({"SMS.A": "SMS.B", "SMS.B": "SMS.A"}, "SMS.A → SMS.B → SMS.A"),
        ({"SMS.A": "SMS.A"}, "SMS.A → SMS.A"),
        ({"SMS.A": "SMS.B", "SMS.B": "SMS.Gone"}, "SMS.A → SMS.B → SMS.Gone"),
        ({"SMS.A": "SMS.Meta"}, "SMS.A → SMS.Meta"),
        ({"SMS.A": "../SMS"}, "not an element's full name: SMS.A → ../SMS"),
        ({"SMS.A": "SMS.B", "SMS.B": None}, "SMS.A → SMS.B"),
        ({"SMS.A": None}, "key type: not text"),
    ],
)
def test_broken_chain(root, write, kinds, shown):
    """A circle, a missing type, and a chain without a Loader are errors that show the chain."""
    for name, kind in kinds.items():
        write(name, e={"type": kind})
    with pytest.raises(InvalidArguments) as caught:
        App(root).getElement("SMS.A").anything  # noqa: B018  the look itself loads
    assert caught.value.reason == "element_invalid"
    assert shown in caught.value.message


def test_no_type(root, write):
    """An e.json without a type is no Meta by oversight."""
    write("SMS.A", e={"title": "A"})
    with pytest.raises(InvalidArguments, match=r"SMS/A/e.json, key type: missing"):
        App(root).getElement("SMS.A")


@pytest.mark.parametrize(
    "name", ["SMS.Nowhere", "SMS/A", "../A", "SMS..A", "", "SMS.A.", "SMS.\u00c4", None, 7]
)
def test_not_found(root, write, name):
    """A name that is none, or that no layer has, is not found, and no path escapes."""
    write("SMS.A", e={"type": ""})
    with pytest.raises(InvalidArguments) as caught:
        App(root).getElement(name)
    assert caught.value.reason == "element_not_found"


def test_deep_names_and_same_element(root, write):
    """An element may lie deeper, and its name gives the same object each time."""
    write("SMS.Team.Shop", e={"type": "SMS.Aliyun"})
    app = App(root)
    assert app.getElement("SMS.Team.Shop") is app.getElement("SMS.Team.Shop")
    assert [each.fullName for each in app.elements()] == ["SMS.Team.Shop"]


def test_get_file(root, write):
    """GetFile gives the text of a file of the element, also from a directory inside."""
    write("SMS.A", e={"type": ""}, files={"notes.txt": "注意", "inner/more.txt": "more"})
    element = App(root).getElement("SMS.A")
    assert element.getFile("notes.txt") == "注意"
    assert element.getFile("inner/more.txt") == "more"


@pytest.mark.parametrize(
    "name",
    [
        "../B/sms.json",
        "/etc/hostname",
        "inner/../../B/sms.json",
        "link.txt",
        "absent.txt",
        "",
        "a\\b",
        "a\0b",
    ],
)
def test_get_file_stays_inside(root, write, name):
    """GetFile gives nothing outside of the element's directory, by no path and by no symbolic link."""
    other = write("SMS.B", e={"type": ""}, sms={"accessSecret": "example-secret"})
    directory = write("SMS.A", e={"type": ""})
    (directory / "link.txt").symlink_to(other / "sms.json")
    with pytest.raises(InvalidArguments) as caught:
        App(root).getElement("SMS.A").getFile(name)
    assert caught.value.reason == "element_invalid"


@pytest.mark.parametrize("content", ["{", "[]", '"text"', "", "\udcff", '{"type": "example-secret",}'])
def test_unreadable_json(root, content):
    """An e.json that is no JSON object names the file, and not what it holds."""
    directory = root / "SMS" / "A"
    directory.mkdir(parents=True)
    (directory / "e.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidArguments, match=r"SMS/A/e.json: ") as caught:
        App(root).getElement("SMS.A")
    assert "example-secret" not in str(caught.value)

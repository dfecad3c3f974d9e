"""Layers and who wins."""

import json
import sys

import pytest

from smsjobs.contract import InvalidArguments
from smsjobs_worker.elements import App


def says(word):
    return (
        """
from smsjobs_worker.elements import Loader as Base
from .inner import WORD

class Loader(Base):
    def load(self):
        return self

    def say(self):
        return WORD + ":" + self.nodes[0].getFile("word.txt")
""",
        f"WORD = {word!r}\n",
    )


def write_type(write, name, word, at=None):
    loader, inner = says(word)
    files = {"backend/__init__.py": loader, "backend/inner.py": inner}
    write(name, e={"type": "SMS.Meta", "backendBundleEntry": "backend"}, files=files, at=at)


def test_override_official(root, write):
    """A directory SMS/Aliyun in the app replaces the official Type, and its instances do not change."""
    write("SMS.A", e={"type": "SMS.Aliyun"}, files={"word.txt": "a"})
    write_type(write, "SMS.Aliyun", "ours")
    app = App(root)
    assert app.getElement("SMS.A").say() == "ours:a"
    assert [each.fullName for each in app.elements()] == ["SMS.A"]
    assert app.check() == []


def test_extends(root, write, tmp_path):
    """An app extends other directories, these others again, and the nearer one wins as a whole directory."""
    for name in ("near", "far"):
        (tmp_path / name).mkdir()
    (root / "app.json").write_text(json.dumps({"extends": ["../near"]}))
    (tmp_path / "near" / "app.json").write_text(json.dumps({"extends": ["../far"]}))
    write_type(write, "SMS.Kind", "near", at=tmp_path / "near")
    write_type(write, "SMS.Kind", "far", at=tmp_path / "far")
    write_type(write, "SMS.Only", "far", at=tmp_path / "far")
    write("SMS.A", e={"type": "SMS.Kind"}, files={"word.txt": "a"})
    write("SMS.B", e={"type": "SMS.Only"}, files={"word.txt": "b"})
    app = App(root)
    assert [app.getElement(name).say() for name in ("SMS.A", "SMS.B")] == ["near:a", "far:b"]


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ('{"extends": ["../app"]}', "app → app"),
        ('{"extends": ["../nowhere"]}', "no directory ../nowhere"),
        ('{"extends": "../base"}', "not a list"),
        ("[]", "not a list"),
        ("{", "JSON"),
    ],
)
def test_broken_extends(root, content, shown):
    """A wrong app.json is an error that says how to write it."""
    (root / "app.json").write_text(content)
    with pytest.raises(InvalidArguments, match=r"app\.json") as caught:
        App(root)
    assert shown in caught.value.message


def test_no_directory(tmp_path):
    """An app directory that does not exist is an error at once."""
    with pytest.raises(InvalidArguments) as caught:
        App(tmp_path / "nowhere")
    assert caught.value.reason == "element_invalid"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installed package with elements, offered by an entry point."""
    site = tmp_path / "site"
    package = site / "example_sms_kinds"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('looking for elements imports nothing')\n")
    info = site / "example_sms_kinds-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example-sms-kinds\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[smsjobs.elements]\nkinds = example_sms_kinds\n")
    monkeypatch.syspath_prepend(str(site))
    return package


def test_entry_point(root, write, installed):
    """An installed package offers Types by an entry point, after the app's own and before the built-in ones."""
    write_type(write, "SMS.Kind", "installed", at=installed)
    write_type(write, "SMS.Aliyun", "installed", at=installed)
    write_type(write, "SMS.Own", "installed", at=installed)
    write_type(write, "SMS.Own", "own")
    for name, kind in {"SMS.A": "SMS.Kind", "SMS.B": "SMS.Aliyun", "SMS.C": "SMS.Own"}.items():
        write(name, e={"type": kind}, files={"word.txt": name})
    app = App(root)
    said = [app.getElement(name).say() for name in ("SMS.A", "SMS.B", "SMS.C")]
    assert said == ["installed:SMS.A", "installed:SMS.B", "own:SMS.C"]


def test_broken_entry_point(root, installed):
    """An entry point that names no package is an error that names it."""
    info = installed.parent / "example_sms_kinds-1.0.dist-info"
    (info / "entry_points.txt").write_text("[smsjobs.elements]\nbroken = example_sms_absent.inner\n")
    with pytest.raises(InvalidArguments, match="entry point broken"):
        App(root)


def test_import_leaves_the_path_alone(root, write, tmp_path):
    """Types import each under a name of its own, and sys.path stays as it was."""
    write_type(write, "SMS.Kind", "one")
    write("SMS.A", e={"type": "SMS.Kind"}, files={"word.txt": "a"})
    other = tmp_path / "other"
    write_type(write, "SMS.Kind", "two", at=other)
    write("SMS.A", e={"type": "SMS.Kind"}, files={"word.txt": "a"}, at=other)
    before = list(sys.path)
    assert [App(path).getElement("SMS.A").say() for path in (root, other)] == ["one:a", "two:a"]
    assert sys.path == before


def test_single_module(root, write):
    """The key backendBundleEntry may name a single module, and a Loader may take its nodes or have them set."""
    module = """
class Loader:
    def __init__(self, nodes):
        self.first = nodes[0].fullName

    def load(self):
        return {"first": self.first}
"""
    write("SMS.Kind", e={"type": "SMS.Meta", "backendBundleEntry": "kind.py"}, files={"kind.py": module})
    write("SMS.A", e={"type": "SMS.Kind"})
    assert dict(App(root).getElement("SMS.A").items()) == {"first": "SMS.A"}


@pytest.mark.parametrize(
    ("python", "shown"),
    [
        ("import example_absent_module\n", "does not import: ModuleNotFoundError"),
        ("def broken(:\n", "does not import: SyntaxError"),
        (
            "class Loader:\n    def load(self):\n        raise KeyError('example-secret')\n",
            "KeyError at __init__.py:3",
        ),
        ("class Other: pass\n", "no Loader"),
    ],
)
def test_broken_type(root, write, python, shown):
    """A Type that does not import or load says where, and keeps the error's text, which may hold a secret."""
    write("SMS.Kind", e={"type": "SMS.Meta"}, files={"__init__.py": python})
    write("SMS.A", e={"type": "SMS.Kind"})
    app = App(root)
    with pytest.raises(InvalidArguments) as caught:
        app.getElement("SMS.A").sendMessage()
    assert shown in caught.value.message
    assert "example-secret" not in str(caught.value)
    assert caught.value.__context__ is None
    assert any(shown in str(each) for each in app.check())


@pytest.mark.parametrize("entry", ["../Other", "/tmp"])
def test_entry_stays_inside(root, write, entry):
    """The key backendBundleEntry names nothing outside of the element."""
    write("SMS.Kind", e={"type": "SMS.Meta", "backendBundleEntry": entry})
    write("SMS.A", e={"type": "SMS.Kind"})
    with pytest.raises(InvalidArguments, match="key backendBundleEntry"):
        App(root).getElement("SMS.A").sendMessage()

"""Loading once, and again on change."""

import copy
import json
import logging
import os
import threading

import pytest

from smsjobs.contract import InvalidArguments
from smsjobs_worker.elements import App, loaded
from support.own_records import own_records

COUNTING = """
import threading
import time

LOADS = []

class Loader:
    def load(self):
        time.sleep(0.02)
        LOADS.append(threading.get_ident())
        return LOADS
"""


class _Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return _Clock()


def put(directory, data):
    """Replace sms.json as editors do, so that its signature differs even within one tick of the file's clock."""
    fresh = directory / "fresh"
    fresh.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    fresh.replace(directory / "sms.json")


def test_once_under_a_lock(root, write):
    """Threads that use an element at the same moment load it once, and nobody loads it before it is used."""
    write("SMS.Kind", e={"type": "SMS.Meta"}, files={"__init__.py": COUNTING})
    write("SMS.A", e={"type": "SMS.Kind"})
    element = App(root).getElement("SMS.A")
    together = threading.Barrier(8)
    seen = []

    def use():
        together.wait()
        seen.append(element.copy())

    threads = [threading.Thread(target=use) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(seen) == 8
    assert [len(each) for each in seen] == [1] * 8


def test_changed_account(root, write, account, clock):
    """A changed sms.json is picked up within half a second, without a restart, and looked at no more often."""
    directory = write("SMS.A", e={"type": "SMS.Aliyun"}, sms=account)
    element = App(root, clock=clock).getElement("SMS.A")
    first = loaded(element)
    put(directory, account | {"accessSecret": "example-secret-2", "maxQps": 3})
    clock.now += 0.4
    assert loaded(element) is first
    clock.now += 0.2
    assert loaded(element).account.access_secret == "example-secret-2"
    assert element.max_qps == 3
    again = loaded(element)
    clock.now += 60
    assert loaded(element) is again


def test_change_in_place(root, write, account, clock):
    """A file that is rewritten in place counts as changed by its time stamp alone."""
    directory = write("SMS.A", e={"type": "SMS.Aliyun"}, sms=account)
    element = App(root, clock=clock).getElement("SMS.A")
    first = loaded(element)
    stat = (directory / "sms.json").stat()
    os.utime(directory / "sms.json", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))
    clock.now += 1
    assert loaded(element) is not first


@pytest.mark.parametrize(
    "broken",
    ['{"accessKey": "exam', {}, None, {"accessKey": "k", "accessSecret": 5, "verifySign": "example-sign"}],
)
def test_broken_change(root, write, account, clock, caplog, broken):
    """A change that is broken, half-written or a deletion keeps the last good state, and is logged once without a value."""
    caplog.set_level(logging.INFO, "smsjobs")
    directory = write("SMS.A", e={"type": "SMS.Aliyun"}, sms=account)
    element = App(root, clock=clock).getElement("SMS.A")
    first = loaded(element)
    if broken is None:
        (directory / "sms.json").unlink()
    else:
        put(directory, broken)
    for _ in range(30):
        clock.now += 1
        assert loaded(element) is first
    [record] = own_records(caplog)
    assert (record.levelname, record.action, record.element) == ("ERROR", "element_kept", "SMS.A")
    assert record.args in ((), None)
    assert "sms.json" in record.problems[0]
    assert "exam" not in f"{record.getMessage()} {record.problems}"
    put(directory, account | {"verifySign": "新签名"})
    clock.now += 1
    assert loaded(element).account.sign == "新签名"
    assert [each.action for each in own_records(caplog)] == ["element_kept", "element_reloaded"]


def test_change_that_waits_for_another_file(root, write, account, clock):
    """A new type that is created only after it was named is found all the same."""
    directory = write("SMS.A", e={"type": "SMS.Aliyun"}, sms=account)
    element = App(root, clock=clock).getElement("SMS.A")
    first = loaded(element)
    write("SMS.A", e={"type": "SMS.Later"})
    clock.now += 1
    assert loaded(element) is first
    write("SMS.Later", e={"type": "SMS.Aliyun"})
    clock.now += 10
    assert loaded(element) is not first
    assert element.define == {"type": "SMS.Later"}
    assert directory.is_dir()


def test_first_load_that_fails_is_tried_again(root, write, account):
    """An element whose first use failed loads as soon as it is fixed."""
    directory = write("SMS.A", e={"type": "SMS.Aliyun"}, sms="{")
    element = App(root).getElement("SMS.A")
    with pytest.raises(InvalidArguments, match="not JSON"):
        element.sendMessage()
    put(directory, account)
    assert loaded(element).account.sign == account["verifySign"]


def test_loader_that_uses_its_own_element(root, write):
    """A Loader that uses the element it is about to make gets an error, not an endless loop."""
    python = """
class Loader:
    def load(self):
        return self.nodes[0].app.getElement(self.nodes[0].fullName).anything
"""
    write("SMS.Kind", e={"type": "SMS.Meta"}, files={"__init__.py": python})
    write("SMS.A", e={"type": "SMS.Kind"})
    with pytest.raises(InvalidArguments, match="uses the element itself"):
        App(root).getElement("SMS.A").sendMessage()


def test_protocols_load_nothing(root, write):
    """Copying an element or asking for Python's own protocols loads nothing and does not recurse."""
    write("SMS.A", e={"type": "SMS.Aliyun"})
    element = App(root).getElement("SMS.A")
    assert not hasattr(element, "__fspath__")
    with pytest.raises(TypeError):
        copy.deepcopy(element)

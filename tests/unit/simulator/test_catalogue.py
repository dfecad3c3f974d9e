"""Catalogue files and settings that are wrong say what and where."""

import json

import pytest

from aliyun_sms_simulator import Catalogue, CatalogueError, Settings
from aliyun_sms_simulator.clock import Clock, parse_instant


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ([], "object"),
        ({"signature": []}, "signatures"),
        ({"templates": {}}, "templates must be a list"),
        ({"accounts": [{"access_key": "ak", "access_secret": "s3cr3t", "x": 1}]}, r"accounts\[0\].*'x'"),
        ({"accounts": [{"access_key": "ak"}]}, r"accounts\[0\]: access_secret"),
        ({"signatures": [{"name": "a"}, {"name": ""}]}, r"signatures\[1\]: name"),
        ({"templates": [{"code": "x123", "content": "x"}]}, r"templates\[0\]: code must be SMS_"),
        (
            {"templates": [{"code": "SMS_1", "content": "x", "kind": "otp"}]},
            "kind must be one of verification",
        ),
        (
            {"templates": [{"code": "SMS_1", "content": "${a}", "variables": {"a": "b"}}]},
            "variables must map",
        ),
        (
            {"templates": [{"code": "SMS_1", "content": "x", "approved": "no"}]},
            "approved must be true or false",
        ),
    ],
)
def test_wrong_catalogue_is_named(tmp_path, data, named):
    """A wrong entry is named with its place in the file, and no secret is shown."""
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(CatalogueError, match=named) as caught:
        Catalogue.read(path)
    assert str(path) in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_file_that_is_no_json(tmp_path):
    """A file that is no JSON is refused without quoting it."""
    path = tmp_path / "catalogue.json"
    path.write_text('{"accounts": [{"access_secret": "s3cr3t"', encoding="utf-8")
    with pytest.raises(CatalogueError, match="not valid JSON") as caught:
        Catalogue.read(path)
    assert "s3cr3t" not in str(caught.value)


def test_repr_hides_secrets():
    """Neither a catalogue's repr nor an account's shows a secret."""
    assert "s3cr3t" not in repr(Catalogue().with_accounts({"ak": "s3cr3t"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"flow_kontrol": True},
        {"flow_control": 1},
        {"latency_ms": "5"},
        {"latency_ms": True},
        {"per_minute": -1},
        {"record_limit": 1.5},
    ],
)
def test_wrong_setting_is_named(changes):
    """An unknown setting and a value of the wrong type are refused by name."""
    with pytest.raises(ValueError, match=next(iter(changes))):
        Settings().changed(changes)


def test_settings_change_together():
    """Several settings change at once, None included where it is allowed."""
    changed = Settings().changed(
        {"flow_control": True, "record_limit": None, "latency_ms": 2, "gateway_skew_s": -5}
    )
    assert (changed.flow_control, changed.latency_ms, changed.gateway_skew_s) == (True, 2, -5)


def test_clock_freezes_moves_and_runs_on():
    """A frozen clock stands still until moved, and one let go runs on from there."""
    clock = Clock()
    clock.freeze(frozen=True)
    clock.set(1_000.0)
    assert clock.now() == clock.now() == 1_000.0
    clock.advance(60)
    assert clock.now() == 1_060.0
    clock.freeze(frozen=False)
    first = clock.now()
    assert 1_060.0 <= first < 1_061.0
    assert clock.now() > first


def test_instants():
    """Text without a zone is Beijing time; a number is seconds since the epoch."""
    assert parse_instant("2026-06-01T08:00:00") == parse_instant("2026-06-01T00:00:00+00:00")
    assert parse_instant(5) == 5.0
    for wrong in ("soon", None, True):
        with pytest.raises(ValueError):
            parse_instant(wrong)

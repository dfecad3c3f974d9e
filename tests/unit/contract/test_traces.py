"""Which traceparents are taken along."""

from typing import Any

import pytest

from smsjobs.contract import decode_job, encode_job, read_traceparent
from support.ledgers import PHONE, a_job

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param(GOOD, GOOD, id="as W3C shows it"),
        pytest.param(f"00-{TRACE}-{SPAN}-03", GOOD, id="another flag beside"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-what-may-come", GOOD, id="of a later version"),
        pytest.param(f"00-{TRACE}-{SPAN}-00", None, id="nobody records it"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", None, id="a version that there is not"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", None, id="no trace"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", None, id="no span"),
        pytest.param(GOOD.upper(), None, id="capitals"),
        pytest.param(f"{GOOD}\n", None, id="a line's end"),
        pytest.param(f"00-{TRACE}-{SPAN}-01{'-x' * 200}", None, id="too long"),
        pytest.param(PHONE, None, id="a number"),
        pytest.param([GOOD], None, id="a list"),
        pytest.param(None, None, id="none"),
    ],
)
def test_traceparents(given: Any, kept: str | None) -> None:
    """A traceparent whose trace is recorded is kept in one form; whatever else stands there is none, and refuses no job."""
    assert read_traceparent(given) == kept
    assert decode_job({**encode_job(a_job()), "traceparent": given}).traceparent == kept


def test_the_json_of_a_job() -> None:
    """A traced job's JSON has its traceparent; any other job's does not have the field."""
    assert encode_job(a_job(traceparent=GOOD))["traceparent"] == GOOD
    assert "traceparent" not in encode_job(a_job())

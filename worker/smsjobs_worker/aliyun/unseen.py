"""Keeps requests to Aliyun out of other people's traces: their URLs have numbers, parameters and a signature in them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["unseen"]

#: What instrumentations of OpenTelemetry look for.
_SUPPRESS: Final = ("suppress_instrumentation", "suppress_http_instrumentation")


@contextmanager
def unseen() -> Iterator[None]:
    """Have OpenTelemetry's instrumentation of `requests` and its like see nothing of the block, where it is loaded."""
    context = sys.modules.get("opentelemetry.context")
    if context is None:
        yield
        return
    hidden = context.get_current()
    for each in _SUPPRESS:
        hidden = context.set_value(each, value=True, context=hidden)
    token = context.attach(hidden)
    try:
        yield
    finally:
        context.detach(token)

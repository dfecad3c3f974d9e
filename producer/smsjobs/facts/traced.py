"""Whether anybody records traces."""

from __future__ import annotations

import sys

__all__ = ["is_traced"]


def is_traced() -> bool:
    """Whether somebody in this process has told OpenTelemetry where traces go. It is not loaded for the question."""
    api = sys.modules.get("opentelemetry.trace")
    try:
        return api is not None and not isinstance(api.get_tracer_provider(), api.ProxyTracerProvider)
    except AttributeError:  # another thread is loading it
        return False

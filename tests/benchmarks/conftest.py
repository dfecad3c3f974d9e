"""Benchmarks are off unless they are asked for by name."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Each benchmark by its load."""
    parser.addoption("--sweep-million", action="store_true", help="the sweep with a million waiting jobs")

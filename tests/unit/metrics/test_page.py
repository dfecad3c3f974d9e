"""The page of figures."""

from pathlib import Path

from smsjobs.metrics.page import page

ROOT = Path(__file__).parents[3]


def test_page_is_true() -> None:
    """The documented figures are those of the code; `python -m smsjobs.metrics.page` writes the page anew."""
    assert (ROOT / "docs/metrics.md").read_text("utf-8") == page()

"""The examples in docs/elements.md, run as they stand there."""

import re
from pathlib import Path

from smsjobs_worker.elements import App

DOCS = Path(__file__).parents[3] / "docs" / "elements.md"

#: A file with its path above it, or an example to run.
BLOCK = re.compile(
    r"(?:^`(?P<path>[^`]+)`:\n\n)?^```(?P<kind>json|python)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def test_examples(root):
    """Every file of the page loads as it stands there, and every example runs."""
    written = ran = 0
    for block in BLOCK.finditer(DOCS.read_text(encoding="utf-8")):
        text = block["text"]
        if block["path"]:
            path = root / block["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written += 1
        else:
            exec(text.replace("path/to/app", str(root)), {})
            ran += 1
    assert (written, ran) == (11, 3)
    assert App(root).check() == []
    (root / "SMS/Desk/echo.json").write_text("{}")
    assert [(each.file, each.key) for each in App(root).check()] == [("SMS/Desk/echo.json", "prefix")]

"""The pages of the documentation: which there are, in which language, and their blocks of code."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]

#: In English: the README, and everything under docs/.
ENGLISH = [ROOT / "README.md", *sorted(each for each in ROOT.glob("docs/**/*.md") if ".zh." not in each.name)]

#: In Chinese, by the English page.
CHINESE = {
    page: translation
    for page in ENGLISH
    if (
        translation := page.with_name(
            page.name.replace(".md", ".zh-CN.md" if page.parent == ROOT else ".zh.md")
        )
    ).exists()
}

_FENCE = re.compile(r'^( *)(`{3,})(\w*)(?: title="([^"]+)")?\n(.*?)^\1\2$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    #: The word behind its fence, such as ``python``; empty where there is none.
    language: str
    #: What the page calls it, such as ``shop.py``; None where it does not.
    title: str | None
    text: str


def name(page: Path) -> str:
    """Its path from the top of the repository."""
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[Block]:
    """Its blocks in these languages, or all of them."""
    found = _FENCE.findall(page.read_text("utf-8"))
    return [
        Block(language=language, title=title or None, text=dedent(text))
        for _, _, language, title, text in found
        if not languages or language in languages
    ]


def commands(page: Path) -> list[str]:
    """What its console blocks type, each command in one line, without comments; and what is to be copied as a whole."""
    typed = [line for block in blocks(page, "sh") for line in block.text.splitlines()]
    for block in blocks(page, "console"):
        text = block.text.replace("\\\n", " ")
        typed += re.findall(r"^\$ (.*?)(?:\s+#.*)?$", text, re.MULTILINE)
    return typed

"""A page in Chinese says what the English one says: the same headings, tables, code, figures and links."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from support.pages import CHINESE, ENGLISH, ROOT, Block, blocks, name

#: Pages of their own, which no English page has.
ONLY_CHINESE = {"docs/glossary.zh.md"}

PAIRS = [
    (page, translation) for page, translation in CHINESE.items() if name(translation) not in ONLY_CHINESE
]

each_pair = pytest.mark.parametrize(("page", "translation"), PAIRS, ids=[name(each) for _, each in PAIRS])


class _Quiet(ast.NodeTransformer):
    """Forgets what is written in texts: they may be translated."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("") if isinstance(node.value, str) else node


def code(block: Block) -> str:
    """What a block does: without comments, and Python's texts. Of a drawing, how each line begins: places are named there."""
    if block.language == "python":
        flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        return ast.dump(_Quiet().visit(compile(block.text, "page", "exec", flags=flags)))
    if block.language == "console":
        return re.sub(r"[ \t]+# .*$", "", block.text, flags=re.MULTILINE)
    if not block.language:
        return re.sub(r"(?<=\S) {2,}.*$", "", block.text, flags=re.MULTILINE)
    return block.text


def prose(page: Path) -> str:
    """A page without its blocks of code and without the targets of its links."""
    text = re.sub(r"^( *)(`{3,}).*?^\1\2$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\]\([^)]*\)", "]", text)


def figures(page: Path) -> Counter[str]:
    """Its figures, and how often each stands there."""
    return Counter(re.findall(r"\d+(?:[.,:]\d+)*", prose(page)))


def levels(page: Path) -> list[int]:
    """The levels of its headings."""
    return [len(each) for each in re.findall(r"^(#+) ", prose(page), re.MULTILINE)]


def links(page: Path) -> list[str]:
    """Where it leads to, in one order, as if everything were in English, and without places in a page."""
    found = re.findall(r"\]\(([^)\s#]+)", page.read_text("utf-8"))
    return sorted({each.replace(".zh-CN.md", ".md").replace(".zh.md", ".md") for each in found})


def test_every_page_is_there_in_chinese() -> None:
    """No page is in English only."""
    assert [name(page) for page in ENGLISH if page not in CHINESE] == []


@each_pair
def test_same_headings(page: Path, translation: Path) -> None:
    """It has the same headings, level by level."""
    assert levels(translation) == levels(page)


@each_pair
def test_same_rows(page: Path, translation: Path) -> None:
    """It has as many rows in tables, and as many points in lists."""
    for mark in (r"^\|", r"^(?:[-*]|\d+\.) "):
        rows = [len(re.findall(mark, prose(each), re.MULTILINE)) for each in (translation, page)]
        assert rows[0] == rows[1], mark


@each_pair
def test_same_code(page: Path, translation: Path) -> None:
    """Its blocks are the same, apart from comments and texts."""
    theirs, ours = blocks(translation), blocks(page)
    assert [(each.language, each.title) for each in theirs] == [(each.language, each.title) for each in ours]
    for one, other in zip(theirs, ours, strict=True):
        assert code(one) == code(other)


@each_pair
def test_same_figures(page: Path, translation: Path) -> None:
    """It has the same figures, as often."""
    theirs, ours = figures(translation), figures(page)
    assert theirs - ours == Counter()
    assert ours - theirs == Counter()


@each_pair
def test_same_links(page: Path, translation: Path) -> None:
    """It leads to the same places, and to the Chinese of a page where there is one."""
    own = {page.name, translation.name}
    assert [each for each in links(translation) if each not in own] == [
        each for each in links(page) if each not in own
    ]
    for target in re.findall(r"\]\(([^)\s#]+\.md)", translation.read_text("utf-8")):
        file = (translation.parent / target).resolve()
        assert file not in CHINESE or file == page, f"{target} is there in Chinese"


def test_readmes_lead_to_each_other() -> None:
    """Whoever reads the other language finds its page at the top."""
    assert "](README.zh-CN.md)" in (ROOT / "README.md").read_text("utf-8").partition("\n## ")[0]
    assert "](README.md)" in (ROOT / "README.zh-CN.md").read_text("utf-8").partition("\n## ")[0]

"""What the site does to a page: links out of docs/ lead to the repository, and nothing is loaded from elsewhere."""

import logging
import re
from pathlib import Path
from typing import Any

from pymdownx.slugs import slugify

#: A relative link that leaves a page's folder: to README.md, an example, a configuration.
_OUTWARD = re.compile(r"\]\(((?:\.\./)+)([^)#]+)(#[^)]*)?\)")

#: What a browser would fetch by itself from another host.
_FOREIGN = re.compile(
    r"<(?:script|img|iframe)[^>]+src=.?https?:|<link[^>]+rel=.?stylesheet[^>]+href=.?https?:"
)

#: A heading below the page's; or a block of code, in which none is meant.
_HEADING = re.compile(r"^( *)(`{3,}).*?^\1\2$|^##+ (?P<text>[^\n]+)$", re.MULTILINE | re.DOTALL)

# A warning ends a strict build.
_log = logging.getLogger("mkdocs.hooks.site")


def on_config(config: Any) -> Any:
    """Let jieba tell nothing but warnings."""
    logging.getLogger("jieba").setLevel(logging.WARNING)
    return config


def _with_english_places(markdown: str, file: Path) -> str:
    """Let each heading of a translation be found by the English heading's name too: pages that are not translated lead there."""
    english = file.with_name(file.name.replace(".zh.md", ".md"))
    headings = [each["text"] for each in _HEADING.finditer(english.read_text("utf-8")) if each["text"]]
    if len(headings) != sum(bool(each["text"]) for each in _HEADING.finditer(markdown)):
        return markdown
    places = iter(slugify(case="lower")(each, "-") for each in headings)

    def placed(found: re.Match[str]) -> str:
        if not found["text"]:
            return found[0]
        anchor = f'<a id="{next(places)}"></a>'
        return found[0] if anchor in markdown else f"{anchor}\n\n{found[0]}"

    return _HEADING.sub(placed, markdown)


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn each relative link that leaves docs/ into one to the file in the repository, and keep English places."""
    del files
    if page.file.src_uri.endswith(".zh.md"):
        markdown = _with_english_places(markdown, Path(page.file.abs_src_path))
    depth = page.file.src_uri.count("/") + 1

    def absolute(found: re.Match[str]) -> str:
        if found[1].count("../") < depth:
            return found[0]
        return f"]({config.repo_url}/blob/main/{found[2]}{found[3] or ''})"

    return _OUTWARD.sub(absolute, markdown)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Refuse a page that loads something from another host."""
    del config
    for found in _FOREIGN.findall(output):
        _log.warning("%s loads something from elsewhere: %s", page.file.src_uri, found)
    return output

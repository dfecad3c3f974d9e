"""What the site does to a page: links out of docs/ lead to the repository, and nothing is loaded from elsewhere."""

import logging
import re
from typing import Any

#: A relative link that leaves a page's folder: to README.md, an example, a configuration.
_OUTWARD = re.compile(r"\]\(((?:\.\./)+)([^)#]+)(#[^)]*)?\)")

#: What a browser would fetch by itself from another host.
_FOREIGN = re.compile(
    r"<(?:script|img|iframe)[^>]+src=.?https?:|<link[^>]+rel=.?stylesheet[^>]+href=.?https?:"
)

# A warning ends a strict build.
_log = logging.getLogger("mkdocs.hooks.site")


def on_config(config: Any) -> Any:
    """Let jieba tell nothing but warnings."""
    logging.getLogger("jieba").setLevel(logging.WARNING)
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn each relative link that leaves docs/ into one to the file in the repository."""
    del files
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

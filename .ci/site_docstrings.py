"""Reads the comments that begin with `#:` above a field as its documentation, which the site's reader of code does not."""

import re
from typing import Any

import griffe

_COMMENT = re.compile(r"\s*#: ?(.*)")


class Comments(griffe.Extension):
    """Gives each attribute that has such comments above it a docstring."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_more: Any) -> None:
        """Look above the attribute."""
        if attr.docstring is not None or attr.lineno is None:
            return
        above: list[str] = []
        for number in range(attr.lineno - 1, 0, -1):
            found = _COMMENT.fullmatch(attr.lines_collection[attr.filepath][number - 1])
            if found is None:
                break
            above.insert(0, found[1])
        if above:
            attr.docstring = griffe.Docstring("\n".join(above), parent=attr)

"""What a template permits: a pure function of the template and the parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from smsjobs.templates.template import Template
from smsjobs.templates.variables import TYPES

__all__ = ["checked_types", "find_faults"]

#: What is surely a name.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,31}", re.ASCII)


def find_faults(template: Template, params: Mapping[str, str]) -> list[str]:
    """Why Aliyun would refuse these parameters with that template; nothing where it would not, or nobody knows.

    The texts name parameters, and never show a value.
    """
    return [] if not template.text else list(_faults(template, params))


def checked_types(template: Template) -> dict[str, str]:
    """The variables whose values are checked, and the type of each as Aliyun calls it. A foreign message has other bounds."""
    if template.kind == "international":
        return {}
    return {name: kind for name in template.variables if (kind := template.types.get(name, "")) in TYPES}


def _faults(template: Template, params: Mapping[str, str]) -> Iterator[str]:
    names = template.variables
    for name in names:
        if name not in params:
            yield f"the template's variable {name} is missing"
    for name in params:
        if name not in names:
            # What a caller has put there by mistake may be private.
            yield f"the template has no variable {name if _NAME.fullmatch(name) else 'of one of the names'}"
    for name, kind in checked_types(template).items():
        if name in params and not TYPES[kind].fits(params[name]):
            yield f"{name} has to be {TYPES[kind].words}"

"""What Aliyun knows of a template and of the signature that goes with it, what it permits, and what workers have learned of it.

What is not known stays unknown: no word of Aliyun's that is new here makes a template bad, and no value is refused by a
type that is not in the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsjobs.on_demand import on_demand
from smsjobs.templates.preflight import MODES, Mode, Preflight
from smsjobs.templates.store import FRESH_S, TemplateStore, fresh_for_s, is_fresh

if TYPE_CHECKING:
    from smsjobs.templates.merging import merged
    from smsjobs.templates.rules import checked_types, find_faults
    from smsjobs.templates.standing import Standing, standings
    from smsjobs.templates.template import CARRIERS, Filing, Signature, Template
    from smsjobs.templates.variables import TYPES, VariableType
else:
    # Whoever enqueues needs a template and its rules where one is known.
    __getattr__ = on_demand(
        __name__,
        merging=("merged",),
        rules=("checked_types", "find_faults"),
        standing=("Standing", "standings"),
        template=("CARRIERS", "Filing", "Signature", "Template"),
        variables=("TYPES", "VariableType"),
    )

__all__ = [
    "CARRIERS",
    "FRESH_S",
    "MODES",
    "TYPES",
    "Filing",
    "Mode",
    "Preflight",
    "Signature",
    "Standing",
    "Template",
    "TemplateStore",
    "VariableType",
    "checked_types",
    "find_faults",
    "fresh_for_s",
    "is_fresh",
    "merged",
    "standings",
]

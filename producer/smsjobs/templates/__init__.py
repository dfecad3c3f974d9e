"""What Aliyun knows of a template and of the signature that goes with it, and what it permits. No I/O.

What is not known stays unknown: no word of Aliyun's that is new here makes a template bad, and no value is refused by a
type that is not in the table.
"""

from __future__ import annotations

from smsjobs.templates.rules import find_faults
from smsjobs.templates.template import CARRIERS, Filing, Signature, Template
from smsjobs.templates.variables import TYPES, VariableType

__all__ = ["CARRIERS", "TYPES", "Filing", "Signature", "Template", "VariableType", "find_faults"]

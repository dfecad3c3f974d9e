"""The carrier of a mainland number, by its first three digits, as they were handed out.

A number may since have been ported, so this is right for most and not for all: good for seeing that one carrier fails.
Source: the numbering plan of the Ministry of Industry and Information Technology.
"""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["Carrier", "carrier_of"]

Carrier = Literal["mobile", "unicom", "telecom", "broadnet", "virtual", "other"]

_PREFIXES: Final[dict[Carrier, str]] = {
    "mobile": "134 135 136 137 138 139 147 148 150 151 152 157 158 159 172 178 182 183 184 187 188 195 197 198",
    "unicom": "130 131 132 145 146 155 156 166 175 176 185 186 196",
    "telecom": "133 149 153 173 174 177 180 181 189 190 191 193 199",
    "broadnet": "192",
    "virtual": "162 165 167 170 171",
}

_CARRIERS: Final[dict[str, Carrier]] = {
    prefix: carrier for carrier, prefixes in _PREFIXES.items() for prefix in prefixes.split()
}


def carrier_of(phone: str) -> Carrier:
    """The carrier of a number in whichever form a report has it; ``"other"`` for one that is not of the mainland."""
    digits = "".join(each for each in phone if each.isascii() and each.isdigit()).removeprefix("00")
    bare = digits.removeprefix("86") if len(digits) == 13 else digits
    return _CARRIERS.get(bare[:3], "other") if len(bare) == 11 else "other"

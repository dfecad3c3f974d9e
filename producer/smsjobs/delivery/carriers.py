"""The carrier of a mainland number, by its first three digits, as they were handed out.

A number may since have been ported, so this is right for most and not for all: good for seeing that one carrier fails.
The table agrees with Google's carrier metadata (the package ``phonenumbers`` 9) wherever that knows a carrier. Numbers of virtual
operators have the carrier ``virtual`` here, and that of their network there.
"""

from __future__ import annotations

from typing import Final, Literal

from smsjobs.contract import is_mainland, normalise_phone

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
    number = normalise_phone(phone) or ""
    return _CARRIERS.get(number[:3], "other") if is_mainland(number) else "other"

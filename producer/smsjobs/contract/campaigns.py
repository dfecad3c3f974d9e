"""What producer, Redis scripts and worker agree on about campaigns."""

from __future__ import annotations

from typing import Final

__all__ = ["CAMPAIGN_STATES"]

#: The states that are stored. Others that people see (``"paused"``, ``"scheduled"``) follow from other fields.
CAMPAIGN_STATES: Final = ("planning", "running", "cancelled", "finished")

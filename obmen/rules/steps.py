"""The steps in which a number came about, in order, for people who ask why a channel shows it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, the number after it, and what made it."""

    name: str
    amount: Decimal
    note: str = ""

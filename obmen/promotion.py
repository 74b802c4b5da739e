"""A promotion that makes buyers see another price than the seller has set.

Such a price is no drift: what was set stands, and to set it again changes nothing. A person must know, though, for at
that price the goods may be sold at a loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Promotion:
    """``id``: the price's natural id. ``live``: what buyers pay. ``names``: of the promotions that make it so.

    ``native_id``: by which the system knows the good, where that is told.
    """

    id: str
    live: Decimal
    names: tuple[str, ...]
    native_id: str = ""

"""Which characteristics goods are sold in: their own, and those of their kind that a barcode or a price names."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from connectors.onec.enterprisedata import keep

Variants = dict[str, dict[str, tuple[bytes, bool]]]
"""Good → characteristic → the characteristic's object (empty where the base has not sent it), and if it is deleted."""

_OWN = """SELECT owner, ref, xml, deleted FROM object INDEXED BY object_owner
    WHERE type = ? AND owner IN (SELECT value FROM json_each(?)) ORDER BY number"""
_NAMED = """SELECT good FROM barcode WHERE product IN (SELECT value FROM json_each(?1)) AND instr(good, '#')
    UNION SELECT good FROM price WHERE product IN (SELECT value FROM json_each(?1)) AND instr(good, '#') ORDER BY 1"""
_SHARED = "SELECT xml, deleted FROM object WHERE type = ? AND ref = ?"


def variants_of(database: sqlite3.Connection, products: Sequence[str]) -> Variants:
    """Return the characteristics of some goods; one that is sold without any is not among the keys."""
    listed = msgspec.json.encode(products).decode()
    found: Variants = {}
    for product, variant, xml, deleted in database.execute(_OWN, (keep.VARIANT, listed)):
        found.setdefault(product, {})[variant] = (xml, bool(deleted))
    for (good,) in database.execute(_NAMED, (listed,)).fetchall():
        product, _, variant = good.partition("#")
        if variant not in found.get(product, {}):
            shared = database.execute(_SHARED, (keep.VARIANT, variant)).fetchone()
            found.setdefault(product, {})[variant] = (shared[0], bool(shared[1])) if shared else (b"", False)
    return found

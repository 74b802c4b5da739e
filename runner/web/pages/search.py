"""Search: one SKU, order or customer through every system."""

from __future__ import annotations

from dataclasses import replace

from obmen.entities import split_key
from obmen.state.text import fault
from runner.web import finding
from runner.web.call import Answer, Call, Shown


def search(call: Call) -> Answer:
    """Show what is known of what was asked for."""
    asked = call.query.get("q", "").strip()
    values = {"asked": asked, "found": None, "hidden": not call.operates}
    if not asked or fault(asked, finding.LONGEST):
        return Shown("search.html", values)
    with call.ledger.read() as tx:
        found = finding.Search(tx, call.project, personal=call.operates).find(asked)
    found.aside = [replace(one, message=call.said(one.message)) for one in found.aside]
    told = next((one.key for one in found.agreed if one.entity in {"stock", "price"}), None)
    explained = split_key(told)[0] if told is not None else None
    return Shown("search.html", {**values, "found": found, "most": finding.MOST, "explained": explained})

"""Search: one SKU, order or customer through every system."""

from __future__ import annotations

from dataclasses import replace

from obmen.entities import split_key
from obmen.state.text import fault
from runner.web import finding, inside
from runner.web.call import Answer, Away, Call, Shown, link
from runner.web.finding import Found


def search(call: Call) -> Answer:
    """Show what is known of what an address asks for: nobody's phone or name, for addresses are logged on their way."""
    asked = call.query.get("q", "").strip()
    return _shown(call, asked, _found(call, asked, personal=False))


def ask(call: Call) -> Answer:
    """Find what a form asks for. What one record is called by becomes its address; nothing else of a form does."""
    asked = call.form.get("q", "").strip()
    found = _found(call, asked, personal=call.operates)
    if found is not None and found and not found.inside:
        return Away(link("/search", q=found.name))
    return _shown(call, asked, found)


def _found(call: Call, asked: str, *, personal: bool) -> Found | None:
    if not asked or fault(asked, finding.LONGEST):
        return None
    with call.ledger.read() as tx:
        return finding.Search(tx, call.project, personal=call.operates).anyhow(asked, personal=personal)


def _shown(call: Call, asked: str, found: Found | None) -> Shown:
    values = {"asked": asked, "found": found, "hidden": not call.operates, "days": inside.DAYS}
    if found is None:
        return Shown("search.html", values)
    found.aside = [replace(one, message=call.said(one.message)) for one in found.aside]
    told = next((one.key for one in found.agreed if one.entity in {"stock", "price"}), None)
    explained = split_key(told)[0] if told is not None else None
    return Shown("search.html", {**values, "most": finding.MOST, "explained": explained})

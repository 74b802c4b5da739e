"""What people did by hand, newest first."""

from __future__ import annotations

from obmen.state import deeds as kept
from runner.web.call import Answer, Call, Shown

PAGE = 50


def deeds(call: Call) -> Answer:
    """Show a page of them."""
    before = call.query.get("before", "")
    with call.ledger.read() as tx:
        found = kept.recent(tx, PAGE + 1, before=call.number(before) if before else None)
    older = found[PAGE - 1].id if len(found) > PAGE else None
    return Shown("deeds.html", {"deeds": found[:PAGE], "older": older})

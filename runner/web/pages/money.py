"""Money: what channels accrued and paid, what does not agree, and what each good brought."""

from __future__ import annotations

from decimal import Decimal

import sqlalchemy as sa

from obmen.entities import Accrual
from obmen.facts import gather
from obmen.facts.books import money as shown
from obmen.facts.settlement import settle
from obmen.facts.units import added, units
from obmen.state import Transaction, tables
from runner.web.call import Answer, Call, Shown

MOST = 200_000
"""Accruals that a page reckons with; more are left to the command."""
_ROWS = 500


def money(call: Call) -> Answer:
    """Show the totals, the differences, and with ``by=sku`` the margins."""
    by = "sku" if call.query.get("by") == "sku" else "channel"
    values = {"by": by, "totals": (), "differences": (), "rows": (), "sums": (), "many": False, "shown": _shown}
    with call.ledger.read() as tx:
        terms = gather.terms(call.project, tx.now)
        since = terms.since.timestamp() if terms.since is not None else 0.0
        if _count(tx, since) > MOST:
            return Shown("money.html", {**values, "many": True, "since": since})
        facts = gather.facts(tx, call.project, terms)
        skus = {line.sku for order in facts.orders for line in order.lines}
        skus |= {one.sku for one in facts.accruals if one.sku}
        costs = gather.costs(tx, call.project, skus) if by == "sku" else {}
        vats = gather.vats(tx, call.project, skus) if by == "sku" else {}
    settlement = settle(facts, terms)
    found = units(facts, terms, costs, vats) if by == "sku" else []
    owners = sorted({(row.channel, row.currency) for row in found})
    told = {
        "since": since,
        "totals": settlement.totals,
        "differences": settlement.differences,
        "rows": sorted(found, key=lambda row: (row.channel, -row.revenue))[:_ROWS],
        "sums": [added([row for row in found if (row.channel, row.currency) == owner]) for owner in owners],
    }
    return Shown("money.html", {**values, **told})


def _count(tx: Transaction, since: float) -> int:
    fact = tables.fact.c
    query = sa.select(sa.func.count()).where(fact.entity == Accrual.entity, fact.occurred_at >= since)
    return int(tx.rows(query)[0][0])


def _shown(amount: Decimal | None, currency: str = "") -> str:
    return "?" if amount is None else shown(amount, currency)

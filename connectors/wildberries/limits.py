"""How often Wildberries lets itself be called, by method group, as the specification of 2026-07-23 states it.

The vendor states a period, a limit, an interval and a burst: a bucket of ``burst`` calls into which one falls
back every ``interval``. Kept here as "at most ``burst`` in any window of ``burst × interval``", which never
asks more of the bucket than is in it. A token of the type "basic" gets a few calls an hour instead; what it is
refused is told by 429 only.
"""

from __future__ import annotations

from connectors.wildberries.paths import PINGS
from obmen.http import Rate

REFUSAL_WEIGHT = 10
"""How many calls of the marketplace category an answer of 4xx counts for."""


def bucket(burst: int, interval: float) -> tuple[Rate, ...]:
    """Return the rate that keeps within a bucket of ``burst`` calls, one of which returns every ``interval`` s."""
    return (Rate(burst, burst * interval),)


BUDGETS: dict[str, tuple[Rate, ...]] = {
    "content": bucket(5, 0.6),
    "cards create": bucket(5, 6.0),
    "cards update": bucket(5, 6.0),
    "card errors": bucket(5, 6.0),
    "cards recover": bucket(5, 20.0),
    "prices": bucket(5, 0.6),
    "calendar": bucket(5, 0.6),
    "stocks": bucket(20, 0.2),
    "warehouses": bucket(20, 0.2),
    # orders, supplies, labels
    "orders": bucket(20, 0.2),
    "order cancel": bucket(20, 0.6),
    "marks": bucket(20, 0.06),
    "dbs": bucket(20, 0.2),
    "dbs steps": bucket(10, 1.0),
    "dbs marks": bucket(20, 0.12),
    "dbw": bucket(20, 0.2),
    "click-collect": bucket(20, 0.2),
    "click-collect steps": bucket(10, 1.0),
    "click-collect marks": bucket(20, 0.4),
    # FBW
    "ordered": bucket(10, 60.0),
    "sold": bucket(1, 60.0),
    # returns and money
    "claims": bucket(10, 3.0),
    "goods returned": bucket(10, 60.0),
    "reports": bucket(1, 60.0),
    "report rows": bucket(1, 60.0),
    **{f"ping {category}": bucket(3, 10.0) for category in PINGS},
}

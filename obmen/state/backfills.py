"""Which periods of each flow's past were asked for and are not read yet, and which are.

They stand beside the live checkpoint and never touch it. What was asked for is kept before anything is read, so that
whoever goes on after a crash knows what is left.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Literal

import sqlalchemy as sa

from obmen.periods import Period, merged, without
from obmen.state import tables
from obmen.state.ledger import Transaction

_B = tables.backfill.c
_COLUMNS = ("flow", "state", "since", "until", "counts", "updated_at")
State = Literal["asked", "done"]


def ask(tx: Transaction, flow: str, period: Period, *, again: bool = False) -> None:
    """Want a period to be read, joined with what is still to be read; ``again``: also what of it was read already."""
    done = _of(tx, flow, "done")
    if again:
        _replace(tx, flow, "done", {one: done.get(one, {}) for one in without(done, [period])})
    new = [period] if again else without([period], done)
    _replace(tx, flow, "asked", {one: {} for one in merged([*periods(tx, flow, "asked"), *new])})


def finish(tx: Transaction, flow: str, period: Period, counts: Mapping[str, int]) -> None:
    """Note that a period was read to its end, and what was found in it."""
    _replace(tx, flow, "asked", {one: {} for one in without(periods(tx, flow, "asked"), [period])})
    done = {**_of(tx, flow, "done"), period: counts}
    joined = {}
    for whole in merged(done):
        total: Counter[str] = Counter()
        for one, found in done.items():
            if whole.since <= one.since and one.until <= whole.until:
                total.update(found)
        joined[whole] = total
    _replace(tx, flow, "done", joined)


def drop(tx: Transaction, flow: str, period: Period) -> None:
    """Want what is left of a period no more."""
    _replace(tx, flow, "asked", {one: {} for one in without(periods(tx, flow, "asked"), [period])})


def periods(tx: Transaction, flow: str, state: State) -> list[Period]:
    """Return the periods of a flow that are to be read, or that were, in order."""
    return sorted(_of(tx, flow, state))


def _of(tx: Transaction, flow: str, state: State) -> dict[Period, Mapping[str, int]]:
    query = sa.select(_B.since, _B.until, _B.counts).where(_B.flow == flow, _B.state == state)
    return {Period(since, until): json.loads(counts) for since, until, counts in tx.rows(query)}


def _replace(tx: Transaction, flow: str, state: State, wanted: Mapping[Period, Mapping[str, int]]) -> None:
    tx.run(sa.delete(tables.backfill).where(_B.flow == flow, _B.state == state))
    rows = [(flow, state, one.since, one.until, json.dumps(dict(counts)), tx.now) for one, counts in wanted.items()]
    tx.upsert(tables.backfill, _COLUMNS, rows)

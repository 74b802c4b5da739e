"""What was agreed about one card is told to the other, once a good is bound to that, or to none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from obmen.entities import ENTITIES, Product, Record
from obmen.rules import guards
from obmen.state import Transaction, outbox, seen, tables
from obmen.state.given import among
from obmen.state.outbox import Decided
from obmen.sync.decide import operation
from obmen.sync.flow import Flow

_A = tables.agreed.c
_ENTITY = Product.entity
_FACETS = tuple(name for name, model in ENTITIES.items() if model.subject and model.subject[0] == _ENTITY)


def writing(flows: Sequence[Flow], connection: str) -> list[Flow]:
    """Return the flows that tell a connection of goods: of themselves, their prices, their stock."""
    told = (_ENTITY, *_FACETS)
    return [
        flow
        for flow in flows
        if flow.entity.entity in told and any(target.name == connection for target in flow.targets)
    ]


def tell_again(tx: Transaction, flows: Sequence[Flow], connection: str, keys: Sequence[str], *, facets: bool) -> int:
    """Queue anew what was agreed about these goods, with ``facets`` their prices and stock too; return how many.

    ``flows``: those that write there. A good that was never bound has no facets there.
    """
    again = 0
    for entity in (_ENTITY, *(_FACETS if facets else ())):
        of_entity = [flow for flow in flows if flow.entity.entity == entity]
        held = (_A.connection == connection, _A.entity == entity)
        if not of_entity or not keys or tx.one(sa.select(sa.literal(1)).where(*held).limit(1)) is None:
            continue
        about = [among(_A.key, keys)] if entity == _ENTITY else [_under(key) for key in keys]
        for condition in about:
            rows = tx.rows(sa.select(_A.key, _A.hash, _A.canonical).where(*held, condition))
            again += _queue(tx, of_entity, connection, rows)
            tx.run(sa.delete(tables.agreed).where(*held, condition))
    return again


def _under(key: str) -> sa.ColumnElement[bool]:
    return sa.func.substr(_A.key, 1, len(key) + 1) == f"{key}|"


def _queue(tx: Transaction, flows: Sequence[Flow], connection: str, rows: Sequence[Any]) -> int:
    """Put records into the outbox of the flows that brought them."""
    left = {row.key: one for row in rows if (one := _anew(flows[0].entity, row)) is not None}
    count = len(left)
    for flow in flows:
        mine = left if flow is flows[-1] else {key: left[key] for key in seen.by_key(tx, flow.name, left)}
        outbox.put(tx, flow.name, connection, flow.entity.entity, list(mine.values()), 0)
        left = {key: one for key, one in left.items() if key not in mine}
    return count


def _anew(model: type[Record], row: Any) -> Decided | None:
    record = model.decoded(row.canonical)
    op = operation(record, None)
    return None if op is None else Decided(row.key, op, guards.effect(None, record, op), row.hash, row.canonical)

"""Gathers from the ledger what a settlement is reckoned from; nobody is called.

It reads from some time before the period to some time after it, because a payout, a refund or a document follows
what it belongs to, and what is missing can only be told by who looks further than the period.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from obmen.entities import Accrual, Order, OrderStatus, Price, Product, Return, join_key, split_key
from obmen.facts import kept
from obmen.facts.books import Terms
from obmen.facts.costs import costs_of
from obmen.facts.kept import Document, Facts
from obmen.project import Project
from obmen.state import Transaction, agreed, bindings, originals, tables
from obmen.state.given import among

_F = tables.fact.c
_BEFORE = timedelta(days=100)
_MANY = 1000
Made = TypeVar("Made")


class _Good(msgspec.Struct):
    sku: str
    category: tuple[str, ...] = ()
    vat: str | None = None


class _Price(msgspec.Struct):
    price_type: str
    amount: Decimal
    currency: str


_GOOD, _PRICE = msgspec.json.Decoder(_Good), msgspec.json.Decoder(_Price)
_ORDER = msgspec.json.Decoder(kept.Order)


def terms(project: Project, seconds: float, since: datetime | None = None, until: datetime | None = None) -> Terms:
    """Return what a project says its money is judged by at a moment (Unix seconds).

    A period without a beginning begins with the month before, in the service's zone.
    """
    now = datetime.fromtimestamp(seconds, ZoneInfo(project.service.timezone))
    if since is None:
        since = (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)).replace(day=1)
    return Terms(now, since, until, project.money.wait, project.money.commission)


def facts(tx: Transaction, project: Project, terms: Terms, channel: str | None = None) -> Facts:
    """Return what is known of a period's money, of all channels or of one."""
    reads = _reads(project)
    channels = [name for name, entities in reads.items() if "accrual" in entities and channel in {None, name}]
    since = terms.since - _BEFORE if terms.since is not None else None
    accruals = _told(tx, channels, Accrual.entity, kept.Accrual, since)
    orders = _told(tx, channels, Order.entity, kept.Order, since)
    statuses = [one for name in channels for one in _statuses(tx, name, orders)]
    returns = _told(tx, channels, Return.entity, kept.Return, since)
    skus = {line.sku for order in orders for line in order.lines} | {one.sku for one in accruals if one.sku}
    targets = _targets(project)
    return Facts(
        orders,
        statuses,
        returns,
        accruals,
        dict(_documents(tx, targets, orders)),
        {good.sku: good.category[-1] for good in _goods(tx, project, skus) if good.category},
        reads,
        frozenset(targets) & frozenset(channels),
    )


def vats(tx: Transaction, project: Project, skus: Iterable[str]) -> dict[str, str]:
    """Return SKU → its VAT rate, for goods that were told to some system."""
    return {good.sku: good.vat for good in _goods(tx, project, skus) if good.vat}


def costs(tx: Transaction, project: Project, skus: Iterable[str]) -> dict[tuple[str, str], Decimal]:
    """Return (SKU, currency) → what it costs now: by the project's file, else by the price type that it names."""
    named, file = project.money.cost, project.money.costs
    listed = costs_of(project.folder / file) if file is not None else {}
    wanted = [join_key([sku]) for sku in skus]
    found: dict[tuple[str, str], Decimal] = {}
    if named is None:
        return listed
    sources = {flow.source for flow in project.flows.values() if flow.entity == Price.entity}
    for source in sorted(sources):
        for subject, rows in originals.of(tx, source, Price.entity, wanted).items():
            for row in rows:
                price = _PRICE.decode(row.canonical)
                if price.price_type == named:
                    found[split_key(subject)[0], price.currency] = price.amount
    return found | listed


def _reads(project: Project) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for flow in project.flows.values():
        found.setdefault(flow.source, set()).add(flow.entity)
    return {name: frozenset(entities) for name, entities in found.items()}


def _targets(project: Project) -> dict[str, tuple[str, ...]]:
    """Return channel → where its orders are written to."""
    return {
        flow.source: flow.targets for flow in project.flows.values() if flow.entity == Order.entity and flow.targets
    }


def _told(
    tx: Transaction, channels: Collection[str], entity: str, kind: type[Made], since: datetime | None
) -> list[Made]:
    """Return the facts of these channels from a moment on, found by their time: old ones cost nothing."""
    decode = msgspec.json.Decoder(kind).decode
    recent = _F.occurred_at >= since.timestamp() if since is not None else _F.occurred_at.is_not(None)
    found = []
    for when in (recent, _F.occurred_at.is_(None)):
        query = sa.select(_F.connection, _F.canonical).where(_F.entity == entity, when)
        rows = tx.connection.execute(query.execution_options(yield_per=_MANY))
        found += [decode(canonical) for connection, canonical in rows if connection in channels]
    return found


def _statuses(tx: Transaction, channel: str, orders: list[kept.Order]) -> Iterator[kept.Status]:
    keys = [join_key([one.channel, one.number]) for one in orders if one.channel == channel]
    decode = msgspec.json.Decoder(kept.Status).decode
    match = (_F.connection == channel, _F.entity == OrderStatus.entity, among(_F.key, keys))
    for (canonical,) in tx.rows(sa.select(_F.canonical).where(*match)):
        yield decode(canonical)


def _documents(
    tx: Transaction, targets: Mapping[str, tuple[str, ...]], orders: list[kept.Order]
) -> Iterator[tuple[tuple[str, str], Document]]:
    """Yield what other systems confirmed of the orders: their id there, and the total of what they were told."""
    for channel, places in targets.items():
        keys = {join_key([one.channel, one.number]): one.number for one in orders if one.channel == channel}
        for place in places:
            ids = bindings.native_ids(tx, place, Order.entity, keys)
            for key, one in agreed.of(tx, place, Order.entity, keys).items():
                told = _ORDER.decode(one.canonical)
                total = told.total if told.total is not None else told.sum
                yield (channel, keys[key]), Document(place, ids.get(key, ""), total)


def _goods(tx: Transaction, project: Project, skus: Iterable[str]) -> Iterator[_Good]:
    wanted = sorted({join_key([sku]) for sku in skus})
    for name in sorted(project.connections):
        for one in agreed.of(tx, name, Product.entity, wanted).values():
            yield _GOOD.decode(one.canonical)

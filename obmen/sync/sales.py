"""What buyers took and gave back: until the source of the stock counts it, every channel is told less.

Between an order and the next stock that counts it, each other channel would still offer the same unit, and a channel
changes its own number by itself. Prevents a unit sold twice, and a number that nobody ever tells again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from obmen.entities import Order, OrderStatus, Stock, join_key, split_key
from obmen.rules.guards import is_live
from obmen.state import Transaction, agreed, facts, originals, outbox, quarantine, taken
from obmen.state.agreed import Agreed
from obmen.state.taken import Taken
from obmen.sync.flow import Flow, Target, payload_hash
from obmen.sync.propose import Proposals
from obmen.sync.reckon import reckon, settle, told_keys

_SECOND = 1.0
"""Channels tell the time of an order in whole seconds."""
FRESH = 3 * 86400.0
"""An older order, met when a channel is first connected or its past is read, is on the source's books by other ways."""


def unsold(tx: Transaction, flow: Flow, stocks: Sequence[Stock]) -> list[Stock]:
    """Return what can be told as it is: no rule is given, and no order took of it what the source does not count."""
    if flow.allocate is None or flow.allocate.version:
        return []
    moved = taken.of(tx, flow.source.name, dict.fromkeys(one.sku for one in stocks))
    return [one for one in stocks if one.sku not in moved] if moved else list(stocks)


def sold(tx: Transaction, flow: Flow, orders: Sequence[Order], run: int) -> None:
    """Take in what buyers took: until a source knows of it, no channel is told that it is there.

    Asked before these orders are kept as facts: where one was known with other goods, its channel has put them back on
    sale, or has taken more, and nobody knows what it shows.
    """
    channel = flow.source.name
    before = facts.by_key(tx, channel, Order, [order.key for order in orders])
    otherwise = [(order, sku) for order in orders if order.key in before for sku in _differ(before[order.key], order)]
    orders = [order for order in orders if tx.now - order.placed_at.timestamp() < FRESH]
    for target in flow.targets:
        if not (flows := flow.selling.of(target.name)):
            continue
        known = agreed.of(tx, target.name, Order.entity, [order.key for order in orders])
        fresh = [order for order in orders if order.key not in known]
        moved = [(order, sku) for order in fresh for sku in _note(tx, target.name, order)]
        unsure = otherwise + [(order, sku) for order, sku in moved if order.key in before]
        for one in flows:
            _sold_there(tx, one, [(order, sku) for order, sku in moved if order.key not in before])
            _put_back(tx, one, channel, {sku for _, sku in unsure})
        causes = {join_key([sku]): _cause(order.channel, order.number) for order, sku in moved + unsure}
        for one in flows:
            settle(tx, one, causes, run)


def given_up(tx: Transaction, flow: Flow, steps: Sequence[OrderStatus], run: int) -> None:
    """Take in that orders were given up: their channel sells the goods again, and the source need not count them."""
    ended = [step for step in steps if step.status == "cancelled" and step.channel == flow.source.name]
    if not ended:
        return
    channel = flow.source.name
    unknown = [row for row in taken.of_orders(tx, channel, [step.number for step in ended]) if row.known_at is None]
    taken.freed(tx, channel, [row.number for row in unknown])
    orders = facts.by_key(tx, channel, Order, [step.key for step in ended]).values()
    moved = [(order, line.sku) for order in orders for line in order.lines]
    causes = {join_key([sku]): _cause(channel, order.number) for order, sku in moved}
    for target in flow.targets:
        for one in flow.selling.of(target.name):
            _put_back(tx, one, channel, {sku for _, sku in moved})
            settle(tx, one, causes, run)


def arrived(tx: Transaction, source: str, orders: Iterable[str]) -> None:
    """Take in that a source confirmed orders (by their keys); the next stock that is read from it counts them."""
    numbers: dict[str, list[str]] = {}
    for key in orders:
        channel, number = split_key(key)
        numbers.setdefault(channel, []).append(number)
    for channel, of_channel in numbers.items():
        taken.known(tx, source, channel, of_channel)


def counted(tx: Transaction, flow: Flow, began: float, run: int) -> Proposals:
    """Take in that a reading of the stock, which began then, counts the orders that its source knew by then.

    Return what the flow's targets are to be told now; other flows that tell of the same stock are settled at once.
    """
    _let_go(tx, flow.source.name, began)
    subjects = [join_key([sku]) for sku in taken.counted(tx, flow.source.name, began)]
    if not subjects:
        return Proposals()
    for other in flow.selling.of(flow.source.name):
        if other.name != flow.name:
            settle(tx, other, dict.fromkeys(subjects, ""), run)
    return reckon(tx, flow, subjects)


def _let_go(tx: Transaction, source: str, began: float) -> None:
    """Count orders that nothing brings any more, since a person let go of them, as known to whoever keeps the stock."""
    keys = [join_key(one) for one in taken.unknown(tx, source, began)]
    if not keys:
        return
    coming = {row.key for row in outbox.of(tx, source, Order.entity, keys)}
    coming |= quarantine.standing(tx, source, Order.entity, keys)
    arrived(tx, source, [key for key in keys if key not in coming])


def _note(tx: Transaction, source: str, order: Order) -> set[str]:
    """Note what an order took; return the SKUs of which that changes something."""
    standing = {row.sku: row for row in taken.of_orders(tx, order.channel, [order.number]) if row.source == source}
    quantities = _quantities(order)
    for sku in standing.keys() - quantities.keys():
        quantities[sku] = Decimal(0)
    warehouse = order.delivery.warehouse if order.delivery is not None else None
    rows = [
        Taken(source, sku, order.channel, order.number, warehouse or "", quantity, tx.now, None)
        for sku, quantity in quantities.items()
    ]
    taken.save(tx, rows)
    return {sku for sku, quantity in quantities.items() if sku not in standing or standing[sku].quantity != quantity}


def _quantities(order: Order) -> dict[str, Decimal]:
    quantities: dict[str, Decimal] = {}
    for line in order.lines:
        quantities[line.sku] = quantities.get(line.sku, Decimal(0)) + line.quantity
    return quantities


def _differ(before: Order, now: Order) -> list[str]:
    """Return the SKUs of which an order has more or less than it had before."""
    had, has = _quantities(before), _quantities(now)
    return [sku for sku in had.keys() | has.keys() if had.get(sku) != has.get(sku)]


def _sold_there(tx: Transaction, flow: Flow, sales: Sequence[tuple[Order, str]]) -> None:
    """Take in that a channel lowered by itself what it shows of goods that it sold.

    It shows so much less than it was told, if the order came after that; so it need not be told again. Where that is
    not sure, what it shows is not known, and it is told again even where the number is the one that it was told before.
    """
    for target in flow.targets:
        sold: dict[str, list[Order]] = {}
        for order, sku in sales:
            if order.channel == target.name:
                sold.setdefault(sku, []).append(order)
        if not sold:
            continue
        keys = _keys(tx, flow, sold)
        rows = outbox.of(tx, target.name, Stock.entity, keys)
        flying = {row.key for row in rows if row.attempt}
        lowered, unknown = [], {}
        for key, told in agreed.of(tx, target.name, Stock.entity, keys).items():
            before = Stock.model_validate_json(told.canonical)
            orders = [order for order in sold.get(before.sku, ()) if _from(order, before.warehouse)]
            sure = (
                told.hash and key not in flying and all(one.placed_at.timestamp() + _SECOND > told.at for one in orders)
            )
            if sure and orders:
                lowered.append(_lowered(target, told, before, orders))
            elif orders:
                unknown[key] = told.canonical
        meanwhile = {row.key for row in rows if split_key(row.key)[0] in sold}
        outbox.retell(tx, target.name, Stock.entity, meanwhile)
        agreed.move(tx, target.name, Stock.entity, lowered)
        agreed.doubt(tx, target.name, Stock.entity, unknown)


def _from(order: Order, warehouse: str) -> bool:
    """Whether an order surely left a warehouse, or may have."""
    named = order.delivery.warehouse if order.delivery is not None else None
    return named in {None, warehouse}


def _lowered(target: Target, told: Agreed, before: Stock, orders: Sequence[Order]) -> Agreed:
    gone = sum((line.quantity for order in orders for line in order.lines if line.sku == before.sku), Decimal(0))
    shown = before.model_copy(update={"available": max(before.available - gone, Decimal(0))})
    return replace(
        told, hash=payload_hash(target.mapping, shown), canonical=shown.encoded(), live=is_live(shown.encoded())
    )


def _put_back(tx: Transaction, flow: Flow, channel: str, skus: Iterable[str]) -> None:
    """Take back what a channel confirmed of goods that it may have put back on sale by itself."""
    keys = _keys(tx, flow, skus)
    outbox.retell(tx, channel, Stock.entity, keys)
    confirmed = agreed.of(tx, channel, Stock.entity, keys)
    agreed.doubt(tx, channel, Stock.entity, {key: one.canonical for key, one in confirmed.items()})


def _keys(tx: Transaction, flow: Flow, skus: Iterable[str]) -> list[str]:
    rows = originals.of(tx, flow.source.name, Stock.entity, [join_key([sku]) for sku in skus])
    return told_keys(flow, [Stock.model_validate_json(one.canonical) for found in rows.values() for one in found])


def _cause(channel: str, number: str) -> str:
    return f"order:{join_key([channel, number])}"

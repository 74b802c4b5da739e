"""What each target of a flow is told, reckoned by its rules from what the ledger keeps; no source is asked again.

A number may change though its own record did not: a unit was sold in another channel, a part of a kit ran out, a cost
rose, another channel no longer shows what this one waits for. Whoever learns of such a thing names the SKUs, and they
are reckoned anew in the same transaction, so the outbox never holds a number that was overtaken before it was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from obmen.entities import Order, OrderStatus, Price, Product, Record, Stock, join_key, split_key
from obmen.errors import Refused
from obmen.http.redact import Redactor
from obmen.rules.allocation import Allocation, Allotment, allot, bound_to, parts_of, pools_of
from obmen.rules.guards import is_live
from obmen.rules.pricing import Priced, Pricing, price
from obmen.state import Transaction, agreed, bindings, facts, originals, outbox, quarantine, taken
from obmen.state.agreed import Agreed
from obmen.state.quarantine import Problem
from obmen.state.taken import Taken
from obmen.sync import waiting
from obmen.sync.flow import Flow, Target, payload_hash
from obmen.sync.propose import HELD, Proposals, propose_each

_redact = Redactor()
_NONE: Mapping[str, str] = MappingProxyType({})
_SECOND = 1.0
"""Channels tell the time of an order in whole seconds."""
_FRESH = 3 * 86400.0
"""An older order, met when a channel is first connected or its past is read, is on the source's books by other ways."""


def lock(tx: Transaction, source: str) -> None:
    """Let nobody else reckon what a source's stock or prices come to until this transaction ends."""
    tx.alone(f"rules/{source}")


def reckon(tx: Transaction, flow: Flow, subjects: Iterable[str], causes: Mapping[str, str] = _NONE) -> Proposals:
    """Decide what every target is told of these SKUs (keys of products) now; ``causes``: SKU → why, but the source."""
    if flow.allocate is not None:
        return propose_each(tx, flow, _stock(tx, flow, flow.allocate, subjects), causes=causes)
    return _prices(tx, flow, subjects, causes)


def told_keys(flow: Flow, records: Sequence[Record]) -> list[str]:
    """Return the keys of what targets are told of the goods of these records of the source."""
    rules = flow.allocate
    if rules is None:
        wanted = flow.where.get("price_type")
        return [one.key for one in records if isinstance(one, Price) and wanted in {None, one.price_type}]
    stocks = [one for one in records if isinstance(one, Stock)]
    pools = pools_of(rules, dict.fromkeys(one.warehouse for one in stocks))
    return [join_key([sku, pool]) for sku in _with_bound(rules, [one.sku for one in stocks]) for pool in pools]


def settle(tx: Transaction, flow: Flow, causes: Mapping[str, str], run: int) -> int:
    """Reckon SKUs (each with its cause) outside the flow's own reading; return how many changes went to the outbox."""
    proposals = reckon(tx, flow, causes, causes)
    entity = flow.entity.entity
    outbox.drop(tx, proposals.dropped)
    for target, decided in proposals.decided.items():
        outbox.put(tx, flow.name, target, entity, decided, run, state="pending")
        waiting.decided(tx, target, flow.entity, [one.key for one in decided])
    for name, problem in proposals.problems:
        quarantine.add(tx, flow.name, name, entity, [problem], run)
    return sum(map(len, proposals.decided.values()))


# -- stock ----------------------------------------------------------------------------------------------------


def allotments(tx: Transaction, flow: Flow, subjects: Iterable[str]) -> dict[str, dict[str, Allotment]]:
    """Return SKU → warehouse (as targets know it) → what each target is told of it, and how that came about.

    SKUs whose kits or parts are concerned by the given ones are there too. Asked of a flow that has ``allocate``.
    """
    assert flow.allocate is not None  # noqa: S101 - its callers look
    shelf = _Shelf(tx, flow, flow.allocate, subjects)
    return shelf.allotments(shelf.skus)


def _stock(tx: Transaction, flow: Flow, rules: Allocation, subjects: Iterable[str]) -> dict[str, list[Record]]:
    told: dict[str, list[Record]] = {target.name: [] for target in flow.targets}
    shelf = _Shelf(tx, flow, rules, subjects)
    for untouched in shelf.untouched():
        for records in told.values():
            records.append(untouched)
    for sku, of_sku in shelf.allotments(shelf.ruled).items():
        for warehouse, allotment in of_sku.items():
            for name, records in told.items():
                available = Decimal(allotment.told.get(name, 0))
                records.append(Stock(sku=sku, warehouse=warehouse, available=available))
    return told


class _Shelf:
    """What lies in the source's warehouses of some SKUs, and who was promised what of it."""

    def __init__(self, tx: Transaction, flow: Flow, rules: Allocation, subjects: Iterable[str]) -> None:
        self._tx, self._flow, self._rules = tx, flow, rules
        named = [split_key(subject)[0] for subject in subjects]
        self.skus = _with_bound(rules, named)
        looked_at = _with_bound(rules, self.skus)
        self._records = self._originals(looked_at)
        self._sold = taken.of(tx, flow.source.name, looked_at)
        self.free = {sku: {one.warehouse: one.available for one in rows} for sku, rows in self._records.items()}

    @property
    def ruled(self) -> list[str]:
        """The SKUs whose numbers rules make."""
        return self.skus if self._rules.version else [sku for sku in self.skus if sku in self._sold]

    def untouched(self) -> list[Stock]:
        """Return the records that no rule changes: they are told as they are."""
        return [] if self._rules.version else [
            one for sku in self.skus if sku not in self._sold for one in self._records.get(sku, ())
        ]  # fmt: skip

    def allotments(self, skus: Sequence[str]) -> dict[str, dict[str, Allotment]]:
        """Return what rules make of SKUs."""
        pools = {sku: self._pools(sku) for sku in skus}
        shown = {} if self._rules.oversell else self._shown(pools)
        bound = {} if self._rules.oversell else self._bound(skus)
        return {
            sku: {
                pool: allot(
                    self._rules,
                    sku,
                    pool,
                    self.free,
                    self._taken(sku, pool),
                    [name for name in self._flow.sellers(pool) if not bound or sku in bound[name]],
                    shown.get((sku, pool), {}),
                )
                for pool in of_sku
            }
            for sku, of_sku in pools.items()
        }

    def _originals(self, skus: Iterable[str]) -> dict[str, list[Stock]]:
        found = originals.of(self._tx, self._flow.source.name, Stock.entity, [join_key([sku]) for sku in skus])
        return {
            split_key(subject)[0]: [Stock.model_validate_json(one.canonical) for one in rows]
            for subject, rows in found.items()
        }

    def _pools(self, sku: str) -> Sequence[str]:
        """Return under which names a SKU is sold; a kit is sold wherever any of its parts lies."""
        names = [sku, *parts_of(self._rules, sku)]
        warehouses = dict.fromkeys(warehouse for name in names for warehouse in self.free.get(name, ()))
        return list(pools_of(self._rules, warehouses))

    def _bound(self, skus: Sequence[str]) -> dict[str, set[str]]:
        """Return target → the SKUs that it has a card of: units divided among channels go to no other."""
        subjects = [join_key([sku]) for sku in skus]
        return {
            target.name: {
                split_key(subject)[0]
                for subject in bindings.native_ids(self._tx, target.name, Product.entity, subjects)
            }
            for target in self._flow.targets
        }

    def _taken(self, sku: str, pool: str) -> dict[str, Decimal]:
        """Return what orders took from a pool of a SKU and of all that hangs on it, and is not counted yet."""
        sold: dict[str, Decimal] = {}
        for name in bound_to(self._rules, sku) if self._sold else ():
            here = [one.quantity for one in self._sold.get(name, ()) if self._from_here(one, name, pool)]
            if here:
                sold[name] = sum(here, Decimal(0))
        return sold

    def _from_here(self, one: Taken, sku: str, pool: str) -> bool:
        """Whether it leaves this pool: where the channel says so, or else the first that the channel sells from."""
        pools = self._pools(sku)
        if one.warehouse:
            inside = [name for name in pools if one.warehouse == name]
            around = [name for name, made in pools_of(self._rules, pools).items() if one.warehouse in made.warehouses]
            return pool in (inside or around or pools[:1])
        sells = [name for name in pools if one.channel in self._flow.sellers(name)] or list(pools)
        return pool in sells[:1]

    def _shown(self, pools: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], dict[str, int]]:
        """Return (SKU, pool) → target → the most that it may show: what it confirmed, or what is on its way."""
        names = {join_key([sku, pool]): (sku, pool) for sku, of_sku in pools.items() for pool in of_sku}
        shown: dict[tuple[str, str], dict[str, int]] = {}
        for target in self._flow.targets:
            there = agreed.of(self._tx, target.name, Stock.entity, names)
            told = [(one.key, one.canonical) for one in there.values()]
            rows = outbox.of(self._tx, target.name, Stock.entity, names)
            told += [(row.key, row.sent_canonical or row.canonical) for row in rows if row.attempt]
            for key, canonical in told:
                most = shown.setdefault(names[key], {})
                most[target.name] = max(most.get(target.name, 0), int(_available(canonical)))
        return shown


def _with_bound(rules: Allocation, skus: Sequence[str]) -> list[str]:
    """Return SKUs with all whose numbers hang on theirs: kits, and the parts of kits."""
    if not rules.kits:
        return list(dict.fromkeys(skus))
    return list(dict.fromkeys(name for sku in skus for name in (sku, *sorted(bound_to(rules, sku)))))


def _available(canonical: bytes) -> Decimal:
    return Stock.model_validate_json(canonical).available


# -- what is sold ---------------------------------------------------------------------------------------------


def unsold(tx: Transaction, flow: Flow, stocks: Sequence[Stock]) -> list[Stock]:
    """Return what can be told as it is: no rule is given, and no order took of it what the source does not count."""
    if flow.allocate is None or flow.allocate.version:
        return []
    moved = taken.of(tx, flow.source.name, dict.fromkeys(one.sku for one in stocks))
    return [one for one in stocks if one.sku not in moved] if moved else list(stocks)


def sold(tx: Transaction, flow: Flow, orders: Sequence[Order], run: int) -> None:
    """Take in what buyers took: until a source knows of it, no channel is told that it is there."""
    orders = [order for order in orders if tx.now - order.placed_at.timestamp() < _FRESH]
    for target in flow.targets:
        if not (flows := flow.selling.of(target.name)):
            continue
        known = agreed.of(tx, target.name, Order.entity, [order.key for order in orders])
        fresh = [order for order in orders if order.key not in known]
        moved = [(order, sku) for order in fresh for sku in _note(tx, target.name, order)]
        for one in flows:
            _sold_there(tx, one, moved)
        causes = {join_key([sku]): _cause(order.channel, order.number) for order, sku in moved}
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
    quantities: dict[str, Decimal] = {}
    for line in order.lines:
        quantities[line.sku] = quantities.get(line.sku, Decimal(0)) + line.quantity
    for sku in standing.keys() - quantities.keys():
        quantities[sku] = Decimal(0)
    warehouse = order.delivery.warehouse if order.delivery is not None else None
    rows = [
        Taken(source, sku, order.channel, order.number, warehouse or "", quantity, tx.now, None)
        for sku, quantity in quantities.items()
    ]
    taken.save(tx, rows)
    return {sku for sku, quantity in quantities.items() if sku not in standing or standing[sku].quantity != quantity}


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
        flying = {row.key for row in outbox.of(tx, target.name, Stock.entity, keys) if row.attempt}
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
    confirmed = agreed.of(tx, channel, Stock.entity, _keys(tx, flow, skus))
    agreed.doubt(tx, channel, Stock.entity, {key: one.canonical for key, one in confirmed.items()})


def _keys(tx: Transaction, flow: Flow, skus: Iterable[str]) -> list[str]:
    rows = originals.of(tx, flow.source.name, Stock.entity, [join_key([sku]) for sku in skus])
    return told_keys(flow, [Stock.model_validate_json(one.canonical) for found in rows.values() for one in found])


def _cause(channel: str, number: str) -> str:
    return f"order:{join_key([channel, number])}"


# -- prices ---------------------------------------------------------------------------------------------------


class OfRules(NamedTuple):
    """``base``: the price as the source tells it. ``told``: target → what rules make of it, or why they cannot."""

    base: Price
    told: Mapping[str, Priced | Refused]


def priced(tx: Transaction, flow: Flow, subjects: Iterable[str]) -> dict[str, OfRules]:
    """Return product's key → its prices by the rules, with the steps to them. Asked of a flow that has ``pricing``."""
    rules = flow.pricing
    assert rules is not None  # noqa: S101 - its callers look
    asked = list(dict.fromkeys(subjects))
    prices = originals.of(tx, flow.source.name, Price.entity, asked)
    goods = originals.of(tx, flow.source.name, Product.entity, asked) if rules.needs_product else {}
    found: dict[str, OfRules] = {}
    for subject, rows in prices.items():
        by_type = {one.price_type: one for row in rows for one in (Price.model_validate_json(row.canonical),)}
        product = next((Product.model_validate_json(row.canonical) for row in goods.get(subject, ())), None)
        wanted = flow.where.get("price_type")
        base = next((one for one in by_type.values() if wanted in {None, one.price_type}), None)
        if base is not None:
            told = {one.name: _priced(rules, one, base, by_type, product) for one in flow.targets}
            found[subject] = OfRules(base, told)
    return found


def _priced(
    rules: Pricing, target: Target, base: Price, others: Mapping[str, Price], product: Product | None
) -> Priced | Refused:
    try:
        return price(rules, target.name, base, others, product, target.connector.price_habits)
    except Refused as error:
        return error


def _prices(tx: Transaction, flow: Flow, subjects: Iterable[str], causes: Mapping[str, str]) -> Proposals:
    told: dict[str, list[Record]] = {target.name: [] for target in flow.targets}
    held: dict[tuple[str, str], str] = {}
    problems: list[tuple[str, Problem]] = []
    for base, of_rules in priced(tx, flow, subjects).values():
        for name, one in of_rules.items():
            if isinstance(one, Refused):
                problem = Problem("push", one.code, _redact(str(one)), key=base.key, canonical=base.encoded())
                problems.append((name, problem))
                continue
            told[name].append(one.record)
            if one.held:
                held[name, one.record.key] = HELD + one.held
    proposals = propose_each(tx, flow, told, held=held, causes=causes)
    proposals.problems += problems
    return proposals

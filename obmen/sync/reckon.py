"""What each target of a flow is told, reckoned by its rules from what the ledger keeps; no source is asked again.

A number may change though its own record did not: a unit was sold in another channel, a part of a kit ran out, a cost
rose, another channel no longer shows what this one waits for. Whoever learns of such a thing names the SKUs, and they
are reckoned anew in the same transaction, so the outbox never holds a number that was overtaken before it was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, NamedTuple

from obmen.entities import Price, Product, Record, Stock, join_key, split_key
from obmen.errors import Refused
from obmen.http.redact import Redactor
from obmen.rules.allocation import Allocation, Allotment, allot, bound_to, parts_of, pools_of
from obmen.rules.pricing import Priced, Pricing, price
from obmen.state import Transaction, agreed, bindings, originals, outbox, quarantine, taken
from obmen.state.agreed import Agreed
from obmen.state.quarantine import Problem
from obmen.state.taken import Taken
from obmen.sync import waiting
from obmen.sync.flow import Flow, Target
from obmen.sync.propose import HELD, Proposals, propose_each

_redact = Redactor()
_NONE: Mapping[str, str] = MappingProxyType({})


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


def settle(
    tx: Transaction, flow: Flow, causes: Mapping[str, str], run: int, *, state: Literal["fresh", "pending"] = "pending"
) -> int:
    """Reckon SKUs (each with its cause) outside the flow's own reading; return how many changes went to the outbox.

    ``fresh``: the guards speak of them at the end of the run.
    """
    proposals = reckon(tx, flow, causes, causes)
    entity = flow.entity.entity
    outbox.drop(tx, proposals.dropped)
    for target, decided in proposals.decided.items():
        outbox.put(tx, flow.name, target, entity, decided, run, state=state)
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
        unsure: dict[tuple[str, str], list[str]] = {}
        shown = {} if self._rules.oversell else self._shown(pools, unsure)
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
                    unsure.get((sku, pool), ()),
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

    def _shown(
        self, pools: Mapping[str, Sequence[str]], unsure: dict[tuple[str, str], list[str]]
    ) -> dict[tuple[str, str], dict[str, int]]:
        """Return (SKU, pool) → target → the most that it may show: what it confirmed, or what is on its way.

        Put into ``unsure`` which of them may show less.
        """
        names = {join_key([sku, pool]): (sku, pool) for sku, of_sku in pools.items() for pool in of_sku}
        shown: dict[tuple[str, str], dict[str, int]] = {}
        for target in self._flow.targets:
            there = agreed.of(self._tx, target.name, Stock.entity, names)
            told = [(one.key, one.canonical) for one in there.values()]
            told += [(one.key, one.maybe) for one in there.values() if one.maybe is not None]
            rows = outbox.of(self._tx, target.name, Stock.entity, names)
            told += [(row.key, row.sent_canonical or row.canonical) for row in rows if row.attempt]
            for key in {
                *(key for key, one in there.items() if not one.hash),
                *(row.key for row in rows if row.attempt),
            }:
                unsure.setdefault(names[key], []).append(target.name)
            for key, canonical in told:
                most = shown.setdefault(names[key], {})
                most[target.name] = max(most.get(target.name, 0), int(_available(canonical)))
        return shown


def unstocked(key: str) -> Agreed:
    """Return what is known of a stock that was never confirmed and may be shown: that it was not."""
    sku, warehouse = split_key(key)
    nothing = Stock(sku=sku, warehouse=warehouse, available=Decimal(0))
    return Agreed(key, b"", nothing.encoded(), live=False)


def most(said: bytes, known: Agreed | None) -> bytes:
    """Return the greater of two stocks that may be shown: what was said last, and what may have been before."""
    before = known.maybe if known is not None else None
    return said if before is None else max(said, before, key=_available)


def _with_bound(rules: Allocation, skus: Sequence[str]) -> list[str]:
    """Return SKUs with all whose numbers hang on theirs: kits, and the parts of kits."""
    if not rules.kits:
        return list(dict.fromkeys(skus))
    return list(dict.fromkeys(name for sku in skus for name in (sku, *sorted(bound_to(rules, sku)))))


def _available(canonical: bytes) -> Decimal:
    return Stock.model_validate_json(canonical).available


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

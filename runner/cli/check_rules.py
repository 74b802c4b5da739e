"""What ``check`` can tell of rules that would never do anything: they name what nobody has.

A misspelt warehouse sells nothing, and a cost that no price has holds no price back. Neither is an error anywhere, and
nobody would see it before the first wrong number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields

from obmen.entities import Price, Product, Stock, join_key, split_key
from obmen.errors import meant
from obmen.project import Project
from obmen.project.settings import FlowSettings
from obmen.rules.allocation import Allocation
from obmen.rules.pricing import Pricing, Terms
from obmen.state import Ledger, bindings, originals
from obmen.sync.flow import Flow
from runner.cli.found import Found

_MOST = 20
"""So many goods that nobody has are told one by one."""


@dataclass(frozen=True)
class Listening(Flow):
    """A flow that remembers what its source told of the fields by which records are chosen."""

    heard: dict[str, set[str]] = field(default_factory=dict, compare=False, repr=False)

    def passes(self, name: str, value: str) -> bool:
        """Whether the flow takes in a record by one of its fields."""
        self.heard.setdefault(name, set()).add(value)
        return super().passes(name, value)


def listening(flow: Flow) -> Listening:
    """Return the same flow, which remembers what it hears."""
    return Listening(**{one.name: getattr(flow, one.name) for one in fields(Flow)})


def check_orders(project: Project) -> Iterator[Found]:
    """Find channels whose sales nobody would subtract: no flow brings their orders to the source of the stock."""
    for flow in project.flows.values():
        if flow.allocate is None:
            continue
        brought = {one.source for one in project.flows.values() if one.entity == "order" and flow.source in one.targets}
        lacking = [name for name in flow.targets if name not in brought]
        if lacking:
            once = " With 'oversell: off' its units may be sold twice." if not flow.allocate.oversell else ""
            message = (
                f"No flow brings orders from {' or '.join(lacking)} to {flow.source}, so what is sold there is never "
                f"taken off.{once} Add a flow of order from there to {flow.source}."
            )
            yield Found("warning", flow.name, message, _line(project, flow, ("allocate", "oversell")))


def check_rules(project: Project, flow: Flow, ledger: Ledger) -> Iterator[Found]:
    """Find what the rules of a flow name and its source, which was read into ``ledger``, does not have."""
    settings = project.flows[flow.name]
    if settings.allocate is not None:
        yield from _stock(project, settings, settings.allocate, ledger)
    if settings.pricing is not None and isinstance(flow, Listening):
        yield from _prices(project, settings, settings.pricing, flow.heard.get("price_type", set()))


# -- stock ------------------------------------------------------------------------------------------------------


def _stock(project: Project, flow: FlowSettings, rules: Allocation, ledger: Ledger) -> Iterator[Found]:
    with ledger.read() as tx:
        keys = [split_key(key) for key in originals.keys(tx, flow.source, Stock.entity)]
        named = list(dict.fromkeys(sku for _, sku in _skus(rules)))
        cards = bindings.native_ids(tx, flow.source, Product.entity, [join_key([sku]) for sku in named])
    if not keys:
        return  # nothing was read, which is told elsewhere
    there = {warehouse for _, warehouse in keys}
    for name, pool in rules.pools.items():
        for warehouse in pool.warehouses:
            if warehouse not in there:
                message = f"{flow.source} tells of no stock in a warehouse '{warehouse}'.{meant(warehouse, there)}"
                yield Found("warning", flow.name, message, _line(project, flow, ("allocate", "warehouses", name)))
    known = {sku for sku, _ in keys} | {split_key(subject)[0] for subject in cards}
    lacking = [(path, sku) for path, sku in _skus(rules) if sku not in known]
    for path, sku in lacking[:_MOST]:
        message = f"{flow.source} has no '{sku}', which the rules name.{meant(sku, known)}"
        yield Found("warning", flow.name, message, _line(project, flow, ("allocate", *path)))
    if len(lacking) > _MOST:
        message = f"and {len(lacking) - _MOST} more SKUs that the rules name and {flow.source} does not have."
        yield Found("warning", flow.name, message, _line(project, flow, ("allocate",)))


def _skus(rules: Allocation) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where the rules name a SKU, and the SKU."""
    for kit, parts in rules.kits.items():
        yield ("kits", kit), kit
        for part in parts:
            yield ("kits", kit, part), part
    for sku in sorted(rules.stop):
        yield ("stop",), sku
    for name, channel in rules.channels.items():
        for sku in sorted(channel.stop):
            yield ("channels", name, "stop"), sku


# -- prices -----------------------------------------------------------------------------------------------------


def _prices(project: Project, flow: FlowSettings, rules: Pricing, there: Iterable[str]) -> Iterator[Found]:
    known = set(there)
    if not known:
        return
    for at, terms in (((), rules.usual), *((("channels", name), one) for name, one in rules.channels.items())):
        for key, price_type in _price_types(terms):
            if price_type and price_type not in known:
                message = f"{flow.source} tells of no {Price.entity} of the type '{price_type}'."
                line = _line(project, flow, ("pricing", *at, key), ("pricing", key))
                yield Found("warning", flow.name, f"{message}{meant(price_type, known)}", line)


def _price_types(terms: Terms) -> Iterator[tuple[str, str]]:
    yield "price_type", terms.price_type
    yield "old", terms.old.price_type if terms.old else ""
    yield "min", terms.min.price_type if terms.min else ""
    yield "cost", terms.cost


def _line(project: Project, flow: FlowSettings, *paths: tuple[str, ...]) -> str:
    """Return where the first of these keys stands, or else what the last of them would stand under."""
    for path in paths:
        if ".".join(path) in flow.lines:
            return project.where(flow.lines[".".join(path)])
    last = paths[-1]
    for end in range(len(last), 0, -1):
        if ".".join(last[:end]) in flow.lines:
            return project.where(flow.lines[".".join(last[:end])])
    return project.where(flow.line)

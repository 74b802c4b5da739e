"""What ``check`` can tell of categories before any card is sent: what each demands, and what the goods lack.

A vendor refuses a card for its first missing attribute, minutes after it was taken; here all of them are told
at once, with the line of the categories file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from obmen.categories import Catalogue, CategoryAttribute, Fault, Suggestions
from obmen.categories.judge import find_attribute
from obmen.connector import Connector
from obmen.entities import Product
from obmen.errors import ObmenError, Refused
from obmen.mapping.category_rules import AttributeRule, CategoryRules, Filling, joined
from obmen.project import Project
from obmen.state import Ledger, outbox, quarantine
from obmen.sync.flow import Flow, Target
from runner.cli.found import Found, Level, option_line
from runner.render import number, plural

UNMAPPED = "unmapped_category"
_MOST = 50
"""So many findings of one kind are told."""
_MOST_ASKED = 300
"""So many values of one attribute are looked up, since vendors count these calls."""


@dataclass(slots=True)
class _Goods:
    """How many goods something concerns, and one of them."""

    count: int = 0
    such: str = ""

    def add(self, key: str) -> None:
        """Count one."""
        self.count += 1
        self.such = self.such or key

    def __str__(self) -> str:
        return f" ({number(self.count)} of the goods, such as {self.such})" if self.count else ""


class _Sparing(Catalogue):
    """A catalogue that looks up only so many values of an attribute; ``passed``: how many it took for known."""

    def __init__(self, connector: Connector) -> None:
        super().__init__(connector)
        self.passed = 0
        self._asked: dict[tuple[str, str], set[str]] = {}

    def choices(self, category: str, attribute: CategoryAttribute, texts: Iterable[str]) -> Mapping[str, str]:
        """Look up the first so many."""
        asked = self._asked.setdefault((category, attribute.id), set())
        wanted = list(texts)
        for text in wanted:
            if len(asked) < _MOST_ASKED:
                asked.add(text)
        passed = [text for text in wanted if text not in asked]
        self.passed += len(passed)
        known = super().choices(category, attribute, [text for text in wanted if text in asked])
        return {**known, **dict.fromkeys(passed, "?")}


@dataclass(slots=True)
class _Told:
    """What was found of one flow, each finding once, the first so many of a kind."""

    flow: str
    seen: set[str] = field(default_factory=set)
    rest: int = 0

    def found(self, level: Level, message: str, where: str, about: str = "") -> Iterator[Found]:
        """Yield the finding unless it was told already; ``about`` tells by what it is known, if not by its words."""
        known = f"{where} {about or message}"
        if known in self.seen:
            return
        self.seen.add(known)
        if len(self.seen) > _MOST:
            self.rest += 1
        else:
            yield Found(level, self.flow, message, where)


def check_categories(project: Project, flow: Flow, target: Target, ledger: Ledger) -> Iterator[Found]:
    """Hold a target's categories file against the vendor and against the goods that were read into the ledger."""
    rules = target.mapping.categories
    if rules is None:
        return
    told = _Told(flow.name)
    catalogue = _Sparing(target.connector)
    try:
        yield from _unmapped(project, flow, target, ledger, catalogue, told)
        if has_attributes(target.connector):
            yield from _Judge(rules, catalogue, told).judged(_products(ledger, flow, target))
    except ObmenError as error:
        yield Found("warning", flow.name, f"The categories of {target.name} could not be checked: {error}")
    if catalogue.passed:
        message = (
            f"of some attributes only the first {_MOST_ASKED} values were looked up; {target.name} judges the rest."
        )
        yield Found("warning", flow.name, message)
    if told.rest:
        yield Found("problem", flow.name, f"and {plural(told.rest, 'finding')} more about categories.")


def has_attributes(connector: Connector) -> bool:
    """Whether a connector can tell of its vendor's categories at all."""
    return type(connector).category_attributes is not Connector.category_attributes


def _unmapped(
    project: Project, flow: Flow, target: Target, ledger: Ledger, catalogue: Catalogue, told: _Told
) -> Iterator[Found]:
    """Tell of canonical categories without an entry, the most frequent first, with the vendor's nearest ones."""
    goods: dict[tuple[str, ...], _Goods] = {}
    words: dict[tuple[str, ...], str] = {}
    for key, path, message in unmapped(ledger, flow, target):
        goods.setdefault(path, _Goods()).add(key)
        words[path] = message
    if not goods or target.mapping.spec.categories is None:
        return
    settings = project.connections[target.name]
    where = option_line(project, settings, target.mapping.spec.categories.option)
    near = Suggestions(catalogue.nodes())
    for path, count in sorted(goods.items(), key=lambda one: (-one[1].count, one[0])):
        yield from told.found("problem", f"{words[path]}{nearest(path, near)}{count}", where)


def unmapped(ledger: Ledger, flow: Flow, target: Target) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield key, canonical category and reason of each product that no entry of the file serves."""
    after = 0
    while True:
        with ledger.read() as tx:
            page = quarantine.entries(tx, flow=flow.name, code=UNMAPPED, states=("open",), after=after)
        if not page:
            return
        for entry in page:
            if entry.connection == target.name and entry.canonical is not None:
                yield entry.key, _product(entry.canonical).category or (), entry.message
        after = page[-1].id


def nearest(path: tuple[str, ...], near: Suggestions) -> str:
    """Return a sentence with the vendor's categories of the nearest names, empty if there are none."""
    found = near.of(path)
    return f" Nearest by name: {'; '.join(f'{node.id} ({node.title})' for node in found)}." if found else ""


def _products(ledger: Ledger, flow: Flow, target: Target) -> Iterator[Product]:
    after = ("", -1)
    while True:
        with ledger.read() as tx:
            rows = outbox.listing(tx, flow.name, target.name, flow.entity.entity, after)
        if not rows:
            return
        yield from (_product(row.canonical) for row in rows)
        after = (rows[-1].key, rows[-1].sequence)


def _product(canonical: bytes) -> Product:
    return Product.model_validate_json(canonical)


class _Judge:
    """Judges the entries that goods use, or all of the file where there are no goods, and then the goods."""

    def __init__(self, rules: CategoryRules, catalogue: Catalogue, told: _Told) -> None:
        self.rules, self.catalogue, self.told = rules, catalogue, told
        self._unknown: set[str] = set()
        self._served: set[str] = set()

    def judged(self, products: Iterator[Product]) -> Iterator[Found]:
        """Yield what is wrong."""
        faults: dict[tuple[str, Fault], _Goods] = {}
        used: dict[str, Filling] = {}
        for product in products:
            filling = self.rules.filling(product)
            if (name := joined(product.category)) not in used:
                used[name] = filling
                yield from self._entry(name, filling)
            for fault in self._faults(filling, product):
                faults.setdefault((name, fault), _Goods()).add(product.key)
        for (name, fault), goods in faults.items():
            yield from self._of_goods(name, used[name], fault, goods)
        if not used:
            for name, entry in self.rules.entries.items():
                found = self.rules.of(tuple(name.split("/")))
                if found is not None and entry.category:
                    used[name] = found
                    yield from self._entry(name, found)
        yield from self._idle(used.values())

    def _entry(self, name: str, filling: Filling) -> Iterator[Found]:
        """Tell what the rules of one category miss, whatever the goods are."""
        described = self._described(filling.category)
        if filling.category in self._unknown:
            message = f"'{name}': the vendor has no category {filling.category}."
            near = nearest(tuple(name.split("/")), Suggestions(self.catalogue.nodes()))
            yield from self.told.found("problem", f"{message}{near}", filling.where)
            return
        ruled = {one.id for rule in filling.rules if (one := find_attribute(described, rule.name)) is not None}
        for attribute in described:
            if attribute.required and attribute.id not in ruled:
                message = f"'{name}': category {filling.category} requires '{attribute.name}', and no rule fills it."
                yield from self.told.found("problem", message, filling.where)
        sample = [_sample(rule) for rule in filling.rules]
        payload = {"category": filling.category, "attributes": sample}
        for fault in self.catalogue.judge(payload)[1]:
            if fault.kind in ("unknown", "choice", "value"):
                yield from self._told_fault(filling, fault)

    def _described(self, category: str) -> tuple[CategoryAttribute, ...]:
        try:
            described = self.catalogue.attributes(category)
        except Refused:
            self._unknown.add(category)
            return ()
        nodes = () if described else self.catalogue.nodes()
        if nodes and all(node.id != category for node in nodes):
            self._unknown.add(category)
        return described

    def _faults(self, filling: Filling, product: Product) -> list[Fault]:
        if filling.category in self._unknown:
            return []
        payload: dict[str, Any] = {"category": filling.category, "attributes": filling.attributes(product)}
        return self.catalogue.judge(payload)[1]

    def _of_goods(self, name: str, filling: Filling, fault: Fault, goods: _Goods) -> Iterator[Found]:
        if fault.kind == "missing":
            described = self.catalogue.attributes(filling.category)
            rule = _rule_of(filling, fault, described)
            if rule is not None:
                message = f"'{name}': {fault.message}{goods}: mend them, or give it a `when_absent`."
                yield from self.told.found("problem", message, rule.where)
        elif fault.kind != "unknown":
            yield from self._told_fault(filling, fault, goods)

    def _told_fault(self, filling: Filling, fault: Fault, goods: _Goods | None = None) -> Iterator[Found]:
        rule = _rule_of(filling, fault, self.catalogue.attributes(filling.category))
        message = f"{fault.message}{goods or ''}."
        where = rule.where if rule is not None else filling.where
        yield from self.told.found("problem", message, where, about=fault.message)

    def _idle(self, used: Iterable[Filling]) -> Iterator[Found]:
        """Tell of rules for all categories that none of them has an attribute for: they are misspelt."""
        having: Counter[str] = Counter()
        general: dict[str, AttributeRule] = {}
        for filling in used:
            for rule in filling.rules:
                if rule.general and filling.category not in self._unknown:
                    general[rule.name] = rule
                    described = self.catalogue.attributes(filling.category)
                    having[rule.name] += find_attribute(described, rule.name) is not None
        for name, rule in general.items():
            if not having[name]:
                message = f"no category that is used has an attribute '{name}', so this rule fills nothing."
                yield from self.told.found("warning", message, rule.where)


def _sample(rule: AttributeRule) -> dict[str, Any]:
    """Return an attribute with all the values that stand in the file itself."""
    listed = [value for values in (rule.values or {}).values() for value in values]
    values = [*rule.fixed, *rule.absent, *listed]
    return {"attribute": rule.name, "values": values, "unit": rule.unit, "general": rule.general}


def _rule_of(filling: Filling, fault: Fault, described: Iterable[CategoryAttribute]) -> AttributeRule | None:
    for rule in filling.rules:
        attribute = find_attribute(described, rule.name)
        if fault.attribute in (rule.name, attribute.id if attribute is not None else None):
            return rule
    return None

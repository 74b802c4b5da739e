"""What goods are called in one connection, where that is not their sku: put into what is pushed and what is pulled.

A card that a person made under another article would otherwise be made a second time under our sku, and orders
for it would name goods that nobody knows. A canonical record holds our sku everywhere but on this last step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

from obmen.entities import Product, Record, join_key, split_key
from obmen.mapping import BoundMapping
from obmen.mapping.canonical import fields_of
from obmen.mapping.rules import Scope
from obmen.state import bindings
from obmen.state.ledger import Transaction

Steps = tuple[str, ...]
_NAME = Product.key_fields[0]
_AnyRecord = TypeVar("_AnyRecord", bound=Record)


class Names:
    """The goods that go by another name in a connection: sku → name there."""

    def __init__(self, there: Mapping[str, str]) -> None:
        self._there = there

    @classmethod
    def of_records(cls, tx: Transaction, connection: str, records: Iterable[Record]) -> tuple[Names, dict[str, str]]:
        """Return the names of the goods that records are about, and name → sku of names that belong to others.

        A record that goes by a name of the latter would be written over another's card.
        """
        entity = Product.entity
        if not bindings.any_named(tx, connection, entity):
            return cls({}), {}
        wanted = {one for record in records for one in goods_of(record)}
        found = bindings.naturals(tx, connection, entity, map(_key, wanted))
        there = {_sku(key): name for key, name in found.items()}
        others = bindings.named(tx, connection, entity, wanted - there.keys())
        return cls(there), {name: _sku(key) for name, key in others.items()}

    def put_into(self, record: _AnyRecord) -> _AnyRecord:
        """Return the record as the connection would name its goods."""
        if not self._there:
            return record
        named: _AnyRecord = _renamed_in(record, places(type(record)), self._there)
        return named

    def refs(self, refs: Mapping[tuple[str, str], str]) -> Mapping[tuple[str, str], str]:
        """Return (entity, key) → native id with goods by their names there as well."""
        entity = Product.entity
        pairs = [((entity, _key(sku)), (entity, _key(name))) for sku, name in self._there.items()]
        return {**refs, **{named: refs[known] for known, named in pairs if known in refs}}


class Skus:
    """The way back: what is pulled from a connection names its goods by sku. ``here``: name there → sku."""

    def __init__(self, mapping: BoundMapping, here: Mapping[str, str]) -> None:
        self._here = here
        self._places = tuple(steps for steps in places(mapping.spec.model) if steps not in set(_resolved(mapping)))

    @classmethod
    def known(cls, tx: Transaction, mapping: BoundMapping) -> Skus:
        """Return those of the connection that a mapping is bound for."""
        connection = mapping.context.connection
        named = bindings.any_named(tx, connection, Product.entity)
        here = bindings.named(tx, connection, Product.entity) if named else {}
        return cls(mapping, {name: _sku(key) for name, key in here.items()})

    def put_into(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return canonical values with skus in place of the connection's names."""
        if not self._here:
            return fields
        renamed: dict[str, Any] = _renamed_in(fields, self._places, self._here)
        return renamed


def _key(sku: str) -> str:
    return join_key((sku,))


def _sku(key: str) -> str:
    return split_key(key)[0]


def goods_of(record: Record) -> Iterator[str]:
    """Yield the skus of the goods that a record is about."""
    for steps in places(type(record)):
        yield from _found(record, steps)


@cache
def places(model: type[BaseModel]) -> tuple[Steps, ...]:
    """Return where a canonical record names goods, as steps from the top; lists on the way are gone through."""
    found: list[Steps] = []
    for name, field in fields_of(model).items():
        if name == _NAME:
            found.append((name,))
        elif field.model is not None:
            found += [(name, *steps) for steps in places(field.model)]
    return tuple(found)


def _resolved(mapping: BoundMapping) -> Iterator[Steps]:
    """Yield the places that pull fills from bindings, so that our sku stands there already."""
    subject = mapping.spec.subject
    if subject is not None and subject.pulls:
        yield from ((name,) for name in subject.names)
    yield from _refs(mapping.scope, ())


def _refs(scope: Scope, above: Steps) -> Iterator[Steps]:
    for rule in scope.rules:
        steps = (*above, *rule.field.steps)
        if rule.pulls and rule.ref:
            yield steps
        if rule.each is not None:
            yield from _refs(rule.each, steps)


def _found(value: Any, steps: Steps) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _found(item, steps)
    elif value is not None and not steps:
        yield str(value)
    elif value is not None:
        yield from _found(getattr(value, steps[0]), steps[1:])


def _renamed_in(value: Any, wanted: Iterable[Steps], names: Mapping[str, str]) -> Any:
    for steps in wanted:
        value = _renamed(value, steps, names)
    return value


def _renamed(value: Any, steps: Steps, names: Mapping[str, str]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_renamed(item, steps, names) for item in value)
    if not steps:
        return value if value is None else names.get(str(value).strip(), value)
    name, rest = steps[0], steps[1:]
    if isinstance(value, BaseModel):
        if (inner := getattr(value, name)) is None:
            return value
        return value.model_copy(update={name: _renamed(inner, rest, names)})
    if isinstance(value, dict) and name in value:
        return {**value, name: _renamed(value[name], rest, names)}
    return value

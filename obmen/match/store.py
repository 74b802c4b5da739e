"""Storing a match: bindings, and what follows from them for records that were read or sent before.

What was told to another card, or to none, is told again; what waited for a binding waits no more; and what the
connection has told under a name that is now known is looked at anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from obmen.entities import Product, split_key
from obmen.errors import ConfigurationError, meant
from obmen.match.again import tell_again, writing
from obmen.match.earlier import rename
from obmen.match.model import Card, Good, Matched
from obmen.match.pairs import natural_id
from obmen.state import Ledger, Transaction, bindings
from obmen.state.bindings import Binding
from obmen.sync import waiting
from obmen.sync.flow import Flow

_ENTITY = Product.entity
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person said: key → the native id or the name of a card, and keys to be bound no more."""

    bind: Mapping[str, str] = field(default_factory=dict)
    unbind: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.bind or self.unbind)

    def bindings(
        self, goods: Iterable[Good], cards: Sequence[Card], bound: Mapping[str, Binding]
    ) -> dict[str, Binding]:
        """Return the bindings that are to be stored. Raises ConfigurationError for a choice that cannot be."""
        known = {good.key: good for good in goods}
        by_id: dict[str, list[Card]] = {}
        for card in cards:
            for name in {card.native_id, card.sku}:
                by_id.setdefault(name, []).append(card)
        owners = {binding.native_id: key for key, binding in bound.items() if key not in self.unbind}
        for key in self.unbind:
            if key not in bound:
                raise ConfigurationError(f"'{key}' is not bound, so there is nothing to unbind.")
        chosen: dict[str, Binding] = {}
        for key, name in self.bind.items():
            if key not in known:
                raise ConfigurationError(f"There is no good '{key}'.{_near(key, known)}")
            card = _one(name, by_id)
            owner = owners.get(card.native_id, key)
            if owner != key:
                message = f"The card {name} is bound to '{owner}'. Free it with --unbind {owner}, in the same command."
                raise ConfigurationError(message)
            owners[card.native_id] = key
            chosen[key] = Binding(key, card.native_id, natural_id(known[key], card), chosen=True)
        return chosen


@dataclass(slots=True)
class Stored:
    """What was stored: bindings that are new or other than before, keys that are bound no more.

    ``again``: records that will be told once more; ``mended``: those that waited under a name that is known now.
    """

    bound: int = 0
    unbound: int = 0
    again: int = 0
    mended: int = 0


def store(
    ledger: Ledger,
    flows: Sequence[Flow],
    connection: str,
    matched: Sequence[Matched],
    choices: Mapping[str, Binding],
    unbind: Sequence[str],
) -> Stored:
    """Store pairs that were found, and a person's choices, while no flow of the connection's goods runs.

    ``flows``: all of the project's. ``matched``: what was found with the choices made already. Raises Busy while
    one of those flows runs.
    """
    stored = Stored()
    to = writing(flows, connection)
    found = [
        Binding(one.good.key, one.card.native_id, natural_id(one.good, one.card), chosen=one.how == "chosen")
        for one in matched
        if not one.stored and one.good.key not in choices and one.good.key not in unbind
    ]
    with ExitStack() as stack:
        for flow in to:
            stack.enter_context(ledger.lease(flow.name))
        with ledger.write() as tx:
            bindings.unbind(tx, connection, _ENTITY, unbind)
            stored.unbound = len(unbind)
            stored.again += tell_again(tx, to, connection, unbind, facets=True)
        for batch in _batches([*choices.values(), *found]):
            with ledger.write() as tx:
                _store(tx, flows, connection, batch, stored)
    return stored


def _store(tx: Transaction, flows: Sequence[Flow], connection: str, batch: list[Binding], stored: Stored) -> None:
    keys = [one.key for one in batch]
    before = bindings.native_ids(tx, connection, _ENTITY, keys)
    names = bindings.naturals(tx, connection, _ENTITY, keys)
    bindings.save(tx, connection, _ENTITY, batch)
    waiting.bound(tx, connection, _ENTITY, {one.key: one.native_id for one in batch})
    moved = [one.key for one in batch if (before.get(one.key), names.get(one.key)) != (one.native_id, one.natural_id)]
    to = writing(flows, connection)
    stored.bound += len(batch)
    stored.again += tell_again(tx, to, connection, [key for key in moved if key in before], facets=True)
    stored.again += tell_again(tx, to, connection, [key for key in moved if key not in before], facets=False)
    if any(one.natural_id != names.get(one.key) for one in batch):
        skus = {one.natural_id: split_key(one.key)[0] for one in batch if one.natural_id is not None}
        stored.mended += rename(tx, flows, connection, skus)


def _one(name: str, by_id: Mapping[str, list[Card]]) -> Card:
    found = by_id.get(name, [])
    if not found:
        raise ConfigurationError(f"There is no card {name}.{_near(name, by_id)}")
    exact = [card for card in found if card.native_id == name] or found
    if len(exact) > 1:
        ids = ", ".join(card.native_id for card in exact)
        raise ConfigurationError(f"Several cards are called {name}: {ids}. Name one by its id.")
    return exact[0]


def _near(name: str, known: Mapping[str, object]) -> str:
    return meant(name, known).partition(" Known:")[0]


def _batches(bound: list[Binding]) -> Iterator[list[Binding]]:
    for start in range(0, len(bound), _BATCH):
        yield bound[start : start + _BATCH]

"""Reading both sides of a match, whole and without a trace in the ledger: only what goods can be known by is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from obmen.connector import Connector
from obmen.entities import Product
from obmen.errors import IncompleteSource, Refused
from obmen.mapping import BoundMapping, NotCarried, Unresolved
from obmen.match.model import Card, Good
from obmen.records import Native, Page, pick
from obmen.state import Ledger, bindings
from obmen.sync.flow import Flow
from obmen.sync.names import Skus
from obmen.sync.slices import decoded

_SHOWN = 5


@dataclass(slots=True)
class Told:
    """What one side could not tell: how many records cannot be read, the first reasons, and whether it is whole."""

    unreadable: int = 0
    reasons: list[str] = field(default_factory=list)
    partial: bool = False

    def cannot(self, reason: object) -> None:
        """Count a record that cannot be read."""
        self.unreadable += 1
        if len(self.reasons) < _SHOWN:
            self.reasons.append(str(reason))


def read_goods(ledger: Ledger, flows: Iterable[Flow], told: Told) -> list[Good]:
    """Return the goods that these flows bring, each key once."""
    found: dict[str, Good] = {}
    for flow in flows:
        with ledger.read() as tx:
            skus = Skus.known(tx, flow.pull)
        for _, product in _products(ledger, flow.source, flow.pull, told, skus):
            if any(str(getattr(product, name)) != value for name, value in flow.where.items()):
                continue
            found.setdefault(product.key, Good(product.key, product.sku, *_known_by(product)))
    return list(found.values())


def read_cards(ledger: Ledger, connector: Connector, pull: BoundMapping, told: Told) -> list[Card]:
    """Return the cards of a connection by its own names."""
    found = {
        native_id: Card(native_id, product.sku, *_known_by(product))
        for native_id, product in _products(ledger, connector, pull, told, Skus(pull, {}))
    }
    return list(found.values())


def _known_by(product: Product) -> tuple[str, str, tuple[str, ...], bool]:
    return product.name or "", product.article or "", product.barcodes or (), bool(product.archived)


def _products(
    ledger: Ledger, connector: Connector, pull: BoundMapping, told: Told, skus: Skus
) -> Iterator[tuple[str, Product]]:
    key = connector.readers[Product.entity].key
    for page in connector.read(Product.entity, None):
        told.partial = told.partial or page.partial
        natives = list(_natives(page, told))
        refs = _refs(ledger, connector.name, pull, natives)
        for native in natives:
            try:
                yield pick(native, key), Product.model_validate(skus.put_into(pull.pull(native, refs)))
            except NotCarried:
                continue
            except (Refused, Unresolved, IncompleteSource) as error:
                told.cannot(error)
            except ValidationError as error:
                told.cannot(f"a product cannot be made of it ({error.errors(include_input=False)[0]['msg']})")


def _natives(page: Page, told: Told) -> Iterator[Native]:
    for one in decoded(page, [(b"", raw) for raw in page.slices]):
        if one.fault is not None:
            told.cannot(one.fault)
        yield from one.natives


def _refs(
    ledger: Ledger, connection: str, pull: BoundMapping, natives: list[dict[str, Any]]
) -> Mapping[tuple[str, str], str]:
    wanted: dict[str, set[str]] = {}
    for native in natives:
        for entity, native_id in pull.pull_refs(native):
            wanted.setdefault(entity, set()).add(native_id)
    found: dict[tuple[str, str], str] = {}
    for entity, ids in wanted.items():
        with ledger.read() as tx:
            found.update({(entity, one): key for one, key in bindings.keys(tx, connection, entity, ids).items()})
    return found

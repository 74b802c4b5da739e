"""The flows that are measured, onto a shelf that takes everything.

They carry prices from CommerceML or from JSON pages, goods of 1C by OData or by EnterpriseData, and its prices and
stock by OData.

The shelf costs nothing, so what is measured is Obmen itself: reading, mapping, the ledger, the protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from obmen.connector import Batch, Connector, Options, Outcome, Page, reader, writer
from obmen.entities import Price, Product, Stock
from obmen.http.reply import Reply
from obmen.mapping import Context, load_mapping, parse_mapping
from obmen.state import Ledger
from obmen.state.memory import LedgerMemory
from obmen.sync.flow import Flow, Target
from tests.bench import enterprisedata, odata
from tests.bench.json_data import BUFFER, PAGE, sku

_PRESETS = Path(__file__).parents[2] / "mappings" / "onec"
_OFFER, _ID = "<Предложение>".encode(), "<Ид>".encode()
_FIELDS = "sku: offer_id, amount: { path: price, as: money_string }, currency: currency_code"
_SHELF = f"entity: price\nonly: push\nfields: {{ {_FIELDS} }}\n"
_PEER = f"entity: price\nonly: pull\nfields: {{ {_FIELDS}, price_type: {{ fixed: base }} }}\n"


_GOODS = "entity: product\nonly: push\nfields: { sku: id, name: name, description: text, barcodes: codes }\n"
_STOCK = "entity: stock\nonly: push\nfields: { sku: id, warehouse: place, available: { path: amount, as: number } }\n"


_RETAIL = {"price_type": "Розничная"}
_KINDS: dict[str, Any] = {"prices.rows": (Price, _SHELF, _RETAIL), "stock.rows": (Stock, _STOCK, {})}
"""What a base's lists carry beside goods."""


class Shelf(Connector):
    """A target that confirms everything at once."""

    @writer("price", key="offer_id", batch=PAGE, absolute=True)
    def set_prices(self, batch: Batch) -> Iterator[Outcome]:
        return (batch.done(item.id) for item in batch.items)

    @writer("product", key="id", batch=PAGE, absolute=True)
    def set_products(self, batch: Batch) -> Iterator[Outcome]:
        return (batch.done(item.id, item.id) for item in batch.items)

    @writer("stock", key=("id", "place"), batch=PAGE, absolute=True)
    def set_stock(self, batch: Batch) -> Iterator[Outcome]:
        return (batch.done(item.id) for item in batch.items)


class Peer(Connector):
    """A source that answers in JSON pages, from a file."""

    class Options(Options):
        answers: Path

    @reader("price", key="offer_id", complete=True)
    def prices(self, cursor: str | None) -> Iterator[Page]:
        with self.options.answers.open("rb", buffering=BUFFER) as file:
            for answer in file:
                yield Page(Reply(200, {}, answer, what="prices").slices("result.items"))


@dataclass(frozen=True)
class Input:
    """A file of data.

    Prices: an offers package of CommerceML (.xml) or the answers of the JSON peer (.jsonl); a base's lists by OData
    (.rows, and what they are of is the file's name); its goods in a first message of EnterpriseData (.zip).

    ``state`` is the URL of the ledger; without one it lies beside the file.
    """

    path: Path
    state: str = ""

    @property
    def xml(self) -> bool:
        """Whether it is CommerceML."""
        return self.path.suffix == ".xml"

    @property
    def goods_only(self) -> bool:
        """Whether it is goods that are carried, and not their prices."""
        return self.path.name == "goods.rows" or self.path.suffix == ".zip"

    @property
    def record(self) -> bytes:
        """What each record begins with."""
        return _OFFER if self.xml else b'"offer_id"'

    @property
    def after_price(self) -> bytes:
        """What follows the digits of a record's first price."""
        return "</ЦенаЗаЕдиницу>".encode() if self.xml else b'", "currency_code"'

    def flow(self, ledger: Ledger) -> Flow:
        """Return the flow from this input to the shelf."""
        return self._base_flow(ledger) if self.path.suffix in {".rows", ".zip"} else self._price_flow()

    def _base_flow(self, ledger: Ledger) -> Flow:
        from connectors.onec import OneC  # noqa: PLC0415 - not part of what JSON needs

        shelf = Shelf("shelf", Options())
        kind, told, where = _KINDS.get(self.path.name, (Product, _GOODS, {}))
        target = parse_mapping(told).bind(Context("shelf"), "push")
        if self.path.suffix == ".rows":
            http: Any = odata.Base(self.path)
            source, door = OneC("source", OneC.Options(url="http://127.0.0.1/base"), http=http), "odata"
        else:
            settings: Any = enterprisedata.options(self.path)
            source, door = OneC("source", OneC.Options(enterprisedata=settings)), "enterprisedata"
        source.memory = LedgerMemory(ledger, "source")
        pull = load_mapping(_PRESETS / door / f"{kind.entity}.yaml").bind(Context("source"), "pull")
        return Flow(kind.entity, kind, source, pull, (Target("shelf", shelf, target),), where=where)

    def _price_flow(self) -> Flow:
        target = parse_mapping(_SHELF).bind(Context("shelf"), "push")
        shelf = (Target("shelf", Shelf("shelf", Options()), target),)
        if self.xml:
            from connectors.onec import OneC  # noqa: PLC0415 - not part of what JSON needs

            source: Connector = OneC("source", OneC.Options(commerceml=self.path))
            pull = load_mapping(_PRESETS / "commerceml" / "price.yaml").bind(Context("source"), "pull")
            return Flow("prices", Price, source, pull, shelf, where=_RETAIL)
        source = Peer("source", Peer.Options(answers=self.path))
        pull = parse_mapping(_PEER).bind(Context("source"), "pull")
        return Flow("prices", Price, source, pull, shelf, where={"price_type": "base"})

    def ledger(self) -> Ledger:
        """Open the ledger."""
        return Ledger(self.state or f"sqlite:///{self.path.parent / 'state.db'}")

    def goods(self, records: int) -> Iterator[list[str]]:
        """Yield the ids of the goods whose prices these are, a page at a time."""
        if self.path.suffix == ".rows":
            yield from odata.items(records)
        elif self.xml:
            from connectors.onec.commerceml import CommerceML  # noqa: PLC0415 - not part of what JSON needs

            for page in CommerceML(self.path).prices():
                yield [piece.partition(_ID)[2].partition(b"<")[0].decode() for piece in page.slices]
        else:
            for start in range(0, records, PAGE):
                yield [sku(number) for number in range(start, min(start + PAGE, records))]

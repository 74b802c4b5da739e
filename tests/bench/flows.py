"""The flows that are measured: prices from CommerceML or from JSON pages into a shelf that takes everything.

The shelf costs nothing, so what is measured is Obmen itself: reading, mapping, the ledger, the protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from obmen.connector import Batch, Connector, Options, Outcome, Page, reader, writer
from obmen.entities import Price
from obmen.http.reply import Reply
from obmen.mapping import Context, load_mapping, parse_mapping
from obmen.state import Ledger
from obmen.sync.flow import Flow, Target
from tests.bench.json_data import BUFFER, PAGE, sku

_PRESET = Path(__file__).parents[2] / "mappings" / "onec" / "commerceml" / "price.yaml"
_OFFER, _ID = "<Предложение>".encode(), "<Ид>".encode()
_FIELDS = "sku: offer_id, amount: { path: price, as: money_string }, currency: currency_code"
_SHELF = f"entity: price\nonly: push\nfields: {{ {_FIELDS} }}\n"
_PEER = f"entity: price\nonly: pull\nfields: {{ {_FIELDS}, price_type: {{ fixed: base }} }}\n"


class Shelf(Connector):
    """A target that confirms every price at once."""

    @writer("price", key="offer_id", batch=PAGE, absolute=True)
    def set_prices(self, batch: Batch) -> Iterator[Outcome]:
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
    """A file of prices: an offers package of CommerceML, or the answers of the JSON peer.

    ``state`` is the URL of the ledger; without one it lies beside the file.
    """

    path: Path
    state: str = ""

    @property
    def xml(self) -> bool:
        """Whether it is CommerceML."""
        return self.path.suffix == ".xml"

    @property
    def record(self) -> bytes:
        """What each record begins with."""
        return _OFFER if self.xml else b'"offer_id"'

    @property
    def after_price(self) -> bytes:
        """What follows the digits of a record's first price."""
        return "</ЦенаЗаЕдиницу>".encode() if self.xml else b'", "currency_code"'

    def flow(self) -> Flow:
        """Return the flow of prices from this input to the shelf."""
        target = parse_mapping(_SHELF).bind(Context("shelf"), "push")
        shelf = (Target("shelf", Shelf("shelf", Options()), target),)
        if self.xml:
            from connectors.onec import OneC  # noqa: PLC0415 - not part of what JSON needs

            source: Connector = OneC("source", OneC.Options(commerceml=self.path))
            pull = load_mapping(_PRESET).bind(Context("source"), "pull")
            return Flow("prices", Price, source, pull, shelf, where={"price_type": "Розничная"})
        source = Peer("source", Peer.Options(answers=self.path))
        pull = parse_mapping(_PEER).bind(Context("source"), "pull")
        return Flow("prices", Price, source, pull, shelf, where={"price_type": "base"})

    def ledger(self) -> Ledger:
        """Open the ledger."""
        return Ledger(self.state or f"sqlite:///{self.path.parent / 'state.db'}")

    def goods(self, records: int) -> Iterator[list[str]]:
        """Yield the ids of the goods whose prices these are, a page at a time."""
        if self.xml:
            from connectors.onec.commerceml import CommerceML  # noqa: PLC0415 - not part of what JSON needs

            for page in CommerceML(self.path).prices():
                yield [piece.partition(_ID)[2].partition(b"<")[0].decode() for piece in page.slices]
        else:
            for start in range(0, records, PAGE):
                yield [sku(number) for number in range(start, min(start + PAGE, records))]

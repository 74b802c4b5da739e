"""Reads products: goods joined with their offers.

A product is what can be sold: a good joined with each of its offers, a good without any, an offer whose good
is not in the export. Each is a slice of its own, so that a broken variant harms no other.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing

from connectors.onec.commerceml import keys
from connectors.onec.commerceml.decode import SEPARATOR, Decoder
from connectors.onec.commerceml.export import Export
from connectors.onec.commerceml.join import Given, Left, Offer, Window, good_of
from connectors.onec.commerceml.live import GOODS, OFFERS
from connectors.onec.commerceml.outline import GOOD, OFFER, Opened
from connectors.onec.commerceml.pages import PAGE, Pages
from connectors.onec.commerceml.places import Place
from connectors.onec.commerceml.slicer import as_element
from obmen.records import Page

_Product = tuple[bytes, list[Place]]
_Good = tuple[str | None, bytes, Place]


def read_products(export: Export) -> Iterator[Page]:
    """Yield goods joined with their offers, then the goods and the offers that found none in passing.

    Where there is nothing to sell, an empty page tells which it is: a whole catalogue without goods says that
    there are none; an export without one does not speak of goods, and its page is partial.
    """
    pages = Pages(export.classifier, export.partial(export.changes, GOODS, OFFERS))
    with ExitStack() as stack:
        left = stack.enter_context(Left(export.sources))
        for piece, places in stack.enter_context(closing(_products(export, left))):
            yield from pages.add(piece, places)
    yield from pages.rest()
    if not pages.count:
        unspoken = GOOD not in export.whole
        yield Page((), partial=unspoken or export.partial(False, GOODS, OFFERS), where=str(export.path))


def _products(export: Export, left: Left) -> Generator[_Product, None, None]:
    joined = bytearray()
    with closing(_offers(export)) as offers:
        window = Window(offers, left)
        for goods in _goods(export):
            window.fill()
            for good in goods:
                own = window.take(good[0]) if good[0] else []
                joined.append(bool(own))
                yield from _sold(good, own)
        window.drain()
    if left.index() or not all(joined):
        yield from _second_reading(export, left, joined)
    for orphans in left.orphans(PAGE):
        for offer in orphans:
            yield as_element(offer.said, OFFER), [offer.place]


def _second_reading(export: Export, left: Left, joined: bytearray) -> Iterator[_Product]:
    """Yield goods with the offers that came too early or too late for them, and goods without any."""
    number = 0
    for goods in _goods(export):
        for good, own in zip(goods, left.of([good[0] for good in goods]), strict=True):
            yield from _sold(good, own)
            if not own and not joined[number]:
                yield good[1], [good[2]]
            number += 1


def _sold(good: _Good, offers: list[Offer]) -> Iterator[_Product]:
    _, text, place = good
    for offer in offers:
        yield text + SEPARATOR + as_element(offer.said, OFFER), [place, offer.place]


def _goods(export: Export) -> Iterator[list[_Good]]:
    """Yield goods by their id, as elements, the newest of each id where several files may hold it."""
    current: Opened | None = None
    with ExitStack() as stack:
        given = stack.enter_context(Given()) if export.overlapping else None
        for source, container, batch in export.batches(GOOD, GOODS):
            if container is not current:
                current, decoder = container, Decoder(export.classifier)
            ids = [keys.record_id(piece, GOOD, decoder) for piece in batch.slices]
            kept = range(len(ids)) if given is None else given.fresh(ids)
            yield [
                (ids[n], as_element(batch.slices[n], GOOD), Place(source, batch.place(n), batch.lines)) for n in kept
            ]


def _offers(export: Export) -> Generator[Offer, None, None]:
    """Yield the offers that describe what is sold, the newest of each id where several files may hold it."""
    current: Opened | None = None
    with ExitStack() as stack:
        given = stack.enter_context(Given()) if export.overlapping else None
        for source, container, batch in export.batches(OFFER, OFFERS):
            if container is not current:
                current, decoder = container, Decoder(export.classifier)
            said = [(n, part) for n, piece in enumerate(batch.slices) if (part := keys.product_part(piece))]
            ids = [keys.record_id(part, OFFER, decoder) for _, part in said]
            rereadable = source.direct and not batch.lines
            for kept in range(len(ids)) if given is None else given.fresh(ids):
                (n, part), id_ = said[kept], ids[kept]
                place = Place(source, batch.place(n), batch.lines)
                length = len(batch.slices[n]) if rereadable else 0
                yield Offer(id_, None if id_ is None else good_of(id_), part, place, length)

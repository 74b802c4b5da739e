"""Reads prices and rests: the sides of an offer that change every day, from whatever file they stand in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from connectors.onec.commerceml import keys, live
from connectors.onec.commerceml.classifier import Classifier
from connectors.onec.commerceml.decode import Decoder
from connectors.onec.commerceml.export import Export
from connectors.onec.commerceml.join import Given
from connectors.onec.commerceml.live import Aspect
from connectors.onec.commerceml.outline import OFFER, Opened
from connectors.onec.commerceml.pages import BatchPages, Decode
from obmen.records import Page


@dataclass(frozen=True, slots=True)
class Facet:
    """A side of an offer: what shows that an offer has it, how it is decoded, and what else decides that."""

    aspect: Aspect
    marks: tuple[bytes, ...]
    decode: Callable[[Decoder], Decode]
    salt: Callable[[Classifier], bytes]


PRICES = Facet(live.PRICES, keys.PRICES, lambda decoder: decoder.prices, Classifier.price_salt)
STOCKS = Facet(live.RESTS, keys.RESTS, lambda decoder: decoder.stocks, Classifier.stock_salt)


def read_facet(export: Export, facet: Facet) -> Iterator[Page]:
    """Yield the offers that have this side.

    Where there is none, an empty page tells which it is. A whole package without offers says that there are
    none. But an export without a package, or whose offers all leave the side out, does not speak of it: that
    page is partial, for a file that is still on its way must not look as if all prices or all rests were gone.
    """
    current: Opened | None = None
    pages: BatchPages | None = None
    offers = found = 0
    with ExitStack() as stack:
        given = stack.enter_context(Given()) if export.overlapping else None
        for source, container, batch in export.batches(OFFER, facet.aspect):
            if container is not current or pages is None:
                yield from pages.rest() if pages else ()
                current, decoder = container, Decoder(export.classifier)
                salt = facet.salt(export.classifier)
                partial = export.partial(container.partial, facet.aspect)
                pages = BatchPages(source, facet.decode(decoder), salt, partial)
            kept = keys.speaking_of(facet.marks, batch.slices)
            offers += len(batch.slices)
            found += len(kept)
            speaking = batch if len(kept) == len(batch.slices) else batch.only(kept)
            if given is not None:
                ids = [keys.record_id(piece, OFFER, decoder) for piece in speaking.slices]
                speaking = speaking.only(given.fresh(ids))
            yield from pages.add(speaking)
        yield from pages.rest() if pages else ()
    if not found:
        unspoken = offers > 0 or OFFER not in export.whole
        yield Page((), partial=unspoken or export.partial(False, facet.aspect), where=str(export.path))

"""The archive: cards leave it and come back; a card with stock stays, so its stock is taken to zero before."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.ozon import paths
from connectors.ozon.errors import verdict
from connectors.ozon.stocks import PAIRS_LIMIT, Stocks
from obmen.connector import writer
from obmen.errors import Later
from obmen.records import Batch, Item, Native, Outcome, RecordError

MOVE_LIMIT = 100
_SETTLING = 30.0


class Archive(Stocks):
    """Cards to the archive and back, by their ``product_id``."""

    @writer("product", key="offer_id", batch=MOVE_LIMIT, absolute=True, op="archive")
    def archive_products(self, batch: Batch) -> Iterator[Outcome]:
        """Take the stock of cards to zero in every warehouse, then move them to the archive.

        One with goods that are reserved for buyers stays until these are gone.
        """
        unknown, known = _known(batch)
        yield from unknown
        stocked = self._empty(batch, known) if known else {}
        yield from stocked.values()
        yield from self._move(batch, {id_: item for id_, item in known.items() if id_ not in stocked}, archived=True)

    @writer("product", key="offer_id", batch=MOVE_LIMIT, absolute=True, op="restore")
    def restore_products(self, batch: Batch) -> Iterator[Outcome]:
        """Bring cards back from the archive; of those that Ozon archived itself, 100 a day at most."""
        unknown, known = _known(batch)
        yield from unknown
        yield from self._move(batch, known, archived=False)

    def _empty(self, batch: Batch, known: dict[str, Item]) -> dict[str, Outcome]:
        """Set what is for sale to zero; return what becomes of the cards that Ozon does not let be emptied."""
        rows = [
            {
                "offer_id": native["offer_id"],
                "product_id": native["product_id"],
                "warehouse_id": native["warehouse_id"],
                "stock": 0,
            }
            for reply in self.stocks_of(list(known))
            for native in reply["products"]
            if native["free_stock"] > 0 and native["offer_id"] in known
        ]
        stuck: dict[str, Outcome] = {}
        for start in range(0, len(rows), PAIRS_LIMIT):
            body = {"stocks": rows[start : start + PAIRS_LIMIT]}
            answers: list[Native] = self.http.post(paths.STOCKS_SET, json=body, safe=True, group="stocks")["result"]
            for row in answers:
                if not row["updated"] and row["offer_id"] in known:
                    stuck[row["offer_id"]] = verdict(batch, row["offer_id"], row.get("errors") or ())
        return stuck

    def _move(self, batch: Batch, known: dict[str, Item], *, archived: bool) -> Iterator[Outcome]:
        if not known:
            return
        ids = [int(item.native_id or 0) for item in known.values()]
        path = paths.ARCHIVE if archived else paths.UNARCHIVE
        try:
            self.http.post(path, json={"product_id": ids}, safe=True)
        except Later as error:
            yield from (batch.later(id_, str(error), after=error.after) for id_ in known)
            return
        reply = self.http.post(paths.PRODUCT_DETAILS, json={"product_id": [str(id_) for id_ in ids]}, safe=True)
        for native in reply["items"]:
            if native["offer_id"] not in known:
                continue
            if (native["is_archived"] or native["is_autoarchived"]) == archived:
                yield batch.done(native["offer_id"], native["id"])
            else:
                yield batch.later(native["offer_id"], "not moved yet", after=_SETTLING)


def _known(batch: Batch) -> tuple[list[Outcome], dict[str, Item]]:
    """Part those that the cabinet does not have from those that it does, by article."""
    reason = RecordError("no_product_id", "The product has no product_id in this cabinet yet.")
    unknown = [batch.refused(item.id, [reason]) for item in batch.items if item.native_id is None]
    return unknown, {item.id: item for item in batch.items if item.native_id is not None}

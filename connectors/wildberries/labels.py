"""Labels: of orders, of the boxes and of the supply that they are handed over in.

An order has a label only while it is in a supply that was made for it or is on its way. To ask for others is no
error there, it only costs a call and leaves them out; so their state is asked first, and a label that is not
there yet is told apart from one that will never be.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.wildberries import paths
from connectors.wildberries.orders import numbers
from connectors.wildberries.schemes import CLICK_COLLECT, DBS, DBW, FBS, Scheme, chosen
from connectors.wildberries.statuses import State, Statuses
from obmen.connector import document
from obmen.errors import IncompleteSource, Later, Refused
from obmen.records import Document

LABELLED = 100
_WITH_LABEL = {"confirm", "complete", "deliver"}
_MEDIA = {
    "png": ("png", "image/png"),
    "svg": ("svg", "image/svg+xml"),
    "zplv": ("zpl", "application/zpl"),
    "zplh": ("zpl", "application/zpl"),
}
_PDF = ("pdf", "application/pdf")
_PATHS = {FBS.name: paths.LABELS, DBW.name: paths.DBW_LABELS, DBS.name: paths.DBS_LABELS}
_SETTLING = 60.0


class OrderLabels(Statuses):
    """Papers: ``label`` of orders, ``supply_label`` of supplies."""

    @document("label", batch=LABELLED)
    def labels(self, orders: Sequence[str]) -> Iterator[Document]:
        """Yield a label for each order; raises Later while one is not in a supply, Refused when it never will be."""
        left = numbers(orders)
        if len(left) < len(set(orders)):
            raise Refused("Some of these are no numbers of orders.", code="NotFound")
        for scheme in chosen(self.options.schemes):
            now = self.states(scheme, left) if left else {}
            left -= now.keys()
            if now:
                yield from self._order_labels(scheme, now)
        if left:
            raise Refused(f"Wildberries has no order {_listed(left)}.", code="NotFound")

    @document("supply_label")
    def supply_labels(self, supplies: Sequence[str]) -> Iterator[Document]:
        """Yield the code of each supply, by which it is received, and those of its boxes, if it has any."""
        for supply in supplies:
            ending, media = _MEDIA[self.options.labels.format]
            where = {"type": self.options.labels.format}
            try:
                reply = self.call(paths.SUPPLY_LABEL, parts={"supplyId": supply}, params=where)
            except Refused as error:
                if error.code == "SupplyNotClosed":
                    raise Later(f"The supply {supply} is not handed over yet.", after=_SETTLING) from error
                raise
            yield Document(f"{supply}.{ending}", media, b64decode(reply["file"]), ())
            boxes = self.call(paths.SUPPLY_BOXES, parts={"supplyId": supply})["trbxes"] or ()
            if boxes:
                ids = [box["id"] for box in boxes]
                body = {"trbxIds": ids}
                reply = self.call(paths.BOX_LABELS, parts={"supplyId": supply}, params=where, json=body, safe=True)
                for id_, row in zip(ids, reply["stickers"], strict=True):
                    yield Document(f"{id_}.{ending}", media, b64decode(row["file"]), ())

    def _order_labels(self, scheme: Scheme, now: Mapping[int, State]) -> Iterator[Document]:
        never = {id_ for id_, state in now.items() if state.cancelled or scheme is CLICK_COLLECT}
        if never:
            raise Refused(f"There is no label for {_listed(never)}: cancelled or picked up.", code="no_label")
        early = {id_ for id_, state in now.items() if state.supplier not in _WITH_LABEL}
        if early:
            raise Later(f"{_listed(early)} is not being assembled yet, so it has no label.", after=_SETTLING)
        told = self._stickers(scheme, sorted(now))
        missing = now.keys() - told.keys()
        if missing and scheme is FBS:
            told |= self._abroad(sorted(missing))
        if missing := now.keys() - told.keys():
            raise IncompleteSource(f"Wildberries left out the label of {_listed(missing)}.")
        for id_ in now:
            (ending, media), file = told[id_]
            yield Document(f"{id_}.{ending}", media, b64decode(file), (str(id_),))

    def _stickers(self, scheme: Scheme, ids: Sequence[int]) -> dict[int, tuple[tuple[str, str], str]]:
        kind, size = ("pdf", "58x40") if scheme is DBS else (self.options.labels.format, self.options.labels.size)
        width, height = size.split("x")
        params = {"type": kind, "width": width, "height": height}
        reply = self.call(_PATHS[scheme.name], params=params, json={"orders": list(ids)}, safe=True)
        media = _PDF if scheme is DBS else _MEDIA[kind]
        return {row["orderId"]: (media, row["file"]) for row in reply["stickers"]}

    def _abroad(self, ids: Sequence[int]) -> dict[int, tuple[tuple[str, str], str]]:
        """Labels of orders that cross the border are the carrier's, who may take his time."""
        rows: list[dict[str, Any]] = self.call(paths.LABELS_ABROAD, json={"orders": list(ids)}, safe=True)["stickers"]
        waiting = {row["orderId"] for row in rows if row["status"] != "ready"}
        if waiting:
            raise Later(f"The carrier has not numbered {_listed(waiting)} yet.", after=_SETTLING)
        return {row["orderId"]: (_PDF, row["file"]) for row in rows}


def _listed(ids: set[int]) -> str:
    return ", ".join(str(id_) for id_ in sorted(ids))

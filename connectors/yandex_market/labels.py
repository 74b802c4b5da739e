"""Labels: the PDF of one order at once, of many as a document that Market makes and that is asked for later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from connectors.yandex_market import paths
from connectors.yandex_market.documents import Documents
from connectors.yandex_market.orders import Listing
from obmen.connector import Document, document
from obmen.errors import Later, Refused

LABELS_LIMIT = 100
_PDF, _SIGN = "application/pdf", b"%PDF"
_NOT_YET = {"PLACING", "RESERVED", "UNPAID", "PENDING", "PROCESSING"}
_WAIT = 60.0


class Labels(Listing, Documents):
    """Labels of orders, by their numbers."""

    @document("label", batch=LABELS_LIMIT)
    def labels(self, orders: Sequence[str]) -> Iterator[Document]:
        """Give the labels of orders in one PDF. Raises Later while Market makes them, Refused where there are none."""
        strange = [number for number in orders if not number.isdecimal()]
        if strange:
            message = f"{self.name}: Market's orders have numbers of digits only, not {', '.join(strange)}."
            raise Refused(message, code="unknown_order")
        content = self._one(orders[0]) if len(orders) == 1 else self._many(orders)
        if not content.startswith(_SIGN):
            message = f"{self.name}: what Market gave for labels is no PDF."
            raise Later(message, after=_WAIT)
        name = orders[0] if len(orders) == 1 else f"{orders[0]}-{len(orders)}"
        yield Document(f"labels-{name}.pdf", _PDF, content, tuple(orders))

    def _one(self, number: str) -> bytes:
        order = next(self.orders_by_id([number]), None)
        if order is None:
            message = f"{self.name} has no order {number} in the shops of this connection."
            raise Refused(message, code="unknown_order")
        ids = {"orderId": order["orderId"]}
        try:
            return self.call(paths.LABELS, safe=True, campaign=order["campaignId"], ids=ids, expect="any").content
        except Refused as error:
            if order["status"] in _NOT_YET:
                raise Later(str(error), after=_WAIT) from error
            raise

    def _many(self, numbers: Sequence[str]) -> bytes:
        """Ask for the document of these orders, the one that was begun before if there is one."""
        name = f"labels/{sha256(','.join(numbers).encode()).hexdigest()[:16]}"
        report = (self.memory.get(name) or b"").decode()
        if not report:
            body = {
                "businessId": self.options.business_id,
                "orderIds": [int(number) for number in dict.fromkeys(numbers)],
                "sortingType": "SORT_BY_GIVEN_ORDER",
            }
            begun = self.call(paths.LABELS_REPORT, safe=True, json=body)
            report = str(begun["result.reportId"])
            self.memory.put(name, report.encode())
        try:
            told = self.made(report)
        except Refused:
            self.memory.put(name, b"")
            raise
        status = told["result.status"]
        if status == "DONE" and told.get("result.file"):
            content = self.fetched(str(told["result.file"]))
            self.memory.put(name, b"")
            return content
        if status in {"DONE", "FAILED"}:
            self.memory.put(name, b"")
            why = told.get("result.subStatus") or status
            message = f"{told.what}: Market made no labels of these orders: {why}."
            raise Refused(message, code=str(why))
        milliseconds = told.get("result.estimatedGenerationTime") or 0
        raise Later(f"{told.what}: Market is making the labels.", after=max(milliseconds / 1000, 1.0))

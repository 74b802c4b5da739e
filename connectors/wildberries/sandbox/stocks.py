"""Stock: rows by size and warehouse, where a misspelt name changes nothing and is answered with 204."""

from __future__ import annotations

from typing import Any

from connectors.wildberries.sandbox import bodies
from connectors.wildberries.sandbox.cabinet import Cabinet, Size, market_error
from obmen.testing.sandbox import Request, Response, route

_LIMIT, _MOST = 1000, 100_000


class Stocks(Cabinet):
    """The calls about stock.

    ``heavy`` holds the sizes that do not fit an ordinary warehouse. Custom faults: ``swallowed`` (204, and the
    first rows change nothing: one in fourteen), ``banned`` (406).
    """

    def reset(self) -> None:
        """Forget what is heavy too."""
        super().reset()
        self.heavy: set[int] = set()

    @route("PUT", r"/api/v3/stocks/(?P<warehouse>\d+)")
    def set_stocks(self, request: Request, warehouse: str) -> Response:
        """Set what may be sold. A row without ``chrtId`` and ``amount`` is no row, and nobody is told."""
        refused = self._shut(int(warehouse))
        if refused is not None:
            return refused
        body = request.json()
        told = body.get("stocks") if isinstance(body, dict) else None
        rows: list[Any] = told if isinstance(told, list) else []
        if len(rows) > _LIMIT:
            return market_error(400, "IncorrectRequest", "more than 1000 rows")
        if rows and all(isinstance(row, dict) and "sku" in row for row in rows):
            text = "Uploading stock is not allowed by 'sku'. Please use the 'chrtId' key"
            return market_error(400, "SKUUploadDisabled", text)
        good = [row for row in rows if isinstance(row, dict) and {"chrtId", "amount"} <= row.keys()]
        sizes = self._sizes()
        faults = [fault for row in good if (fault := self._fault(sizes, row)) is not None]
        if faults:
            return Response(409, faults)
        if self.fault("swallowed"):
            del good[: max(len(good) * 7 // 100, 1)]
        for row in good:
            sizes[row["chrtId"]].stocks[int(warehouse)] = row["amount"]
            self.written["stocks"] += 1
        return Response(204)

    @route("POST", r"/api/v3/stocks/(?P<warehouse>\d+)")
    def read_stocks(self, request: Request, warehouse: str) -> Response:
        """Read stock; what was never set is not told."""
        if int(warehouse) not in self.warehouses.values():
            return market_error(404, "NotFound", "no such warehouse")
        wanted = self.body(request, bodies.StocksOf, marketplace=True).chrtIds
        sizes = self._sizes()
        rows = [
            {"chrtId": number, "amount": sizes[number].stocks[int(warehouse)]}
            for number in wanted
            if number in sizes and int(warehouse) in sizes[number].stocks
        ]
        return Response(json={"stocks": rows})

    @route("DELETE", r"/api/v3/stocks/(?P<warehouse>\d+)")
    def delete_stocks(self, request: Request, warehouse: str) -> Response:
        """Forget stock."""
        refused = self._shut(int(warehouse))
        if refused is not None:
            return refused
        sizes = self._sizes()
        for number in self.body(request, bodies.StocksOf, marketplace=True).chrtIds:
            if number in sizes:
                sizes[number].stocks.pop(int(warehouse), None)
        return Response(204)

    def _shut(self, warehouse: int) -> Response | None:
        if warehouse not in self.warehouses.values():
            return market_error(404, "NotFound", "no such warehouse")
        if self.fault("banned"):
            return market_error(406, "StatusNotAcceptable", "Обновление остатков заблокировано")
        if warehouse in self.processing:
            return Response(409, [{"code": "StoreIsProcessing", "message": "The store is processing", "data": None}])
        return None

    def _fault(self, sizes: dict[int, Size], row: dict[str, Any]) -> dict[str, Any] | None:
        shown = [{"sku": "", "chrtId": row["chrtId"], "amount": row["amount"]}]
        if row["chrtId"] not in sizes:
            return {"code": "NotFound", "message": "Not found", "data": shown}
        if row["amount"] > _MOST:
            return {"code": "UploadDataLimit", "message": "Upload limit exceeded.", "data": shown}
        if row["chrtId"] in self.heavy:
            text = "The selected warehouse is not suitable for goods of this size."
            return {"code": "CargoWarehouseRestrictionSGT", "message": text, "data": shown}
        return None

    def _sizes(self) -> dict[int, Size]:
        return {
            size.chrt_id: size for card in self.cards.values() if card.synced_at <= self.now() for size in card.sizes
        }

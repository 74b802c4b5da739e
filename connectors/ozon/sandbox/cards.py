"""Cards: lists, details, import tasks that take their time, the archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.ozon.sandbox import bodies
from connectors.ozon.sandbox.cabinet import Cabinet, Invalid, Product
from connectors.ozon.sandbox.offers import CURRENCY_DIFFERS, money, price_faults
from connectors.ozon.sandbox.shapes import attributes, details
from obmen.testing.sandbox import Request, Response, route

VAT = {"0", "0.05", "0.07", "0.1", "0.2", "0.22"}
_LONGEST_ARTICLE, _LONGEST_NAME = 50, 255
_FIRST_PRODUCT, _FIRST_SKU, _FIRST_TASK = 300_000_001, 1_800_000_001, 170_000_001


@dataclass
class Task:
    """An import: cards waiting for their turn, then what became of each."""

    cards: list[tuple[bodies.Card, dict[str, Any]]]
    waits: int
    results: list[dict[str, Any]] = field(default_factory=list)


class Cards(Cabinet):
    """The calls about cards.

    Custom faults: ``late_task`` (everything is still pending in this answer), ``task_gone`` (404),
    ``empty_task`` (the task took nothing), ``item_error`` (the first card of this import fails),
    ``missing_details`` (one product is left out of the details).
    """

    def reset(self) -> None:
        """Forget the tasks too."""
        super().reset()
        self.tasks: dict[int, Task] = {}

    @route("POST", "/v3/product/list")
    def list_products(self, request: Request) -> Response:
        """``ProductAPI_GetProductList``: the last product told is the place to go on from."""
        asked = self.body(request, bodies.ProductList)
        chosen = self.chosen(asked.filter)
        told = after(chosen, asked.last_id)[: asked.limit]
        rows = [
            {
                "product_id": product.product_id,
                "offer_id": product.offer_id,
                "archived": product.archived,
                "has_fbo_stocks": False,
                "has_fbs_stocks": any(level.free for level in product.stocks.values()),
                "is_discounted": False,
                "quants": [],
            }
            for product in told
        ]
        last = str(told[-1].product_id) if told else ""
        return Response(json={"result": {"items": rows, "total": len(chosen), "last_id": last}})

    @route("POST", "/v3/product/info/list")
    def product_details(self, request: Request) -> Response:
        """``ProductAPI_GetProductInfoList``: what is not there is left out."""
        asked = self.body(request, bodies.ProductDetails)
        groups = [group for group in (asked.offer_id, asked.product_id, asked.sku) if group]
        if len(groups) != 1 or len(groups[0]) > 1000:  # noqa: PLR2004 - Ozon's own limit
            raise Invalid("use one of offer_id, product_id, sku; from 1 to 1000 items")
        ids = set(groups[0])
        found = [
            product
            for product in self.products.values()
            if (asked.offer_id and product.offer_id in ids)
            or (asked.product_id and str(product.product_id) in ids)
            or (asked.sku and str(product.sku) in ids)
        ]
        if self.fault("missing_details"):
            del found[:1]
        return Response(json={"items": [details(product) for product in found]})

    @route("POST", "/v4/product/info/attributes")
    def product_attributes(self, request: Request) -> Response:
        """``ProductAPI_GetProductAttributesV4``."""
        asked = self.body(request, bodies.ProductList)
        chosen = self.chosen(asked.filter)
        told = after(chosen, asked.last_id)[: asked.limit]
        last = str(told[-1].product_id) if told else ""
        rows = [attributes(product) for product in told]
        return Response(json={"result": rows, "total": str(len(chosen)), "last_id": last})

    @route("POST", "/v3/product/import")
    def import_products(self, request: Request) -> Response:
        """``ProductAPI_ImportProductsV3``: the cards wait in a task."""
        asked = self.body(request, bodies.Import)
        limit = self.limits.import_items_per_minute
        if limit is not None:
            left = self._imported_items.room(self.now(), limit)
            if len(asked.items) > left:
                message = f"You have reached operation items limits. Remaining {max(left, 0)} items"
                headers = {"Item-Retry-After": "1", "Item-Rate-Limit-Remaining": str(max(left, 0))}
                raise Invalid(message, 429, headers)
            self._imported_items.take(self.now(), len(asked.items))
        raw: list[dict[str, Any]] = request.json()["items"]
        task = Task(list(zip(asked.items, raw, strict=True)), self.import_polls)
        if self.fault("item_error"):
            offer_id = asked.items[0].offer_id
            task.results.append(_result(offer_id, 0, [("EMPTY_REQUIRED", "a required field is empty", "")]))
            del task.cards[0]
        if self.fault("empty_task"):
            task.cards.clear()
        number = _FIRST_TASK + len(self.tasks)
        self.tasks[number] = task
        self._settle()
        return Response(json={"result": {"task_id": number}})

    @route("POST", "/v1/product/import/info")
    def import_state(self, request: Request) -> Response:
        """``ProductAPI_GetImportProductsInfo``; each question moves the queue on by one step."""
        task = self.tasks.get(self.body(request, bodies.ImportState).task_id)
        if task is None or self.fault("task_gone"):
            raise Invalid("task not found", 404)
        waiting = [
            {"offer_id": card.offer_id, "product_id": 0, "status": "pending", "errors": []} for card, _ in task.cards
        ]
        rows = task.results + waiting
        if self.fault("late_task"):
            rows = [{**row, "product_id": 0, "status": "pending", "errors": []} for row in rows]
        else:
            for other in self.tasks.values():
                other.waits -= 1
            self._settle()
        return Response(json={"result": {"items": rows, "total": len(rows)}})

    @route("POST", "/v1/product/archive")
    def archive(self, request: Request) -> Response:
        """``ProductAPI_ProductArchive``: a product with stock stays where it is."""
        return self._move(request, archived=True)

    @route("POST", "/v1/product/unarchive")
    def unarchive(self, request: Request) -> Response:
        """``ProductAPI_ProductUnarchive``."""
        if self.fault("restore_limit"):
            raise Invalid("autoarchive_restore_failed: restore limit exceeded")
        return self._move(request, archived=False)

    def _move(self, request: Request, *, archived: bool) -> Response:
        ids = self.body(request, bodies.ProductIds).product_id
        unknown = [id_ for id_ in ids if id_ not in self.by_id]
        if unknown:
            raise Invalid(f"products not found: {unknown}", 404)
        for id_ in ids:
            product = self.by_id[id_]
            stocked = any(level.free or level.reserved for level in product.stocks.values())
            if product.archived != archived and not (archived and stocked):
                product.archived = archived
                self.written["moves"] += 1
        return Response(json={"result": True})

    def _settle(self) -> None:
        for task in self.tasks.values():
            if task.waits <= 0 and task.cards:
                task.results += [self._take(card, raw) for card, raw in task.cards]
                task.cards.clear()

    def _take(self, card: bodies.Card, raw: dict[str, Any]) -> dict[str, Any]:
        known = self.products.get(card.offer_id)
        faults = list(self._faults(card))
        if faults:
            return _result(card.offer_id, known.product_id if known else 0, faults)
        if known is not None and known.card == raw:
            return {**_result(card.offer_id, known.product_id, []), "status": "skipped"}
        now = self.now()
        if known is None:
            number = len(self.by_id)
            known = Product(card.offer_id, _FIRST_PRODUCT + number, _FIRST_SKU + number, now, now, raw)
            self.products[card.offer_id] = self.by_id[known.product_id] = known
        known.card, known.updated_at, known.currency = raw, now, card.currency_code
        known.price = Decimal(card.price)
        if card.old_price is not None:
            known.old_price = Decimal(card.old_price or "0")
        self.written["products"] += 1
        return _result(card.offer_id, known.product_id, [])

    def _faults(self, card: bodies.Card) -> Iterator[tuple[str, str, str]]:
        if not 0 < len(card.offer_id) <= _LONGEST_ARTICLE:
            yield "EMPTY_REQUIRED", "offer_id must have 1 to 50 characters", "offer_id"
        if not card.name:
            yield "EMPTY_REQUIRED", "name is empty", "name"
        if len(card.name) > _LONGEST_NAME:
            yield "name_too_long", "name is longer than 255 characters", "name"
        if not card.description_category_id:
            yield "description_category_is_empty", "no category", "description_category_id"
        if not card.type_id:
            yield "description_type_is_empty", "no type", "type_id"
        if card.vat not in VAT:
            yield "vat_invalid", f"no VAT {card.vat!r}", "vat"
        sized = card.depth and card.width and card.height and card.dimension_unit in {"mm", "cm", "in"}
        if not (sized and card.weight and card.weight_unit in {"g", "kg", "lb"}):
            yield "missing_dimension", "dimensions or weight are missing", "dimensions"
        if any(not attribute.values for attribute in card.attributes):
            yield "error_attribute_values_empty", "an attribute has no values", "attributes"
        if card.currency_code != self.currency:
            yield CURRENCY_DIFFERS, f"the cabinet is in {self.currency}", "currency_code"
        price, old = money(card.price), money(card.old_price or "0")
        if price is None or old is None or price <= 0:
            yield "price_is_negative", "no price", "price"
        else:
            yield from ((code, message, "price") for code, message in price_faults(price, old, Decimal(0)))


def after(products: list[Product], last_id: str) -> list[Product]:
    """Return the products that follow the one of that product_id."""
    if last_id and not last_id.isdecimal():
        raise Invalid(f"invalid last_id {last_id!r}")
    ordered = sorted(products, key=lambda product: product.product_id)
    return [product for product in ordered if product.product_id > int(last_id or 0)]


def _result(offer_id: str, product_id: int, faults: list[tuple[str, str, str]]) -> dict[str, Any]:
    return {
        "offer_id": offer_id,
        "product_id": product_id,
        "status": "failed" if faults else "imported",
        "errors": [
            {
                "code": code,
                "message": message,
                "state": "imported",
                "level": "error",
                "description": message,
                "field": name,
                "attribute_id": 0,
                "attribute_name": "",
            }
            for code, message, name in faults
        ],
    }

"""Cards: lists, details, import tasks that take their time, the archive."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.ozon.sandbox import bodies
from connectors.ozon.sandbox.cabinet import Cabinet, Invalid, Product, Window, stamp
from connectors.ozon.sandbox.card_faults import Fault, card_faults
from connectors.ozon.sandbox.shapes import attributes, details
from connectors.ozon.sandbox.tree import ANYTHING
from obmen.testing.sandbox import Request, Response, route

PICTURES = "https://pictures.ozon.example/"
_DAY = 86400.0
_MOST_BARCODES = 100
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
    ``missing_details`` (one product is left out of the details), ``on_moderation`` (the moderators still look at
    every card of these details).

    The moderators refuse the cards in ``declined`` (article → their words); addresses in ``broken_pictures`` hold
    no picture.
    """

    def reset(self) -> None:
        """Forget the tasks too."""
        super().reset()
        self.tasks: dict[int, Task] = {}
        self.declined: dict[str, str] = {}
        self.broken_pictures: set[str] = set()
        self.used: Counter[tuple[str, int]] = Counter()
        self._barcode_calls = Window(60.0)

    def fill(self, goods: int) -> None:
        """Begin with so many cards, such as a seller has made by hand."""
        now = self.now()
        for number in range(len(self.by_id), len(self.by_id) + goods):
            offer_id = f"OLD-{number + 1}"
            card = {
                "offer_id": offer_id,
                "name": f"Товар прежних лет {number + 1}",
                **dict(zip(("description_category_id", "type_id"), ANYTHING, strict=True)),
                "vat": "0.2",
                "images": [copied(offer_id)],
                "depth": 200,
                "width": 200,
                "height": 100,
                "dimension_unit": "mm",
                "weight": 500,
                "weight_unit": "g",
            }
            made = Product(offer_id, _FIRST_PRODUCT + number, _FIRST_SKU + number, now, now, card, Decimal(990))
            made.barcodes = [f"20{number:011d}"]
            self.products[offer_id] = self.by_id[made.product_id] = made

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
        checking = self.fault("on_moderation")
        rows = [details(product, checking=checking, said=self.declined.get(product.offer_id)) for product in found]
        return Response(json={"items": rows})

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
            task.results.append(_result(offer_id, 0, [Fault("EMPTY_REQUIRED", "a required field is empty", "")]))
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

    @route("POST", "/v1/barcode/add")
    def add_barcodes(self, request: Request) -> Response:
        """``add-barcode``: each good for itself; a barcode belongs to one product."""
        limit = self.limits.barcode_calls_per_minute
        if limit is not None:
            if self._barcode_calls.room(self.now(), limit) <= 0:
                raise Invalid("You have reached request rate limit per minute", 429)
            self._barcode_calls.take(self.now())
        errors = []
        by_sku = {product.sku: product for product in self.products.values()}
        for row in self.body(request, bodies.AddBarcodes).barcodes:
            product = by_sku.get(row.sku)
            said = _barcode_fault(product, row.barcode, self.products.values())
            if said is not None:
                errors.append({"code": said[0], "error": said[1], "barcode": row.barcode, "sku": row.sku})
            elif product is not None and row.barcode not in product.barcodes:
                product.barcodes.append(row.barcode)
                self.written["barcodes"] += 1
        return Response(json={"errors": errors})

    @route("POST", "/v4/product/info/limit")
    def upload_limits(self, _: Request) -> Response:
        """``ProductAPI_GetUploadQuota``: -1 where there is no limit."""
        day = int(self.now() // _DAY)
        reset = stamp((day + 1) * _DAY)
        creates, updates = self.limits.creates_per_day, self.limits.updates_per_day
        minute, total = self.limits.import_items_per_minute, self.limits.products
        told = {
            "daily_create": {"limit": _or_none(creates), "usage": self.used["create", day], "reset_at": reset},
            "daily_update": {"limit": _or_none(updates), "usage": self.used["update", day], "reset_at": reset},
            "total": {"limit": _or_none(total), "usage": len(self.products)},
            "operation_limits": {
                "limit": minute or 0,
                "limit_type": "RATE_LIMIT_PER_MINUTE" if minute else "UNSPECIFIED",
            },
        }
        return Response(json=told)

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
        faults = list(card_faults(card, known, self.currency, self.broken_pictures))
        if faults:
            return _result(card.offer_id, known.product_id if known else 0, faults)
        made = _settled(card, raw)
        if known is not None and known.card == made:
            return {**_result(card.offer_id, known.product_id, []), "status": "skipped"}
        if self._used_up(known):
            return _result(card.offer_id, 0, [Fault("item_limit_exceeded", "the day's limit is used up", "")])
        now = self.now()
        if known is None:
            number = len(self.by_id)
            known = Product(card.offer_id, _FIRST_PRODUCT + number, _FIRST_SKU + number, now, now, made)
            self.products[card.offer_id] = self.by_id[known.product_id] = known
        if card.barcode not in known.barcodes:
            known.barcodes = [card.barcode] if card.barcode else []
        known.card, known.updated_at, known.currency = made, now, card.currency_code
        known.price = Decimal(card.price)
        if card.old_price is not None:
            known.old_price = Decimal(card.old_price or "0")
        self.written["products"] += 1
        return _result(card.offer_id, known.product_id, [])

    def _used_up(self, known: Product | None) -> bool:
        """Whether the day's quota of new or of changed cards is used up; if not, one more of it is used."""
        kind = "create" if known is None else "update"
        limit = self.limits.creates_per_day if known is None else self.limits.updates_per_day
        day = int(self.now() // _DAY)
        if limit is not None and self.used[kind, day] >= limit:
            return True
        self.used[kind, day] += 1
        return False


def _or_none(limit: int | None) -> int:
    return -1 if limit is None else limit


def _barcode_fault(product: Product | None, barcode: str, others: Iterable[Product]) -> tuple[str, str] | None:
    if product is None:
        return "sku_not_found", "no such product"
    if barcode in product.barcodes:
        return None
    if any(barcode in other.barcodes for other in others):
        return "barcode_already_exists", "the barcode belongs to another product"
    if len(product.barcodes) >= _MOST_BARCODES:
        return "barcode_limit", "a product has 100 barcodes at most"
    return None


def after(products: list[Product], last_id: str) -> list[Product]:
    """Return the products that follow the one of that product_id."""
    if last_id and not last_id.isdecimal():
        raise Invalid(f"invalid last_id {last_id!r}")
    ordered = sorted(products, key=lambda product: product.product_id)
    return [product for product in ordered if product.product_id > int(last_id or 0)]


def _settled(card: bodies.Card, raw: dict[str, Any]) -> dict[str, Any]:
    """Return a card as it is kept: its pictures are copied, a new category is the category from now on."""
    made = {name: value for name, value in raw.items() if name != "new_description_category_id"}
    if card.new_description_category_id:
        made["description_category_id"] = card.new_description_category_id
    pictures = [card.primary_image, *card.images] if card.primary_image else card.images
    return {**made, "images": list(map(copied, pictures)), "primary_image": ""}


def copied(url: str) -> str:
    """Return the address under which Ozon keeps a copy of a picture."""
    return url if url.startswith(PICTURES) else f"{PICTURES}{zlib.crc32(url.encode()):08x}.jpg"


def _result(offer_id: str, product_id: int, faults: list[Fault]) -> dict[str, Any]:
    return {
        "offer_id": offer_id,
        "product_id": product_id,
        "status": "failed" if faults else "imported",
        "errors": [
            {
                "code": fault.code,
                "message": fault.message,
                "state": "imported",
                "level": "error",
                "description": fault.message,
                "field": fault.field,
                "attribute_id": fault.attribute,
                "attribute_name": fault.name,
            }
            for fault in faults
        ],
    }

"""How Ozon shows its records, field by field as the specification has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.ozon.sandbox.bodies import With
from connectors.ozon.sandbox.cabinet import Level, Posting, Product, stamp

_NOT_CANCELLED = {
    "affect_cancellation_rating": False,
    "cancel_reason": "",
    "cancel_reason_id": 0,
    "cancellation_initiator": "",
    "cancellation_type": "",
    "cancelled_after_ship": False,
}
_REQUIREMENTS = (
    "products_requiring_change_country",
    "products_requiring_country",
    "products_requiring_gtd",
    "products_requiring_imei",
    "products_requiring_jw_uin",
    "products_requiring_mandatory_mark",
    "products_requiring_rnpt",
    "products_requiring_weight",
)
_CARRIER, _CARRIER_ID = "Доставка Ozon", 24


def details(product: Product, *, checking: bool = False, said: str | None = None) -> dict[str, Any]:
    """An item of ``ProductAPI_GetProductInfoList``; ``said``: why the moderators refuse the card."""
    card = product.card
    free = sum(level.free for level in product.stocks.values())
    reserved = sum(level.reserved for level in product.stocks.values())
    images = list(card.get("images", []))
    return {
        "id": product.product_id,
        "offer_id": product.offer_id,
        "sku": product.sku,
        "name": card.get("name", ""),
        "barcodes": list(product.barcodes),
        "description_category_id": card["description_category_id"],
        "type_id": card["type_id"],
        "images": images,
        "primary_image": images[:1],
        "color_image": [card["color_image"]] if card.get("color_image") else [],
        "images360": list(card.get("images360", [])),
        "price": f"{product.price:.2f}",
        "old_price": f"{product.old_price:.2f}" if product.old_price else "",
        "min_price": f"{product.min_price:.2f}" if product.min_price else "",
        "currency_code": product.currency,
        "vat": card.get("vat", ""),
        "is_archived": product.archived,
        "is_autoarchived": False,
        "is_discounted": False,
        "is_kgt": False,
        "is_super": False,
        "has_discounted_fbo_item": False,
        "discounted_fbo_stocks": 0,
        "created_at": stamp(product.created_at),
        "updated_at": stamp(product.updated_at),
        "statuses": {
            "is_created": True,
            "moderate_status": "in-moderating" if checking else "declined" if said else "approved",
            "status": "price_sent",
            "status_failed": "",
            "status_name": "Не продаётся" if said else "Продаётся" if free else "Готов к продаже",
            "validation_status": "success",
            "status_updated_at": stamp(product.updated_at),
        },
        "stocks": {
            "has_stock": free > 0,
            "stocks": [{"present": free + reserved, "reserved": reserved, "sku": product.sku, "source": "fbs"}],
        },
        "visibility_details": {"has_price": product.price > 0, "has_stock": free > 0},
        "errors": [_refusal(said)] if said and not checking else [],
        "volume_weight": 0,
    }


def _refusal(said: str) -> dict[str, Any]:
    texts = {"attribute_name": "", "description": said, "hint_code": "", "message": "", "short_description": ""}
    return {
        "attribute_id": 0,
        "code": "moderation_declined",
        "field": "",
        "level": "ERROR_LEVEL_ERROR",
        "state": "moderation",
        "texts": {**texts, "params": []},
    }


def attributes(product: Product) -> dict[str, Any]:
    """An item of ``ProductAPI_GetProductAttributesV4``: parts of attributes stand side by side here."""
    card = product.card
    copied = ("name", "depth", "width", "height", "dimension_unit", "weight", "weight_unit")
    images = list(card.get("images", []))
    nested = [one for group in card.get("complex_attributes", []) for one in group["attributes"]]
    return {
        "id": product.product_id,
        "offer_id": product.offer_id,
        "sku": str(product.sku),
        "description_category_id": card["description_category_id"],
        "type_id": card["type_id"],
        "attributes": [_read(one, "dictionary_value_id") for one in card.get("attributes", [])],
        "attributes_with_defaults": [],
        "complex_attributes": [_read(one, "dictionaryValueId") for one in nested],
        "images": images,
        "primary_image": images[0] if images else "",
        "color_image": card.get("color_image", ""),
        "pdf_list": [{"file_name": one["src_url"], "name": one["name"]} for one in card.get("pdf_list", [])],
        "barcode": product.barcodes[0] if product.barcodes else "",
        "barcodes": list(product.barcodes),
        **{name: card[name] for name in copied if name in card},
    }


def _read(attribute: dict[str, Any], id_name: str) -> dict[str, Any]:
    values = [{id_name: one.get("dictionary_value_id", 0), "value": one["value"]} for one in attribute["values"]]
    return {"id": attribute["id"], "complex_id": attribute.get("complex_id", 0), "values": values}


def stock_row(product: Product, warehouse_id: int, warehouse: str, level: Level) -> dict[str, Any]:
    """An item of ``ProductAPI_GetProductInfoStocksByWarehouseFbsV2``."""
    return {
        "offer_id": product.offer_id,
        "product_id": product.product_id,
        "sku": product.sku,
        "warehouse_id": warehouse_id,
        "warehouse_name": warehouse,
        "present": level.free + level.reserved,
        "reserved": level.reserved,
        "free_stock": level.free,
    }


def listed_posting(
    posting: Posting, warehouse: str, asked: With, requirements: Mapping[str, list[str]]
) -> dict[str, Any]:
    """An item of ``PostingFbsList``: a price is an amount with its currency."""
    shown = _posting(posting, warehouse, requirements)
    shown["products"] = [
        {
            "offer_id": line.product.offer_id,
            "name": line.product.card.get("name", ""),
            "sku": line.product.sku,
            "quantity": line.quantity,
            "price": {"amount": f"{line.price:.2f}", "currency": line.product.currency},
            "imei": [],
            "is_blr_traceable": False,
            "is_marketplace_buyout": False,
            "product_color": "",
        }
        for line in posting.lines
    ]
    if posting.customer is not None:
        shown["customer"] = posting.customer
    if asked.analytics_data:
        shown["analytics_data"] = {
            "delivery_type": "PVZ",
            "is_legal": False,
            "is_premium": False,
            "payment_type_group_name": "картой онлайн",
            "tpl_provider": _CARRIER,
            "tpl_provider_id": _CARRIER_ID,
            "warehouse": warehouse,
            "warehouse_id": posting.warehouse_id,
        }
    if asked.barcodes:
        shown["barcodes"] = {"upper_barcode": f"%{posting.order_id}", "lower_barcode": str(posting.order_id)}
    if asked.financial_data:
        shown["financial_data"] = {"cluster_from": "Москва", "cluster_to": "Казань", "products": []}
    return shown


def one_posting(posting: Posting, warehouse: str, requirements: Mapping[str, list[str]]) -> dict[str, Any]:
    """The ``result`` of ``PostingAPI_GetFbsPostingV3``: a price is a bare string with four places."""
    shown = _posting(posting, warehouse, requirements)
    shown["previous_substatus"] = posting.previous
    shown["products"] = [
        {
            "offer_id": line.product.offer_id,
            "name": line.product.card.get("name", ""),
            "sku": line.product.sku,
            "quantity": line.quantity,
            "price": f"{line.price:.4f}",
            "currency_code": line.product.currency,
        }
        for line in posting.lines
    ]
    return shown


def _tracking(posting: Posting) -> str:
    if posting.integration == "ozon":
        return posting.number if posting.delivering_at is not None else ""
    return posting.tracking


def _actions(posting: Posting) -> list[str]:
    """What the seller may do with a posting now; a step of his own delivery only in its turn."""
    if posting.status in {"arbitration", "not_accepted"}:
        return ["awaiting_delivery"]
    if posting.status == "awaiting_packaging":
        return ["ship", "cancel", "product_cancel"]
    if posting.integration != "non_integrated":
        return []
    if posting.status == "awaiting_deliver":
        return ["non_int_delivering", "set_track_number"]
    if posting.status == "delivering":
        on_its_last_mile = posting.substatus == "posting_in_courier_service"
        return ["non_int_delivered" if on_its_last_mile else "non_int_last_mile", "set_track_number"]
    return []


def _posting(posting: Posting, warehouse: str, requirements: Mapping[str, list[str]]) -> dict[str, Any]:
    shown = {
        "posting_number": posting.number,
        "order_id": posting.order_id,
        "order_number": posting.order_number,
        "parent_posting_number": posting.parent,
        "status": posting.status,
        "substatus": posting.substatus,
        "in_process_at": stamp(posting.in_process_at),
        "shipment_date": stamp(posting.shipment_date),
        "shipment_date_without_delay": stamp(posting.shipment_date),
        "delivery_method": {
            "id": posting.warehouse_id,
            "name": f"{_CARRIER}, {warehouse}",
            "tpl_provider": _CARRIER,
            "tpl_provider_id": _CARRIER_ID,
            "warehouse": warehouse,
            "warehouse_id": posting.warehouse_id,
        },
        "tpl_integration_type": posting.integration,
        "tracking_number": _tracking(posting),
        "cancellation": posting.cancellation or _NOT_CANCELLED,
        "requirements": {name: requirements.get(name, []) for name in _REQUIREMENTS},
        "is_express": False,
        "is_multibox": False,
        "multi_box_qty": 1,
        "available_actions": _actions(posting),
    }
    if posting.delivering_at is not None:
        shown["delivering_date"] = stamp(posting.delivering_at)
    return shown

"""What a changed object of 1C means: which records of which entities are to be looked at again.

1C tells only that an object changed. A price changes by a document that sets it, a balance by a receipt, an order's
status by a shipment; what nobody follows from such an object stays old until the next whole read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from connectors.onec.doors import DoorEntity
from connectors.onec.odata import bonus_operations, return_body
from connectors.onec.odata.bonus_accounts import REGISTER as POINTS
from connectors.onec.odata.client import OData, is_reference
from connectors.onec.odata.entry import Deleted, Entry
from connectors.onec.odata.lines import product_id
from connectors.onec.odata.needs import (
    CHARACTERISTICS,
    FREE_STOCK,
    GOODS,
    ON_HAND,
    PRICES,
    PRICES_25,
    SUPPLY_AND_NEED,
)
from connectors.onec.odata.objects import among
from connectors.onec.odata.order_body import DOCUMENT as ORDER
from connectors.onec.odata.partners import CARDS, CONTRAGENTS, PARTNERS
from connectors.onec.odata.receipts import KINDS as RECEIPTS
from obmen.records import Native

Told = Iterator[tuple[DoorEntity, str]]
"""Pairs of an entity and a native id, as at the entity's reader."""

PRICE_SETTING = "Document_УстановкаЦенНоменклатуры"
_STOCK = (ON_HAND, FREE_STOCK, SUPPLY_AND_NEED)
_SECTIONS = ("Товары", "ВозвращаемыеТовары", "RecordSet")

TOLD_BY: Mapping[DoorEntity, tuple[str, ...]] = {
    "product": (GOODS, CHARACTERISTICS),
    "price": (PRICE_SETTING, PRICES_25, PRICES),
    "stock": _STOCK,
    "customer": (PARTNERS, CONTRAGENTS),
    "bonus_account": (POINTS, bonus_operations.DOCUMENT),
    "bonus_operation": (bonus_operations.DOCUMENT,),
    "order": (ORDER,),
    "order_status": (ORDER,),
    "return": (return_body.RETURN, return_body.REQUEST),
    "receipt": tuple(RECEIPTS),
}
"""Entity → the objects that tell of it; at least one must be published and stand in the plan's composition."""

_OF_A_DELETED_ONE: Mapping[str, tuple[DoorEntity, ...]] = {
    PARTNERS: ("customer",),
    CARDS: ("bonus_account",),
    ORDER: ("order", "order_status"),
    bonus_operations.DOCUMENT: ("bonus_operation",),
    return_body.RETURN: ("return",),
    return_body.REQUEST: ("return",),
    **dict.fromkeys(RECEIPTS, ("receipt",)),
}
_UNTOLD: Mapping[str, tuple[DoorEntity, ...]] = {
    GOODS: ("product", "price", "stock"),
    CHARACTERISTICS: ("product", "price", "stock"),
    CONTRAGENTS: ("customer",),
    CARDS: ("customer",),
    PRICE_SETTING: ("price",),
    bonus_operations.DOCUMENT: ("bonus_account",),
    **dict.fromkeys((return_body.SHIPMENT, return_body.RETURN, *RECEIPTS), ("stock",)),
}
"""What else a deleted object leaves changed, when nothing tells any more whose it was."""


def touched(entry: Entry, base: OData) -> Told:
    """Yield what a changed object concerns; a group of goods, whose goods it does not name, concerns none."""
    native, name = entry.native, entry.set
    if name in _WAYS:
        yield from _WAYS[name](native, base)
    if name in {return_body.SHIPMENT, return_body.RETURN, *RECEIPTS, ORDER} or name in _STOCK:
        yield from (("stock", product) for product in _products(native))


def gone(deleted: Deleted) -> Told:
    """Yield what a deleted object was itself."""
    ref = deleted.keys.get("Ref_Key", "")
    yield from ((entity, ref) for entity in _OF_A_DELETED_ONE.get(deleted.set, ()))


def untold(deleted: Deleted) -> tuple[DoorEntity, ...]:
    """Return the entities of which something changed by a deletion and nothing tells what."""
    if deleted.set.startswith(("AccumulationRegister_", "InformationRegister_")):
        return tuple(entity for entity, sets in TOLD_BY.items() if deleted.set in sets)
    return _UNTOLD.get(deleted.set, ())


def partners_of(entry: Entry) -> Iterator[str]:
    """Yield the partners whose points a document or its records moved."""
    native = entry.native
    if entry.set == POINTS:
        yield from (str(row["Партнер_Key"]) for row in native.get("RecordSet") or ())
    elif entry.set == bonus_operations.DOCUMENT:
        rows = (*(native.get("Начисление") or ()), *(native.get("Списание") or ()))
        yield from (str(row["Партнер_Key"]) for row in rows)
    elif entry.set in RECEIPTS and is_reference(native.get("Партнер_Key")):
        yield str(native["Партнер_Key"])


def cards_of(partners: set[str], base: OData) -> Iterator[str]:
    """Yield the references of the partners' cards."""
    if partners and CARDS in base.metadata().sets:
        yield from (str(row["Ref_Key"]) for row in among(base, CARDS, "Партнер_Key", sorted(partners), ("Ref_Key",)))


def _good(native: Native, base: OData) -> Told:
    del base
    if native.get("IsFolder") is not True:
        yield "product", str(native["Ref_Key"])


def _characteristic(native: Native, base: OData) -> Told:
    """A characteristic is sold with its owner: one good, or every good of a kind."""
    owner, variant = str(native.get("Owner") or ""), str(native["Ref_Key"])
    goods = [owner]
    if not str(native.get("Owner_Type") or "").endswith(GOODS):
        rows = among(base, GOODS, "ВидНоменклатуры_Key", [owner], ("Ref_Key",)) if is_reference(owner) else ()
        goods = [str(row["Ref_Key"]) for row in rows]
    for good in goods:
        yield "product", good
        yield "product", f"{good}#{variant}"


def _priced(native: Native, base: OData) -> Told:
    del base
    for row in _rows(native):
        yield "price", str(row["Номенклатура_Key"])
        yield "price", product_id(row)


def _order(native: Native, base: OData) -> Told:
    del base
    yield "order", str(native["Ref_Key"])
    yield "order_status", str(native["Ref_Key"])


def _shipment(native: Native, base: OData) -> Told:
    del base
    for place in (native, *_rows(native)):
        if str(place.get("ЗаказКлиента_Type") or "").endswith(ORDER) and is_reference(place.get("ЗаказКлиента")):
            yield "order_status", str(place["ЗаказКлиента"])


def _contragent(native: Native, base: OData) -> Told:
    del base
    partner = str(native.get("Партнер_Key") or "")
    yield "customer", partner if is_reference(partner) else str(native["Ref_Key"])


def _card(native: Native, base: OData) -> Told:
    del base
    yield "bonus_account", str(native["Ref_Key"])
    if is_reference(native.get("Партнер_Key")):
        yield "customer", str(native["Партнер_Key"])


def _itself(entity: DoorEntity) -> Callable[[Native, OData], Told]:
    def told(native: Native, base: OData) -> Told:
        del base
        yield entity, str(native["Ref_Key"])

    return told


_WAYS: Mapping[str, Callable[[Native, OData], Told]] = {
    GOODS: _good,
    CHARACTERISTICS: _characteristic,
    **dict.fromkeys((PRICE_SETTING, PRICES, PRICES_25), _priced),
    ORDER: _order,
    return_body.SHIPMENT: _shipment,
    PARTNERS: _itself("customer"),
    CONTRAGENTS: _contragent,
    CARDS: _card,
    bonus_operations.DOCUMENT: _itself("bonus_operation"),
    return_body.RETURN: _itself("return"),
    return_body.REQUEST: _itself("return"),
    **dict.fromkeys(RECEIPTS, _itself("receipt")),
}


def _rows(native: Native) -> Iterator[Native]:
    for section in _SECTIONS:
        for row in native.get(section) or ():
            if is_reference(row.get("Номенклатура_Key")):
                yield row


def _products(native: Native) -> Iterator[str]:
    return (product_id(row) for row in _rows(native))

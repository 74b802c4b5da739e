"""What the sandbox knows of an order, and how Wildberries shows it in each of its lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors.wildberries.sandbox.cabinet import Card, Size, stamp

CANCELLED = {"cancel", "reject", "cancel_missed_call", "cancel_shelf_life", "cancel_carrier"}
OVER = {"sold", "canceled", "canceled_by_client", "declined_by_client", "defect", "canceled_by_missed_call"}
UNCHECKED = {"gtin", "expiration", "customsDeclaration"}
_GOOD = {"sgtin": "sgtinIntroduced", "uin": "uinMaySell", "imei": "imeiMaySell"}


@dataclass
class Mark:
    """The code of one kind: what was sent, since when, and what the check will come to."""

    codes: list[str]
    at: float
    verdict: str


@dataclass
class AssemblyOrder:
    """One unit of goods that somebody bought. Prices are in hundredths of the currency of the sale.

    ``needs`` and ``may``: kinds of marking codes without which it cannot go, and those that it can have.
    """

    id: int
    rid: str
    scheme: str
    card: Card
    size: Size
    warehouse_id: int
    created_at: float
    price: int
    converted: int
    currency: int = 643
    own_currency: int = 643
    cargo: int = 1
    border: int = 0
    business: bool = False
    comment: str = ""
    address: str = ""
    delivery: str = "fbs"
    client: dict[str, str] | None = None
    code: str = "741852"
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    supplier: str = "new"
    there: str = "waiting"
    supply: str = ""
    marks: dict[str, Mark] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether its life is over."""
        return self.there in OVER or self.supplier in CANCELLED or self.supplier == "receive"

    @property
    def cancellable(self) -> bool:
        """Whether the seller may still cancel it."""
        return not self.over and self.there == "waiting" and self.supplier in {"new", "confirm", "complete"}

    def decisions(self, now: float, checking: float) -> list[dict[str, Any]]:
        """The codes of the order and what their check came to (``metaDetails``)."""
        told = []
        for kind in (*self.needs, *self.may):
            mark = self.marks.get(kind)
            if mark is None:
                decision = "required" if kind in self.needs else "optional"
            elif kind in UNCHECKED:
                decision = "filled"
            else:
                decision = mark.verdict if now - mark.at >= checking else "pending"
            told.append({"key": kind, "value": ",".join(mark.codes) if mark else None, "decision": decision})
        return told


def verdict_of(kind: str, codes: list[str]) -> str:
    """What the check of a code comes to, as far as its shape tells."""
    if kind == "sgtin":
        for code in codes:
            if " " in code:
                return "sgtinHasInvalidSymbols"
            if "\x1d" not in code:
                return "sgtinNoGS"
            if not code.startswith("01"):
                return "sgtinInvalidPattern"
    return _GOOD.get(kind, "filled")


def new_order(order: AssemblyOrder) -> dict[str, Any]:
    """An item of ``orders/new`` of the order's scheme."""
    told = {**_common(order), "salePrice": order.price, "requiredMeta": list(order.needs)}
    told |= {"finalPrice": order.price, "convertedFinalPrice": order.converted}
    if order.scheme == "fbs":
        told |= {"ddate": "", "sellerDate": None, "optionalMeta": list(order.may)}
        told |= {"isPickupPointShipmentAllowed": True, "scanPrice": None}
    else:
        told["requiredMeta"] = [*order.needs, *order.may]
    if order.scheme == "click_collect":
        told |= {"ddate": ""}
    if order.scheme == "dbw":
        told = {name: value for name, value in told.items() if name not in {"finalPrice", "convertedFinalPrice"}}
    if order.scheme == "dbs":
        told |= {"wbStickerId": order.id}
    return told


def listed_order(order: AssemblyOrder) -> dict[str, Any]:
    """An item of the order's scheme's list by period."""
    told = _common(order)
    if order.scheme == "fbs":
        told |= {"scanPrice": None} | ({"supplyId": order.supply} if order.supply else {})
    if order.scheme == "dbs":
        told |= {"scanPrice": None, "wbStickerId": order.id}
        told |= {"finalPrice": order.price, "convertedFinalPrice": order.converted}
    return told


def _common(order: AssemblyOrder) -> dict[str, Any]:
    told: dict[str, Any] = {
        "article": order.card.vendor_code,
        "rid": order.rid,
        "createdAt": stamp(order.created_at),
        "skus": list(order.size.skus),
        "id": order.id,
        "warehouseId": order.warehouse_id,
        "nmId": order.card.nm_id,
        "chrtId": order.size.chrt_id,
        "price": order.price,
        "convertedPrice": order.converted,
        "currencyCode": order.currency,
        "convertedCurrencyCode": order.own_currency,
        "cargoType": order.cargo,
        "isZeroOrder": False,
    }
    if order.scheme == "click_collect":
        shop = {
            "warehouseAddress": "Примерск, ул. Образцовая, 1",
            "orderCode": f"{order.id}-0001",
            "payMode": "prepaid",
        }
        return {**told, **shop, "options": {"isB2b": order.business}}
    told |= {"orderUid": f"uid-{order.id}", "colorCode": "", "comment": order.comment}
    told["address"] = {"fullAddress": order.address, "longitude": 37.5, "latitude": 55.5} if order.address else None
    if order.scheme == "fbs":
        told |= {"deliveryType": "fbs", "offices": ["Примерск"], "officeId": 15, "crossBorderType": order.border}
        return {**told, "options": {"isB2B": order.business}}
    told |= {"groupId": f"00000000-0000-4000-8000-{order.id:012d}", "options": {"isB2b": order.business}}
    if order.scheme == "dbs":
        told |= {"deliveryType": order.delivery}
    return told

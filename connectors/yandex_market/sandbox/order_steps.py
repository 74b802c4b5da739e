"""The seller's steps: boxes, codes, own numbers, statuses, and the answer to a wish to cancel."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from msgspec import Meta, Struct

from connectors.yandex_market.sandbox.cabinet import Invalid, ok
from connectors.yandex_market.sandbox.order_records import Line, Order
from connectors.yandex_market.sandbox.orders import Orders
from obmen.testing.sandbox import Request, Response, route

_ORDER = r"/v2/campaigns/(?P<campaign>\d+)/orders/(?P<number>\d+)"
_MOST_OF_THE_COST = 99
_KINDS = {"CIS": "cis", "UIN": "uin"}
_BY_SELLER = {
    "FBS": {
        ("PROCESSING", "STARTED"): {("PROCESSING", "READY_TO_SHIP"), ("CANCELLED", "SHOP_FAILED")},
        ("PROCESSING", "READY_TO_SHIP"): {("CANCELLED", "SHOP_FAILED")},
    },
    "DBS": {
        ("PROCESSING", "STARTED"): {
            ("PROCESSING", "READY_TO_SHIP"),
            ("DELIVERY", ""),
            ("CANCELLED", "SHOP_FAILED"),
        },
        ("PROCESSING", "READY_TO_SHIP"): {("DELIVERY", ""), ("CANCELLED", "SHOP_FAILED")},
        ("DELIVERY", ""): {("PICKUP", ""), ("DELIVERED", ""), ("CANCELLED", "SHOP_FAILED")},
        ("PICKUP", ""): {("DELIVERED", ""), ("CANCELLED", "SHOP_FAILED")},
    },
}
_HIS = {"PROCESSING", "DELIVERY", "PICKUP"}
Count = Annotated[int, Meta(ge=1)]


class Instance(Struct, omit_defaults=True, rename="camel"):
    """``BriefOrderItemInstanceDTO``: exactly one of the first four."""

    cis: str = ""
    uin: str = ""
    rnpt: str = ""
    gtd: str = ""
    country_code: str = ""


class BoxItem(Struct, rename="camel"):
    """``OrderBoxLayoutItemDTO``; parts of one unit are not known here."""

    id: int
    full_count: Count
    instances: Annotated[list[Instance], Meta(min_length=1)] | None = None


class Box(Struct):
    """``OrderBoxLayoutDTO``."""

    items: Annotated[list[BoxItem], Meta(min_length=1)]


class Boxes(Struct, rename="camel"):
    """``SetOrderBoxLayoutRequest``."""

    boxes: Annotated[list[Box], Meta(min_length=1)]
    allow_remove: bool = False


class State(Struct):
    """``OrderStateDTO``."""

    id: int
    status: str
    substatus: str = ""


class States(Struct):
    """``UpdateOrderStatusesRequest``."""

    orders: Annotated[list[State], Meta(min_length=1, max_length=30)]


class OwnNumber(Struct, rename="camel"):
    """``UpdateExternalOrderIdRequest``."""

    external_order_id: Annotated[str, Meta(min_length=1)]


class Decision(Struct):
    """``AcceptOrderCancellationRequest``."""

    accepted: bool
    reason: str | None = None


class Steps(Orders):
    """The calls by which a seller moves an order on.

    A code in ``bad_marks`` does not pass the check, nor does one that another living order holds; a code is
    checked ``check_seconds`` after it came. Custom faults: ``step_refused`` (one order of a call is refused),
    ``step_forgotten`` (one order of a call is not answered for).
    """

    def reset(self) -> None:
        """Forget the codes too."""
        super().reset()
        self.bad_marks: set[str] = set()
        self.check_seconds = 0.0
        self._marked_at: dict[int, float] = {}

    @route("PUT", _ORDER + "/boxes")
    def set_boxes(self, request: Request, campaign: str, number: str) -> Response:
        """``setOrderBoxLayout``."""
        order, asked = self.order_of(number, campaign), self.body(request, Boxes)
        if (order.status, order.substatus) != ("PROCESSING", "STARTED"):
            raise Invalid(f"Order {number} is {order.status}/{order.substatus}: boxes cannot be changed")
        packed = Counter[int]()
        for item in (item for box in asked.boxes for item in box.items):
            packed[item.id] += item.full_count
        lines = {line.id: line for line in order.lines if line.count}
        if strange := set(packed) - set(lines):
            raise Invalid(f"Unknown items {sorted(strange)}")
        self._check_room(order, asked, packed, lines)
        _check_codes(asked)
        for id_, line in lines.items():
            if packed[id_] < line.count:
                self.take_out(order, line, line.count - packed[id_])
            mine = [item for box in asked.boxes for item in box.items if item.id == id_]
            line.codes = [_code(instance) for item in mine for instance in item.instances or ()]
        order.boxes = [[_boxed(item) for item in box.items] for box in asked.boxes]
        order.updated_at = self._marked_at[order.id] = self.now()
        self.written["boxes"] += 1
        boxes = [{"items": items, "boxId": order.id * 10 + at} for at, items in enumerate(order.boxes, 1)]
        return ok({"boxes": boxes})

    @route("POST", _ORDER + "/identifiers/status")
    def check_marks(self, _: Request, campaign: str, number: str) -> Response:
        """``getOrderIdentifiersStatus``."""
        order = self.order_of(number, campaign)
        return ok({"items": [self._judged(order, line) for line in order.lines if line.codes]})

    @route("POST", _ORDER + "/external-id")
    def set_own_number(self, request: Request, campaign: str, number: str) -> Response:
        """``updateExternalOrderId``."""
        order, asked = self.order_of(number, campaign), self.body(request, OwnNumber)
        if order.external_id:
            raise Invalid(f"Order {number} has an external id already")
        if (order.status, order.substatus) != ("PROCESSING", "STARTED"):
            raise Invalid(f"Order {number}: too late for an external id")
        order.external_id, order.updated_at = asked.external_order_id, self.now()
        self.written["own numbers"] += 1
        return ok()

    @route("PUT", _ORDER + "/cancellation/accept")
    def answer_cancellation(self, request: Request, campaign: str, number: str) -> Response:
        """``acceptOrderCancellation``."""
        order, asked = self.order_of(number, campaign), self.body(request, Decision)
        if order.asked_to_cancel_at is None:
            raise Invalid(f"Order {number} has no cancellation request")
        if not asked.accepted and asked.reason not in {"ORDER_DELIVERED", "ORDER_IN_DELIVERY"}:
            raise Invalid("reason is required")
        order.asked_to_cancel_at, order.updated_at = None, self.now()
        if asked.accepted:
            self.enter(order, "CANCELLED", "USER_CHANGED_MIND")
        self.written["cancellations answered"] += 1
        return ok()

    @route("POST", r"/v2/campaigns/(?P<campaign>\d+)/orders/status-update")
    def set_statuses(self, request: Request, campaign: str) -> Response:
        """``updateOrderStatuses``: each order is answered for by itself."""
        asked = self.body(request, States)
        told = []
        for at, row in enumerate(asked.orders):
            if at == 0 and self.fault("step_forgotten"):
                continue
            problem = "Internal problem" if at == 0 and self.fault("step_refused") else self._step(row, campaign)
            answer: dict[str, Any] = {"id": row.id, "status": row.status, "updateStatus": "ERROR" if problem else "OK"}
            if row.substatus:
                answer["substatus"] = row.substatus
            if problem:
                answer["errorDetails"] = f"{problem} (order {row.id})"
            told.append(answer)
        return ok({"orders": told})

    def _step(self, row: State, campaign: str) -> str:
        """Change one order's status; return what is against it."""
        order = self.orders.get(row.id)
        if order is None or order.campaign != int(campaign):
            return "Order not found"
        now = (order.status, order.substatus if order.status == "PROCESSING" else "")
        machine = _BY_SELLER.get("DBS" if order.program == "DBS" else "FBS", {})
        if (row.status, row.substatus) not in machine.get(now, set()):
            return f"Status {now[0]} {now[1]} does not allow {row.status} {row.substatus}"
        if order.delivery == "PICKUP" and now[0] == "DELIVERY" and row.status == "DELIVERED":
            return "An order for a pickup point is delivered from PICKUP"
        if row.substatus == "READY_TO_SHIP" and order.program != "DBS" and (problem := self._not_marked(order)):
            return problem
        self.enter(order, row.status, row.substatus)
        self.written["steps"] += 1
        return ""

    def _not_marked(self, order: Order) -> str:
        for line in order.lines:
            if line.count and any(kind in _KINDS for kind in line.marks):
                told = self._judged(order, line)
                states = [one["status"] for kind in ("cis", "uin") for one in told.get(kind, ())]
                if len(states) < line.count or set(states) != {"OK"}:
                    return "Marking codes are not checked"
        return ""

    def _check_room(self, order: Order, asked: Boxes, packed: Counter[int], lines: dict[int, Line]) -> None:
        whole = sum(line.cost for line in lines.values())
        for id_, line in lines.items():
            if packed[id_] > line.count:
                raise Invalid(f"Item {id_}: {packed[id_]} of {line.count}: the order cannot grow")
            if packed[id_] == line.count:
                continue
            if not asked.allow_remove:
                raise Invalid(f"Item {id_} is missing from boxes, allowRemove is required")
            only, most = len(lines) == 1 and not packed[id_], line.cost * 100 >= whole * _MOST_OF_THE_COST
            if line.promo or only or (most and not packed[id_]):
                raise Invalid(f"Item {id_} cannot be removed: cancel order {order.id} instead")

    def _judged(self, order: Order, line: Line) -> dict[str, Any]:
        told: dict[str, Any] = {"id": line.id}
        checking = self.now() - self._marked_at.get(order.id, 0.0) < self.check_seconds
        for kind in ("cis", "uin"):
            codes = [code[kind] for code in line.codes if kind in code]
            if codes:
                told[kind] = [{"value": code, **self._verdict(order, kind, code, checking=checking)} for code in codes]
        return told

    def _verdict(self, order: Order, kind: str, code: str, *, checking: bool) -> dict[str, str]:
        if checking:
            return {"status": "IN_PROGRESS"}
        if code in self.bad_marks:
            return {"status": "INVALID", "substatus": "WRONG_OWNER_INN"} if kind == "cis" else {"status": "FAILED"}
        held = any(
            code in entry.values()
            for other in self.orders.values()
            if other is not order and other.status != "CANCELLED" and str(other.id) not in self.freed(code)
            for line in other.lines
            for entry in line.codes
        )
        return {"status": "INVALID", "substatus": "ITEM_SOLD"} if held and kind == "cis" else {"status": "OK"}

    @route("GET", _ORDER + "/buyer")
    def buyer(self, _: Request, campaign: str, number: str) -> Response:
        """``getOrderBuyerInfo``: told while a seller who delivers himself has the order."""
        order = self.order_of(number, campaign)
        if order.program != "DBS":
            raise Invalid("Method is not available for this placement type", 403, "FORBIDDEN")
        if order.status not in _HIS:
            raise Invalid(f"Order {number} is {order.status}: its buyer is not told any more")
        who = {"id": f"B-{order.id}", "lastName": "Образцов", "firstName": "Пример", "type": "PERSON"}
        return ok({**who, "phone": f"+7000{order.id % 10**7:07d}", "trusted": False})

    def freed(self, _code: str) -> set[str]:
        """Return the numbers of orders whose unit with this code came back."""
        return set()


def _check_codes(asked: Boxes) -> None:
    for item in (item for box in asked.boxes for item in box.items):
        codes = item.instances or []
        if codes and len(codes) != item.full_count:
            raise Invalid(f"Item {item.id}: {len(codes)} codes for {item.full_count} units")
        for instance in codes:
            if sum(map(bool, (instance.cis, instance.uin, instance.rnpt, instance.gtd))) != 1:
                raise Invalid(f"Item {item.id}: exactly one kind of code, not {instance.cis} {instance.uin}")


def _code(instance: Instance) -> dict[str, str]:
    known = {"cis": instance.cis, "uin": instance.uin, "rnpt": instance.rnpt, "gtd": instance.gtd}
    return {name: value for name, value in known.items() if value}


def _boxed(item: BoxItem) -> dict[str, Any]:
    boxed: dict[str, Any] = {"id": item.id, "fullCount": item.full_count}
    return {**boxed, "instances": [_code(one) for one in item.instances]} if item.instances else boxed

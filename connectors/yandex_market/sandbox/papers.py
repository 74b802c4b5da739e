"""Shipments to the sorting centre, and labels: of one order at once, of many as a report with a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from connectors.yandex_market.sandbox.cabinet import Invalid, ok
from connectors.yandex_market.sandbox.order_steps import Steps
from obmen.testing.sandbox import Request, Response, route

_SHIPMENT = r"/v2/campaigns/(?P<campaign>\d+)/first-mile/shipments/(?P<id_>\d+)"
_FORMATS = {"A9_HORIZONTALLY", "A9", "A7", "A4"}
_FILES = "/files/"
_LIVES = 3600.0


class Confirm(Struct, rename="camel"):
    """``ConfirmShipmentRequest``."""

    external_shipment_id: str = ""
    signatory: str = ""


class LabelsOf(Struct, rename="camel"):
    """``GenerateMassOrderLabelsRequest``."""

    business_id: int
    order_ids: Annotated[list[int], Meta(min_length=1, max_length=1000)] = field(default_factory=list)
    sorting_type: str = "SORT_BY_ORDER_CREATED_AT"


@dataclass
class Report:
    """A document that is being made until ``ready_at``: labels of orders, or an archive."""

    id: str
    orders: list[int]
    asked_at: float
    ready_at: float
    problem: str = ""
    archive: bytes = b""


class Papers(Steps):
    """The calls about shipments and labels.

    ``report_seconds``: how long a document is made. Custom faults: ``label_not_ready``, ``report_failed``.
    """

    def reset(self) -> None:
        """Forget the documents too."""
        super().reset()
        self.report_seconds = 30.0
        self.reports: dict[str, Report] = {}

    def before(self, request: Request) -> Response | None:
        """Give a file to whoever has its address: the key is not asked for there."""
        refused = super().before(request)
        if refused is not None or not request.path.startswith(_FILES):
            return refused
        report = self.reports.get(request.path.removeprefix(_FILES).partition(".")[0])
        if report is None or "signature" not in request.query or "api-key" in request.headers:
            return Response(403, {"message": "the address is not signed, or a key came along"})
        if report.archive:
            return Response(body=report.archive, headers={"Content-Type": "application/zip"})
        return _pdf(report.orders)

    @route("GET", _SHIPMENT)
    def get_shipment(self, _: Request, campaign: str, id_: str) -> Response:
        """``getShipment``."""
        shipment = self.shipments.get(int(id_))
        if shipment is None or shipment.campaign != int(campaign):
            raise Invalid(f"Shipment {id_} not found", 404, "NOT_FOUND")
        ids = [order.id for order in self.orders.values() if order.shipment == shipment.id]
        open_now = self.now() >= shipment.opens_at and shipment.status == "OUTBOUND_CREATED"
        return ok(
            {
                "id": shipment.id,
                "planIntervalFrom": f"{shipment.day}T09:00:00+03:00",
                "planIntervalTo": f"{shipment.day}T18:00:00+03:00",
                "orderIds": ids,
                "draftCount": len(ids),
                "plannedCount": len(ids),
                "factCount": 0,
                "signature": {"signed": False},
                "currentStatus": {
                    "status": "OUTBOUND_READY_FOR_CONFIRMATION" if open_now else shipment.status,
                    "updateTime": self.stamp(),
                },
                "availableActions": ["CONFIRM"] if open_now else [],
            }
        )

    @route("POST", _SHIPMENT + "/confirm")
    def confirm_shipment(self, request: Request, campaign: str, id_: str) -> Response:
        """``confirmShipment``."""
        self.body(request, Confirm)
        shipment = self.shipments.get(int(id_))
        if shipment is None or shipment.campaign != int(campaign):
            raise Invalid(f"Shipment {id_} not found", 404, "NOT_FOUND")
        if self.now() < shipment.opens_at:
            raise Invalid("Cutoff time for shipments has not been reached yet")
        if shipment.status != "OUTBOUND_CREATED":
            raise Invalid(f"Shipment {id_} is confirmed already")
        shipment.status = "OUTBOUND_CONFIRMED"
        self.written["shipments"] += 1
        return ok()

    @route("GET", r"/v2/campaigns/(?P<campaign>\d+)/orders/(?P<number>\d+)/delivery/labels")
    def get_labels(self, request: Request, campaign: str, number: str) -> Response:
        """``generateOrderLabels``."""
        order = self.order_of(number, campaign)
        if request.query.get("format", "A7") not in _FORMATS:
            raise Invalid("Unknown format")
        if order.status != "PROCESSING" or order.boxes is None or self.fault("label_not_ready"):
            raise Invalid(f"Order {number}: labels are not available in its status")
        return _pdf([order.id])

    @route("POST", "/v2/reports/documents/labels/generate")
    def make_labels(self, request: Request) -> Response:
        """``generateMassOrderLabelsReport``: one order without labels spoils the document for all."""
        asked = self.body(request, LabelsOf)
        if asked.business_id != self.business_id:
            raise Invalid(f"No access to business {asked.business_id}", 403, "FORBIDDEN")
        if len(set(asked.order_ids)) != len(asked.order_ids):
            raise Invalid("orderIds are not unique")
        known = [self.orders.get(id_) for id_ in asked.order_ids]
        bad = any(order is None or order.status != "PROCESSING" or order.boxes is None for order in known)
        now = self.now()
        id_ = str(900_000 + len(self.reports) + 1)
        problem = "RESOURCE_NOT_FOUND" if bad or self.fault("report_failed") else ""
        self.reports[id_] = Report(id_, asked.order_ids, now, now + self.report_seconds, problem)
        return ok({"reportId": id_, "estimatedGenerationTime": int(self.report_seconds * 1000)})

    @route("GET", r"/v2/reports/info/(?P<id_>\w+)")
    def report_info(self, _: Request, id_: str) -> Response:
        """``getReportInfo``: the address of the file lives for an hour."""
        report = self.reports.get(id_)
        if report is None:
            raise Invalid(f"Report {id_} not found", 404, "NOT_FOUND")
        told: dict[str, Any] = {"generationRequestedAt": self.stamp(report.asked_at)}
        if self.now() < report.ready_at:
            left = int((report.ready_at - self.now()) * 1000)
            return ok({**told, "status": "PROCESSING", "estimatedGenerationTime": left})
        told["generationFinishedAt"] = self.stamp(report.ready_at)
        if report.problem:
            return ok({**told, "status": "FAILED", "subStatus": report.problem})
        kind = "zip" if report.archive else "pdf"
        file = f"{self.url}{_FILES}{report.id}.{kind}?signature={self.random.randrange(10**9)}"
        return ok({**told, "status": "DONE", "file": file})


def _pdf(orders: list[int]) -> Response:
    text = f"%PDF-1.4\n% labels of {', '.join(map(str, orders))}\n%%EOF\n"
    return Response(body=text.encode(), headers={"Content-Type": "application/pdf"})

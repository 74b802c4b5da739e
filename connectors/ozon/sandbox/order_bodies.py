"""What the sandbox lets in about the life of an order: assembly, units, deliveries, labels, returns, accruals."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

Numbers = Annotated[list[str], Meta(min_length=1)]


class PackageRow(Struct):
    """Goods of one package; ``product_id`` holds the SKU, for all its name."""

    product_id: int
    quantity: Annotated[int, Meta(ge=1)]


class Package(Struct):
    """One package."""

    products: Annotated[list[PackageRow], Meta(min_length=1)]


class Ship(Struct):
    """``PostingAPI_ShipFbsPostingV4``."""

    packages: Annotated[list[Package], Meta(min_length=1)]
    posting_number: str


class Cancel(Struct):
    """``PostingAPI_CancelFbsPosting``."""

    cancel_reason_id: int
    posting_number: str
    cancel_reason_message: str = ""


class CancelRow(Struct):
    """Goods to be cancelled."""

    sku: int
    quantity: Annotated[int, Meta(ge=1)]


class CancelGoods(Struct):
    """``PostingAPI_CancelFbsPostingProduct``; the words are required."""

    cancel_reason_id: int
    cancel_reason_message: Annotated[str, Meta(min_length=1)]
    items: Annotated[list[CancelRow], Meta(min_length=1)]
    posting_number: str


class Related(Struct):
    """``PostingAPI_GetPostingFbsCancelReasonV1``."""

    related_posting_numbers: Numbers


class One(Struct):
    """A call about one posting."""

    posting_number: str


class Several(Struct):
    """A call about several postings: rFBS steps and disputed ones."""

    posting_number: Annotated[list[str], Meta(min_length=1, max_length=100)]


class Labels(Struct):
    """``PostingAPI_PostingFBSPackageLabel``."""

    posting_number: Annotated[list[str], Meta(min_length=1, max_length=20)]


class TrackRow(Struct):
    """A posting and the carrier's number."""

    posting_number: str
    tracking_number: str


class Track(Struct):
    """``PostingAPI_FbsPostingTrackingNumberSet``."""

    tracking_numbers: Annotated[list[TrackRow], Meta(min_length=1, max_length=20)]


class Mark(Struct):
    """A marking code."""

    mark: str
    mark_type: str


class UnitRow(Struct):
    """What is told of one unit."""

    exemplar_id: int
    marks: list[Mark] = []
    gtd: str = ""
    is_gtd_absent: bool = False
    rnpt: str = ""
    is_rnpt_absent: bool = False


class UnitsOf(Struct):
    """The units of one product; ``product_id`` holds the SKU."""

    product_id: int
    exemplars: list[UnitRow]


class SetUnits(Struct):
    """``PostingAPI_FbsPostingProductExemplarSetV6``."""

    posting_number: str
    products: Annotated[list[UnitsOf], Meta(min_length=1)]
    multi_box_qty: int = 0


class Period(Struct, frozen=True):
    """A span of time, both ends included."""

    time_from: datetime
    time_to: datetime


class ReturnFilter(Struct, frozen=True):
    """``filter`` of ``returnsList``; one of the three spans only."""

    logistic_return_date: Period | None = None
    storage_tariffication_start_date: Period | None = None
    visual_status_change_moment: Period | None = None
    posting_numbers: Annotated[list[str], Meta(max_length=50)] = []
    return_schema: str = ""


class Returns(Struct):
    """``returnsList``."""

    limit: Annotated[int, Meta(ge=1, le=500)]
    filter: ReturnFilter = ReturnFilter()
    last_id: int = 0


class CreatedAt(Struct, frozen=True, rename={"begin": "from"}):
    """When an application was made."""

    begin: datetime | None = None
    to: datetime | None = None


class OwnReturnFilter(Struct, frozen=True):
    """``filter`` of ``RFBSReturnsAPI_ReturnsRfbsListV2``."""

    posting_number: str = ""
    group_state: list[str] = []
    created_at: CreatedAt = CreatedAt()


class OwnReturns(Struct):
    """``RFBSReturnsAPI_ReturnsRfbsListV2``."""

    limit: Annotated[int, Meta(ge=1, le=1000)]
    filter: OwnReturnFilter = OwnReturnFilter()
    last_id: int = 0


class FboFilter(Struct, frozen=True):
    """``filter`` of ``PostingFboList``."""

    since: datetime | None = None
    to: datetime | None = None
    posting_numbers: Annotated[list[str], Meta(max_length=1000)] = []
    statuses: list[str] = []


class FboList(Struct):
    """``PostingFboList``."""

    filter: FboFilter = FboFilter()
    limit: Annotated[int, Meta(ge=1, le=100)] = 100
    cursor: str = ""


class Accruals(Struct):
    """``GetFinanceAccrualByDay``."""

    date: date
    last_id: str


class Span(Struct, rename={"begin": "from", "end": "to"}):
    """A period of the statement."""

    begin: datetime
    end: datetime


class Statement(Struct):
    """``FinanceAPI_FinanceCashFlowStatementList``."""

    date: Span
    page: Annotated[int, Meta(ge=1)]
    page_size: Annotated[int, Meta(ge=1, le=1000)]
    with_details: bool = False

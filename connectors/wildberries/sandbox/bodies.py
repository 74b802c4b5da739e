"""What the sandbox lets in: bodies with the types, required fields and sizes that Wildberries insists on.

Fields that are not named here are ignored, as Wildberries ignores them; that Obmen sends none of these is judged
against the specification.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

Page = Annotated[int, Meta(ge=1, le=100)]


class Sort(Struct, frozen=True):
    """The order of a list."""

    ascending: bool = False


class ListCursor(Struct, frozen=True):
    """Where a list of cards goes on."""

    limit: Page = 10
    updatedAt: str | None = None  # noqa: N815 - the vendor's word
    trashedAt: str | None = None  # noqa: N815 - the vendor's word
    nmID: int = 0  # noqa: N815 - the vendor's word


class ListFilter(Struct, frozen=True):
    """Which cards a list holds."""

    withPhoto: int = 0  # noqa: N815 - the vendor's word
    textSearch: str = ""  # noqa: N815 - the vendor's word


class ListSettings(Struct, frozen=True):
    """The settings of a list of cards."""

    sort: Sort = Sort()
    cursor: ListCursor = ListCursor()
    filter: ListFilter = ListFilter()


class CardList(Struct):
    """``get/cards/list`` and ``get/cards/trash``."""

    settings: ListSettings = ListSettings()


class ErrorCursor(Struct, frozen=True):
    """Where the list of errors goes on."""

    limit: Page = 100
    updatedAt: str | None = None  # noqa: N815 - the vendor's word
    batchUUID: str | None = None  # noqa: N815 - the vendor's word


class ErrorList(Struct):
    """``cards/error/list``."""

    cursor: ErrorCursor = ErrorCursor()
    order: Sort = Sort(ascending=True)


class SizeBody(Struct):
    """A size of a card."""

    chrtID: int = 0  # noqa: N815 - the vendor's word
    techSize: str = ""  # noqa: N815 - the vendor's word
    wbSize: str = ""  # noqa: N815 - the vendor's word
    price: int = 0
    skus: list[str] = []


class Charc(Struct):
    """A characteristic's value."""

    id: int
    value: Any


class Dimensions(Struct, frozen=True):
    """Whole centimetres and kilograms."""

    length: int = 0
    width: int = 0
    height: int = 0
    weightBrutto: float = 0  # noqa: N815 - the vendor's word


class Variant(Struct):
    """A card to be made."""

    vendorCode: str = ""  # noqa: N815 - the vendor's word
    brand: str = ""
    title: str = ""
    description: str = ""
    kizMarked: bool = False  # noqa: N815 - the vendor's word
    dimensions: Dimensions = Dimensions()
    sizes: list[SizeBody] = []
    characteristics: list[Charc] = []


class NewCards(Struct):
    """One item of ``cards/upload``."""

    subjectID: int  # noqa: N815 - the vendor's word
    variants: Annotated[list[Variant], Meta(min_length=1, max_length=30)]


class ChangedCard(Struct):
    """One item of ``cards/update``: the whole card."""

    nmID: int  # noqa: N815 - the vendor's word
    vendorCode: str  # noqa: N815 - the vendor's word
    sizes: list[SizeBody]
    brand: str = ""
    title: str = ""
    description: str = ""
    kizMarked: bool = False  # noqa: N815 - the vendor's word
    dimensions: Dimensions = Dimensions()
    characteristics: list[Charc] = []


class Numbers(Struct):
    """``cards/delete/trash`` and ``cards/recover``."""

    nmIDs: Annotated[list[int], Meta(min_length=1, max_length=1000)]  # noqa: N815 - the vendor's word


class Media(Struct):
    """``media/save``: addresses in the order of the card."""

    nmId: int  # noqa: N815 - the vendor's word
    data: Annotated[list[str], Meta(max_length=31)]


class PriceRow(Struct):
    """One row of ``upload/task``: whole rubles, whole percents."""

    nmID: int  # noqa: N815 - the vendor's word
    price: Annotated[int, Meta(gt=0)] | None = None
    discount: Annotated[int, Meta(ge=0, le=99)] | None = None


class Prices(Struct):
    """``upload/task``."""

    data: list[PriceRow]


class PricesOf(Struct):
    """``list/goods/filter`` by POST."""

    nmList: Annotated[list[int], Meta(min_length=1, max_length=1000)]  # noqa: N815 - the vendor's word


class StocksOf(Struct):
    """Reading and deleting stock."""

    chrtIds: Annotated[list[int], Meta(max_length=1000)]  # noqa: N815 - the vendor's word

"""What the sandbox lets in: bodies with the types, required fields and sizes that Ozon insists on.

Fields that are not named here are ignored, as Ozon ignores them; that Obmen sends none of these is judged
against the specification.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Thousand = Annotated[int, Meta(ge=1, le=1000)]
Switch = Literal["UNKNOWN", "ENABLED", "DISABLED"]
Hundred = Annotated[int, Meta(ge=1, le=100)]


class ProductFilter(Struct, frozen=True):
    """``filter`` of lists of products; 64-bit ids come as strings."""

    offer_id: list[str] = []
    product_id: list[str] = []
    visibility: str = "ALL"


class ProductList(Struct):
    """``ProductAPI_GetProductList`` and, with the same shape, ``ProductAPI_GetProductAttributesV4``."""

    filter: ProductFilter = ProductFilter()
    last_id: str = ""
    limit: Thousand = 1000


class ProductDetails(Struct):
    """``ProductAPI_GetProductInfoList``."""

    offer_id: list[str] = []
    product_id: list[str] = []
    sku: list[str] = []


class InCategory(Struct):
    """``DescriptionCategoryAPI_GetAttributes``."""

    description_category_id: int
    type_id: int


class Values(InCategory):
    """``DescriptionCategoryAPI_GetAttributeValues``."""

    attribute_id: int
    limit: Annotated[int, Meta(ge=1, le=2000)]
    last_value_id: int = 0


class FindValues(InCategory):
    """``DescriptionCategoryAPI_SearchAttributeValues``."""

    attribute_id: int
    limit: Hundred
    value: Annotated[str, Meta(min_length=2)]


class AttributeValue(Struct):
    """One value of an attribute; a dictionary's values also carry their id."""

    value: str = ""
    dictionary_value_id: int = 0


class Attribute(Struct):
    """One attribute of a card."""

    id: int
    complex_id: int = 0
    values: list[AttributeValue] = []


class Nested(Struct):
    """Attributes that are parts of one: a video's address and its name."""

    attributes: list[Attribute] = []


class Card(Struct):
    """One item of ``ProductAPI_ImportProductsV3``."""

    price: str
    description_category_id: int
    type_id: int
    offer_id: str = ""
    name: str = ""
    old_price: str | None = None
    currency_code: str = "RUB"
    vat: str = ""
    barcode: str = ""
    depth: int = 0
    width: int = 0
    height: int = 0
    dimension_unit: str = ""
    weight: int = 0
    weight_unit: str = ""
    images: Annotated[list[str], Meta(max_length=30)] = []
    primary_image: str = ""
    attributes: list[Attribute] = []
    complex_attributes: list[Nested] = []
    new_description_category_id: int = 0


class Import(Struct):
    """``ProductAPI_ImportProductsV3``."""

    items: Annotated[list[Card], Meta(min_length=1, max_length=100)]


class ImportState(Struct):
    """``ProductAPI_GetImportProductsInfo``."""

    task_id: int


class Barcode(Struct):
    """One barcode for a product."""

    barcode: Annotated[str, Meta(min_length=1, max_length=100)]
    sku: int


class AddBarcodes(Struct):
    """``add-barcode``."""

    barcodes: Annotated[list[Barcode], Meta(min_length=1, max_length=100)]


class ProductIds(Struct):
    """``ProductAPI_ProductArchive`` and ``ProductAPI_ProductUnarchive``."""

    product_id: Annotated[list[int], Meta(min_length=1, max_length=100)]


class PriceRow(Struct):
    """One row of ``ProductAPI_ImportProductsPrices``; amounts are strings."""

    price: str = ""
    old_price: str | None = None
    min_price: str | None = None
    offer_id: str = ""
    product_id: int = 0
    currency_code: str = "RUB"
    auto_action_enabled: Switch = "UNKNOWN"
    auto_add_to_ozon_actions_list_enabled: Switch = "UNKNOWN"
    price_strategy_enabled: Switch = "UNKNOWN"


class SetPrices(Struct):
    """``ProductAPI_ImportProductsPrices``."""

    prices: Annotated[list[PriceRow], Meta(min_length=1, max_length=1000)]


class ReadPrices(Struct):
    """``ProductAPI_GetProductInfoPrices``."""

    filter: ProductFilter
    limit: Thousand
    cursor: str = ""


class LeavePromotion(Struct):
    """``PromosProductsDeactivate``."""

    action_id: int
    product_ids: list[int]


class StockRow(Struct):
    """One row of ``ProductAPI_ProductsStocksV2``."""

    product_id: int
    stock: Annotated[int, Meta(ge=0)]
    warehouse_id: Annotated[int, Meta(ge=1)]
    offer_id: str = ""


class SetStocks(Struct):
    """``ProductAPI_ProductsStocksV2``."""

    stocks: Annotated[list[StockRow], Meta(min_length=1, max_length=100)]


class ReadStocks(Struct):
    """``ProductAPI_GetProductInfoStocksByWarehouseFbsV2``."""

    limit: Thousand
    offer_id: Annotated[list[str], Meta(max_length=1000)] = []
    sku: Annotated[list[str], Meta(max_length=1000)] = []
    cursor: str = ""


class Warehouses(Struct):
    """``WarehouseListV2``."""

    limit: Annotated[int, Meta(ge=1, le=200)]
    cursor: str = ""
    warehouse_ids: list[str] = []


class Changed(Struct, frozen=True, rename={"begin": "from"}):
    """When a status changed last, both ends included."""

    begin: datetime | None = None
    to: datetime | None = None


class With(Struct, frozen=True):
    """Which parts of a posting are asked for beside the usual ones."""

    analytics_data: bool = False
    barcodes: bool = False
    financial_data: bool = False


class PostingFilter(Struct):
    """``filter`` of ``PostingFbsList``."""

    since: datetime
    to: datetime
    last_changed_status_date: Changed = Changed()
    order_numbers: Annotated[list[str], Meta(max_length=100)] = []
    statuses: list[str] = []
    warehouse_ids: list[str] = []


class PostingList(Struct, rename={"with_": "with"}):
    """``PostingFbsList``."""

    filter: PostingFilter
    limit: Hundred
    cursor: str = ""
    sort_dir: str = "ASC"
    with_: With = With()


class WaitingFilter(Struct, frozen=True):
    """``filter`` of ``PostingFbsUnfulfilledList``; one of the two spans only."""

    cutoff_from: datetime | None = None
    cutoff_to: datetime | None = None
    delivering_date_from: datetime | None = None
    delivering_date_to: datetime | None = None
    last_changed_status_date: Changed = Changed()
    statuses: list[str] = []
    warehouse_ids: list[str] = []


class WaitingList(Struct, rename={"with_": "with"}):
    """``PostingFbsUnfulfilledList``."""

    filter: WaitingFilter = WaitingFilter()
    limit: Hundred = 100
    cursor: str = ""
    sort_dir: str = "ASC"
    with_: With = With()


class PostingGet(Struct):
    """``PostingAPI_GetFbsPostingV3``."""

    posting_number: str

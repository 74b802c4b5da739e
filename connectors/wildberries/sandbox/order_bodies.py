"""What the sandbox lets in about orders: the sizes and required fields that Wildberries insists on."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Thousand = Annotated[list[int], Meta(max_length=1000)]


class Orders(Struct):
    """A list of ids of orders, a thousand at most."""

    orders: Annotated[list[int], Meta(min_length=1, max_length=1000)]


class Hundred(Struct):
    """A list of ids of orders, a hundred at most."""

    orders: Annotated[list[int], Meta(min_length=1, max_length=100)]


class MetaOf(Struct):
    """Whose marking codes are asked for."""

    orders: Annotated[list[int], Meta(max_length=100)]


class OrdersIds(Struct):
    """The same list as the newer methods call it."""

    ordersIds: Thousand  # noqa: N815 - the vendor's word


class Coded(Struct):
    """An order and the code that its buyer told."""

    orderId: int  # noqa: N815 - the vendor's word
    code: str = ""


class CodedOrders(Struct):
    """Orders with their buyers' codes."""

    orders: Annotated[list[Coded], Meta(max_length=1000)]


class Sgtins(Struct):
    """Codes of Честный знак."""

    sgtins: Annotated[list[str], Meta(min_length=1, max_length=100)]


class Uin(Struct):
    """A number of a piece of jewellery."""

    uin: Annotated[str, Meta(min_length=16, max_length=16)]


class Imei(Struct):
    """A number of a telephone."""

    imei: Annotated[str, Meta(min_length=15, max_length=15)]


class Gtin(Struct):
    """A number of goods in Belarus."""

    gtin: Annotated[str, Meta(min_length=13, max_length=13)]


class Expiration(Struct):
    """The day up to which goods may be used."""

    expiration: Annotated[str, Meta(pattern=r"^\d\d\.\d\d\.\d{4}$")]


class Customs(Struct):
    """A number of a customs declaration."""

    customsDeclaration: Annotated[str, Meta(min_length=17, max_length=29)]  # noqa: N815 - the vendor's word


class MarkRow(Struct):
    """An order and its codes of one kind."""

    orderId: int  # noqa: N815 - the vendor's word
    sgtins: list[str] = []
    uin: str = ""
    imei: str = ""
    gtin: str = ""


class MarkRows(Struct):
    """Codes of many orders."""

    orders: Annotated[list[MarkRow], Meta(max_length=1000)]


class SupplyName(Struct):
    """A supply to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]


class Boxes(Struct):
    """How many boxes are added."""

    amount: Annotated[int, Meta(ge=1, le=1000)]


class BoxIds(Struct):
    """Whose labels are asked for."""

    trbxIds: list[str]  # noqa: N815 - the vendor's word

"""Ozon Seller API: the seller's cards, prices, stock and FBS postings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from connectors.ozon import paths
from connectors.ozon.archive import Archive
from connectors.ozon.checks import check_category, check_key, check_paths, check_quotas, check_warehouses, end_of_key
from connectors.ozon.errors import explain
from connectors.ozon.finance import Finance
from connectors.ozon.labels import Labels
from connectors.ozon.notifications import Doorway, Push
from connectors.ozon.orders import Orders
from connectors.ozon.prices import Prices
from connectors.ozon.products import Products
from connectors.ozon.promotions import Promotions
from connectors.ozon.returns import Returns
from connectors.ozon.statuses import Statuses
from obmen import keys
from obmen.connector import Finding, Native, SecretStr, Transport
from obmen.connector import Options as BaseOptions
from obmen.endpoint import Endpoint
from obmen.entities.accrual import AccrualKind
from obmen.http import Rate, Retry
from obmen.options import Paired, ProtectedUrl

__all__ = ["Ozon"]

_OTHER_REASON = 402
_MINUTE = 60.0

BUDGETS = {"*": (Rate(50, 1.0),), "stocks": (Rate(80, _MINUTE),), "barcodes": (Rate(20, _MINUTE),)}
"""Ozon's own limits: every method of one Client-Id, stock, barcodes. The quotas of imports are told by 429 only."""


TypeName = Annotated[str, Field(coerce_numbers_to_str=True)]


class Category(BaseOptions):
    """Where cards are created: a category of the last level and a type that belongs to it."""

    description_category_id: int
    type_id: int


class AssumedCard(BaseOptions):
    """What a card is given where the source tells nothing: Ozon takes none without weight, size and VAT.

    Grams and millimetres; ``vat`` is a part of one, as Ozon writes it ("0.2" is 20 %).
    """

    weight_g: Annotated[int, Field(gt=0)] | None = None
    length_mm: Annotated[int, Field(gt=0)] | None = None
    width_mm: Annotated[int, Field(gt=0)] | None = None
    height_mm: Annotated[int, Field(gt=0)] | None = None
    vat: Literal["0", "0.05", "0.07", "0.1", "0.2", "0.22"] | None = None


class Ozon(Products, Archive, Prices, Promotions, Orders, Statuses, Labels, Returns, Finance):
    """Ozon Seller API."""

    title: ClassVar[str] = "Ozon"
    sandbox: ClassVar[str] = "connectors.ozon.sandbox:OzonSandbox"

    class Options(BaseOptions):
        """A cabinet.

        ``client_id`` and ``api_key`` are from the cabinet (Настройки → Seller API); a key lives six months.
        ``url``: another address, such as the sandbox's. ``warehouses``: canonical name → Ozon's warehouse id.
        ``categories``: the file that says which category and attributes a product has; without it
        ``category``: where all new cards go. ``assumed``: see AssumedCard. ``automatic_prices``: promotions
        that join by themselves and price strategies are ``disabled`` with each price, or left ``unchanged``.
        ``lookback_days``: how far the first read of postings goes back. ``cancel_reason``: Ozon's reason id
        for a cancellation by the seller (352 is "out of stock"; 402, "other", needs ``cancel_message``).
        ``cancel_reasons``: the reason as 1C says it → Ozon's reason id, where they differ. ``rfbs``: the
        seller delivers orders himself, so the applications for their return are read too. ``scheme``: ``fbo``
        makes a connection that only reads the orders and returns of Ozon's own warehouses, beside another one
        for all else. ``accrual_kinds``: the id or the name of one of Ozon's accruals → its kind, where Obmen
        guesses wrong.
        ``push``: Ozon calls this connection; see Push.
        """

        client_id: Annotated[str, Field(min_length=1, coerce_numbers_to_str=True)]
        api_key: Annotated[SecretStr, Field(min_length=1)]
        url: ProtectedUrl = "https://api-seller.ozon.ru"
        warehouses: Paired[int] = Field(default_factory=dict)
        categories: Path | None = None
        category: Category | None = None
        assumed: AssumedCard = AssumedCard()
        automatic_prices: Literal["disabled", "unchanged"] = "disabled"
        lookback_days: Annotated[int, Field(ge=1, le=363)] = 30
        cancel_reason: int = 352
        cancel_message: str = ""
        cancel_reasons: dict[str, int] = Field(default_factory=dict)
        rfbs: bool = False
        scheme: Literal["fbs", "fbo"] = "fbs"
        accrual_kinds: dict[TypeName, AccrualKind] = Field(default_factory=dict)
        push: Push | None = None

        @model_validator(mode="after")
        def _explains_the_cancellation(self) -> Self:
            if self.cancel_reason == _OTHER_REASON and not self.cancel_message:
                raise ValueError("cancel_reason 402 needs a cancel_message, or Ozon refuses to cancel")
            return self

    def __init__(self, name: str, options: BaseOptions, **more: Any) -> None:
        super().__init__(name, options, **more)
        if self.options.scheme == "fbo":
            self.writers = {key: spec for key, spec in self.writers.items() if key[0] != "order_status"}

    @classmethod
    def transport(cls, options: Any) -> Transport:
        """Ozon's address, credentials, limits, and its way of saying when to come back."""
        return Transport(
            base_url=options.url,
            headers={"Client-Id": options.client_id, "Api-Key": options.api_key.get_secret_value()},
            budgets=BUDGETS,
            retry=Retry(after_headers={"Retry-After": 1.0, "Item-Retry-After": _MINUTE}),
            explain=explain,
        )

    def foresee(self, entity: str, payload: Native, before: Mapping[str, Any] | None) -> str:
        """Say why Ozon will refuse a card or a price."""
        if entity == "price":
            return self.foresee_price(payload)
        return self.foresee_card(payload, before) if entity == "product" else ""

    def endpoint(self) -> Endpoint | None:
        """Return what takes Ozon's notifications, if the connection has the option ``push``."""
        return Doorway(self.options.push, self) if self.options.push is not None else None

    def ask_key_end(self) -> datetime:
        """Ask when the key ends: half a year after it was made (``AccessAPI_RolesByToken``)."""
        return end_of_key(self.http.post(paths.ROLES, safe=True))

    def check(self) -> Iterator[Finding]:
        """Try the key, compare the warehouses, look at quotas, category and currency; writes nothing."""
        roles = self.http.post(paths.ROLES, safe=True)
        keys.keep(self, end_of_key(roles))
        yield from check_key(roles, self.clock)
        yield from check_paths(self.clock)
        yield from check_warehouses(self.http, self.options.warehouses)
        yield from check_quotas(self.http)
        if self.options.category is not None and self.options.categories is None:
            yield from check_category(self.catalogue, self.options.category.model_dump())
        if currency := self.currency():
            yield Finding("ok", f"The cabinet sells in {currency}.")

"""The settings of a Wildberries account."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from obmen.connector import Options, SecretStr
from obmen.options import Paired, ProtectedUrl


class AssumedCard(Options):
    """What a card is given where the source tells nothing: weight (kg) and size (mm) of the package."""

    weight_kg: Annotated[Decimal, Field(gt=0, max_digits=7, decimal_places=3)] | None = None
    length_mm: Annotated[int, Field(gt=0)] | None = None
    width_mm: Annotated[int, Field(gt=0)] | None = None
    height_mm: Annotated[int, Field(gt=0)] | None = None


SchemeName = Literal["fbs", "dbs", "dbw", "click_collect", "fbw"]


class Labels(Options):
    """How labels are printed: the file's format, and the label's width and height in millimetres."""

    format: Literal["png", "svg", "zplv", "zplh"] = "png"
    size: Literal["58x40", "40x30"] = "58x40"


class WildberriesOptions(Options):
    """An account.

    ``token`` is from the cabinet (Настройки → Доступ к API) and lives 180 days. ``url``: one address instead of
    all hosts, such as the sandbox's. ``warehouses``: canonical name → id of the seller's warehouse.
    ``categories``: the project's file of categories and attributes. ``assumed``: see AssumedCard. ``rounding``:
    what to do with a price that whole rubles and a whole discount cannot say: ``refuse`` it, or sell at the next
    price that they can, ``up``, ``down`` or ``nearest``.

    ``schemes``: the ways of selling whose orders are read; ``fbw`` stands alone and makes a connection that only reads
    what Wildberries sells out of its own warehouses. ``goods``: an order's goods are those of the product
    that is bound to its size, or those with its article as their SKU. ``order_prices``: in the currency of the sale,
    or ``converted`` into that of the seller's country. ``lookback_days``: how far the first read of orders goes
    back. ``ship_to``: where FBS supplies are handed over; to a pick-up point they go in boxes. ``labels``: see
    Labels. ``reports``: which reports the money is read from, and ``reports_days``: how far the first read goes back.
    """

    token: Annotated[SecretStr, Field(min_length=1)]
    url: ProtectedUrl = ""
    warehouses: Paired[int] = Field(default_factory=dict)
    categories: Path | None = None
    assumed: AssumedCard = AssumedCard()
    rounding: Literal["refuse", "up", "down", "nearest"] = "refuse"

    # -- orders, supplies, labels, returns, money

    schemes: Annotated[tuple[SchemeName, ...], Field(min_length=1)] = ("fbs",)
    goods: Literal["binding", "article"] = "binding"
    order_prices: Literal["sale", "converted"] = "sale"
    lookback_days: Annotated[int, Field(ge=1, le=88)] = 30
    ship_to: Literal["office", "pickup_point"] = "office"
    labels: Labels = Labels()
    reports: Literal["weekly", "daily"] = "weekly"
    reports_days: Annotated[int, Field(ge=1, le=365)] = 35

    @model_validator(mode="after")
    def _fbw_stands_alone(self) -> Self:
        if "fbw" in self.schemes and len(self.schemes) > 1:
            message = "fbw stands alone: give Wildberries' own warehouses a connection of their own"
            raise ValueError(message)
        return self

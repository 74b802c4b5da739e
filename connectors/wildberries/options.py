"""The settings of a Wildberries account."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from obmen.connector import Options, SecretStr

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class AssumedCard(Options):
    """What a card is given where the source tells nothing: weight (kg) and size (mm) of the package."""

    weight_kg: Annotated[Decimal, Field(gt=0, max_digits=7, decimal_places=3)] | None = None
    length_mm: Annotated[int, Field(gt=0)] | None = None
    width_mm: Annotated[int, Field(gt=0)] | None = None
    height_mm: Annotated[int, Field(gt=0)] | None = None


SchemeName = Literal["fbs", "dbs", "dbw", "click_collect"]


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

    ``schemes``: the ways of selling whose orders are read. ``goods``: an order's goods are those of the product
    that is bound to its size, or those with its article as their SKU. ``order_prices``: in the currency of the sale,
    or ``converted`` into that of the seller's country. ``lookback_days``: how far the first read of orders goes
    back. ``ship_to``: where FBS supplies are handed over; to a pick-up point they go in boxes. ``labels``: see
    Labels. ``reports``: which reports the money is read from, and ``reports_days``: how far the first read goes back.
    """

    token: Annotated[SecretStr, Field(min_length=1)]
    url: str = ""
    warehouses: dict[str, int] = Field(default_factory=dict)
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

    @field_validator("url")
    @classmethod
    def _keeps_the_token_private(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ValueError("the token would travel unprotected: the address must begin with https://")
        return url.rstrip("/")

    @field_validator("warehouses")
    @classmethod
    def _pairs_both_ways(cls, pairs: dict[str, int]) -> dict[str, int]:
        names: dict[int, str] = {}
        for name, id_ in pairs.items():
            if id_ in names:
                raise ValueError(f"'{names[id_]}' and '{name}' are both {id_}; each needs its own")
            names[id_] = name
        return pairs

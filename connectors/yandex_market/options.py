"""The settings of a cabinet of Yandex Market, refused early where they could not work."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from connectors.yandex_market.order_options import NotificationOptions, OrderOptions
from obmen.connector import Options, SecretStr
from obmen.options import Paired, ProtectedUrl


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError):
        message = f"there is no time zone '{name}'; a name such as Europe/Moscow is meant"
        raise ValueError(message) from None
    return name


Id = Annotated[int, Field(ge=1)]
Positive = Annotated[Decimal, Field(gt=0)]


class AssumedCard(Options):
    """What a card is given where the source tells nothing: kilograms and centimetres of the packed product."""

    weight_kg: Positive | None = None
    length_cm: Positive | None = None
    width_cm: Positive | None = None
    height_cm: Positive | None = None
    vendor: str | None = None


class MarketOptions(Options):
    """A cabinet.

    ``api_key`` is from the cabinet (Настройки → API и модули). ``business_id``: the cabinet's id. ``url``:
    another address, such as the sandbox's. ``warehouses``: canonical warehouse → campaign id: each FBS, Express
    or DBS shop has one warehouse. ``price_campaign``: prices are those of this shop alone (its campaign id);
    without it they hold in all shops of the cabinet. ``rounding``: what becomes of a crossed-out price with
    kopecks, which Market takes in whole rubles only. ``quarantine_percent``: how sharp a change of a price the
    cabinet holds back, as it is set there. ``confirm_quarantine``: confirm prices that Market holds
    back, without asking a person. ``categories``: the file that says which category and characteristics a
    product has. ``assumed``: see AssumedCard. ``lookback_days``: how far the first read of orders goes back.
    ``timezone``: the warehouses' own, in which Market tells times of shipment. ``orders``, ``notifications``: see
    OrderOptions, NotificationOptions.
    """

    api_key: Annotated[SecretStr, Field(min_length=1)]
    business_id: Id
    url: ProtectedUrl = "https://api.partner.market.yandex.ru"
    warehouses: Paired[Id] = Field(default_factory=dict)
    price_campaign: Id | None = None
    rounding: Literal["refuse", "up", "down"] = "refuse"
    quarantine_percent: Annotated[int, Field(ge=1, le=1000)] = 50
    confirm_quarantine: bool = False
    categories: Path | None = None
    assumed: AssumedCard = AssumedCard()
    lookback_days: Annotated[int, Field(ge=1, le=30)] = 30
    timezone: Annotated[str, AfterValidator(_zone)] = "Europe/Moscow"
    orders: OrderOptions = OrderOptions()
    notifications: NotificationOptions | None = None

    @property
    def campaigns(self) -> tuple[int, ...]:
        """The campaign ids of the shops that this connection keeps, in the order of the options."""
        return tuple(self.warehouses.values())

    @property
    def order_campaigns(self) -> tuple[int, ...]:
        """The campaign ids of the shops whose orders are kept: those, and what sells their stock beside them."""
        return tuple(dict.fromkeys((*self.campaigns, *self.orders.same_stock)))

"""What tests of orders say again and again."""

from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.yandex_market import YandexMarket
from connectors.yandex_market.sandbox import Shop, YandexMarketSandbox
from obmen.entities import ENTITIES, Record
from obmen.mapping import BoundMapping, Context, load_mapping
from obmen.records import Batch, Item, Native, Outcome

FOLDER = Path(__file__).resolve().parents[3] / "mappings" / "yandex_market"
MOSCOW = ZoneInfo("Europe/Moscow")
DBS = 2003
SHOPS = [Shop(2001, "Основной", 3001), Shop(2002, "Запасной", 3002), Shop(DBS, "Свой", 3003, placement="DBS")]
READY, DELIVERY, DELIVERED, CANCELLED = "PROCESSING/READY_TO_SHIP", "DELIVERY", "DELIVERED", "CANCELLED"


@cache
def bound(entity: str) -> BoundMapping:
    options = {"warehouses": {shop.warehouse: shop.id for shop in SHOPS}}
    return load_mapping(FOLDER / f"{entity}.yaml").bind(Context("ym", options, MOSCOW))


def canonical(entity: str, native: Native) -> Any:
    made: type[Record] = ENTITIES[entity]
    return made.model_validate(bound(entity).pull(native, {}))


def sell(market: YandexMarketSandbox, **prices: str) -> None:
    """Put articles on sale in every shop, a thousand of each; ``A_1="1990"`` is article A-1."""
    for name, price in prices.items():
        for campaign in market.shops:
            market.put_on_sale(name.replace("_", "-"), price, 1000, campaign)


def item(number: str, state: str, **more: Any) -> Item:
    return Item(id=number, payload={"orderId": number, "state": state, **more})


def put(ym: YandexMarket, number: str, state: str, **more: Any) -> Outcome:
    (outcome,) = ym.write("order_status", Batch([item(number, state, **more)]))
    return outcome


def box(**counts: int) -> Native:
    return {"lines": [{"offerId": name.replace("_", "-"), "count": count} for name, count in counts.items()]}


def read(ym: YandexMarket, entity: str = "order", cursor: str | None = None) -> tuple[list[Native], str]:
    """Return what a pass brings, and the cursor of the next one, which only a last page may carry."""
    pages = list(ym.read(entity, cursor))
    ends = 2 if entity == "accrual" else 1  # the orders' money, then the payouts
    assert sum(page.cursor is not None for page in pages) <= ends
    found: list[Native] = []
    for page in pages:
        if page.expand is not None:
            found += [native for natives in page.expand(page.slices) for native in natives]
        else:
            found += [native for raw in page.slices for native in page.decode(raw)]
    assert pages[-1].cursor is not None
    return found, pages[-1].cursor


def numbers(ym: YandexMarket, cursor: str | None = None) -> tuple[list[str], str]:
    found, following = read(ym, "order", cursor)
    return [str(native["orderId"]) for native in found], following

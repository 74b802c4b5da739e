"""Systems with ten days of a past, one thing a day, as the tests of histories and their contracts need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from connectors.ozon import Ozon
from connectors.ozon.sandbox import OzonSandbox
from connectors.wildberries import Wildberries
from connectors.wildberries.sandbox import WildberriesSandbox
from connectors.yandex_market import YandexMarket
from connectors.yandex_market.sandbox import YandexMarketSandbox
from obmen.connector import Connector
from obmen.records import Page, pick
from obmen.testing.sandbox import Sandbox
from tests.clocked import Clock, by
from tests.unit.onec.odata_support import connected
from tests.unit.ozon.conftest import sell as sell_in_ozon
from tests.unit.ozon.orders_kit import box, put
from tests.unit.wildberries.orders.conftest import stock_up
from tests.unit.yandex_market.order_kit import SHOPS
from tests.unit.yandex_market.order_kit import sell as sell_in_market

DAYS = 10


@dataclass
class Past:
    """A connection, its sandbox, and what happened: native id → when. ``first`` is the moment before all of it."""

    connector: Connector
    sandbox: Sandbox
    first: datetime
    happened: dict[str, datetime]

    def read(self, entity: str, since: datetime, until: datetime) -> dict[str, list[bytes]]:
        """Return the native ids of a period, each with the slices that told it."""
        key = self.connector.readers[entity].key
        found: dict[str, list[bytes]] = {}
        for page in self.connector.read_period(entity, since, until):
            for raw, natives in _natives(page):
                for native in natives:
                    found.setdefault(pick(native, key), []).append(raw)
        return found

    def live(self, entity: str) -> dict[str, bytes]:
        """Return the slices of the usual read."""
        key = self.connector.readers[entity].key
        return {
            pick(native, key): raw
            for page in self.connector.read(entity, None)
            for raw, natives in _natives(page)
            for native in natives
        }


def _natives(page: Page) -> Iterator[tuple[bytes, list[dict[str, Any]]]]:
    several: Any = page.expand(page.slices) if page.expand else map(page.decode, page.slices)
    for raw, natives in zip(page.slices, several, strict=True):
        yield raw, list(natives)


def _daily(clock: Clock, place: Callable[[], str]) -> tuple[datetime, dict[str, datetime]]:
    """Let one thing happen every day, in the middle of it, and another half a day pass."""
    first = clock.now()
    happened = {}
    for _ in range(DAYS):
        clock.pass_by(hours=12)
        happened[place()] = clock.now()
        clock.pass_by(hours=12)
    return first, happened


@contextmanager
def ozon() -> Iterator[Past]:
    clock = Clock()
    with by(clock, OzonSandbox)(journal=True) as sandbox:
        known = {"client_id": sandbox.client_id, "api_key": sandbox.api_key, "url": sandbox.url}
        made = Ozon("ozon", Ozon.Options(**known, warehouses=dict(sandbox.warehouses)), clock=clock)
        sell_in_ozon(made, "A-1", amount=100)
        first, happened = _daily(clock, lambda: sandbox.place_order({"A-1": 2}))
        split = list(happened)[3]
        assert put(made, split, "awaiting_deliver", packages=[box(("A-1", 1)), box(("A-1", 1))]).kind == "done"
        yield Past(made, sandbox, first, happened)
        made.close()


@contextmanager
def ozon_fbo() -> Iterator[Past]:
    with ozon() as past:
        clock: Any = past.connector.clock
        options = past.connector.options.model_copy(update={"scheme": "fbo"})
        made = Ozon("fbo", options, clock=clock)
        sandbox: Any = past.sandbox
        first, happened = _daily(clock, lambda: sandbox.place_fbo_order({"A-1": 1}))
        yield Past(made, sandbox, first, happened)
        made.close()


@contextmanager
def wildberries() -> Iterator[Past]:
    clock = Clock()
    with by(clock, WildberriesSandbox)(journal=True) as sandbox:
        stock_up(sandbox, "A-1")
        known = {name: sandbox.connection()[name] for name in ("url", "token", "warehouses")}
        made = Wildberries("wb", Wildberries.Options(**known), clock=clock)
        first, happened = _daily(clock, lambda: sandbox.place_order("A-1"))
        yield Past(made, sandbox, first, happened)
        made.close()


@contextmanager
def yandex_market() -> Iterator[Past]:
    clock = Clock()
    with by(clock, YandexMarketSandbox)(journal=True, shops=list(SHOPS)) as sandbox:
        sell_in_market(sandbox, A_1="100")
        made = YandexMarket("ym", YandexMarket.Options(**sandbox.connection()), clock=clock)
        first, happened = _daily(clock, lambda: sandbox.place_order({"A-1": 1}))
        yield Past(made, sandbox, first, happened)
        made.close()


@contextmanager
def onec() -> Iterator[Past]:
    clock = Clock()
    with connected(clock, lookback_days=30) as (made, sandbox):
        good = sandbox.add_good("Чайник", "A-1", stock={"Основной склад": 100})

        def place() -> str:
            return sandbox.add_order([(good, 1, 100)], number=f"N-{clock.now():%d}", Комментарий="ozon")

        first, happened = _daily(clock, place)
        yield Past(made, sandbox, first, happened)


PASTS: dict[str, tuple[Callable[[], AbstractContextManager[Past]], tuple[str, ...]]] = {
    "ozon": (ozon, ("order", "order_status")),
    "ozon_fbo": (ozon_fbo, ("order", "order_status")),
    "wildberries": (wildberries, ("order", "order_status")),
    "yandex_market": (yandex_market, ("order", "order_status")),
    "onec": (onec, ("order",)),
}
"""Name → how it is made, and the entities that happened once a day."""


def every_day(past: Past, entity: str) -> list[dict[str, list[bytes]]]:
    """Return what each day tells."""
    days = [past.first + timedelta(days=number) for number in range(DAYS + 1)]
    return [past.read(entity, since, until) for since, until in pairwise(days)]

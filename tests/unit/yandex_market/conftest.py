"""A cabinet of Yandex Market, a connection to it, and a clock that both live by."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.yandex_market import YandexMarket
from connectors.yandex_market.sandbox import YandexMarketSandbox
from obmen.records import Batch, Item, Native, natural_id, pick
from obmen.testing.sandbox import Request, Response
from tests.clocked import Clock, started

MAIN, SPARE = 2001, 2002


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_sandbox(clock: Clock) -> Iterator[Callable[..., YandexMarketSandbox]]:
    with started(clock, YandexMarketSandbox) as make:
        yield make


@pytest.fixture
def market(make_sandbox: Callable[..., YandexMarketSandbox]) -> YandexMarketSandbox:
    return make_sandbox(journal=True)


@pytest.fixture
def connect(clock: Clock) -> Iterator[Callable[..., YandexMarket]]:
    made: list[YandexMarket] = []

    def connect_to(sandbox: YandexMarketSandbox, **options: Any) -> YandexMarket:
        known = {**sandbox.connection(), **options}
        ym = YandexMarket("ym", YandexMarket.Options(**known), clock=clock)
        made.append(ym)
        return ym

    yield connect_to
    for ym in made:
        ym.close()


@pytest.fixture
def ym(connect: Callable[..., YandexMarket], market: YandexMarketSandbox) -> YandexMarket:
    return connect(market)


class Canned(YandexMarketSandbox):
    """A cabinet that answers some methods with what a test says, in turn; the last answer stays."""

    def __init__(self, answers: dict[str, list[Any]]) -> None:
        self.answers = answers
        super().__init__()

    def before(self, request: Request) -> Response | None:
        turn = self.answers.get(f"{request.method} {request.path}")
        if turn is None:
            return super().before(request)
        answer = turn.pop(0) if len(turn) > 1 else turn[0]
        return answer if isinstance(answer, Response) else Response(json=answer)


@pytest.fixture
def canned(connect: Callable[..., YandexMarket]) -> Iterator[Callable[..., YandexMarket]]:
    started: list[Canned] = []

    def answering(answers: dict[str, list[Any]], **options: Any) -> YandexMarket:
        sandbox = Canned(answers)
        sandbox.start()
        started.append(sandbox)
        return connect(sandbox, **options)

    yield answering
    for sandbox in started:
        sandbox.stop()


def card(offer_id: str, **changes: Any) -> Native:
    """A card; ``changes`` are of its offer, save ``category``, ``attributes``, ``group`` and ``vat``."""
    own = {"category": "91201", "attributes": [{"attribute": "Материал", "values": ["металл"], "unit": ""}]}
    beside = {name: changes.pop(name) for name in ("category", "attributes", "group", "vat") if name in changes}
    offer = {
        "offerId": offer_id,
        "name": f"Чайник {offer_id}",
        "description": "Образец.",
        "vendor": "Проба",
        "barcodes": ["4600000000015"],
        "pictures": [f"https://img.example/{offer_id}.jpg"],
        "weightDimensions": {"length": 40, "width": 30, "height": 8, "weight": 1},
    }
    return {"offer": {**offer, **changes}, **own, **beside}


def price(offer_id: str, value: Any, base: Any = None, **more: Any) -> Native:
    told = {"value": value, "currencyId": "RUR", **({} if base is None else {"discountBase": base}), **more}
    return {"offerId": offer_id, "price": told}


def stock(offer_id: str, available: int, campaign: int = MAIN) -> Native:
    return {"offerId": offer_id, "campaignId": campaign, "available": available}


KEYS: dict[str, str | tuple[str, ...]] = {
    "product": "offer.offerId",
    "price": "offerId",
    "stock": ("offerId", "campaignId"),
}


def batch(entity: str, *payloads: Native, known: bool = True, before: dict[str, Native] | None = None) -> Batch:
    """Put payloads into a batch; ``known``: the cabinet has them already, under their own article."""
    ids = [natural_id(pick(payload, KEYS[entity])) for payload in payloads]
    return Batch(
        [
            Item(id=id_, payload=payload, native_id=id_ if known else None, before=(before or {}).get(id_))
            for id_, payload in zip(ids, payloads, strict=True)
        ]
    )


def kinds(outcomes: Any) -> dict[str, str]:
    return {outcome.id: outcome.kind for outcome in outcomes}


def natives(ym: YandexMarket, entity: str, cursor: str | None = None) -> list[Native]:
    pages = ym.read(entity, cursor)
    return [native for page in pages for raw in page.slices for native in page.decode(raw)]

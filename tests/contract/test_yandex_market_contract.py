"""All that Obmen and the sandbox of Yandex Market say of goods to each other, judged by Market's specification."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.yandex_market import YandexMarket, paths
from connectors.yandex_market.sandbox import Shop, YandexMarketSandbox
from connectors.yandex_market.sandbox.promotions import Part
from obmen.errors import Denied, Refused, Unavailable
from obmen.http import encode_json
from obmen.records import Item
from tests.clocked import by
from tests.contract.openapi_judge import Judge
from tests.unit.yandex_market.conftest import MAIN, SPARE, Clock, batch, card, kinds, natives, price, stock

SALES = {"INVENTORY_AND_ORDER_PROCESSING", "FINANCE_AND_ACCOUNTING"}
GOODS = [one for one in paths.ALL if one.scope not in SALES and one is not paths.REPORT]


class Faulty(YandexMarketSandbox):
    """A sandbox whose custom faults are switched by hand, so that their answers are kept in the journal.

    ``wrong`` holds the bodies that a test sent wrong on purpose: of these only the answer is judged.
    """

    forced = ""

    def reset(self) -> None:
        super().reset()
        self.wrong: set[bytes] = set()
        self.forced, self.only_default_price = "", True

    def fault(self, name: str) -> bool:
        return name == self.forced


@pytest.fixture(scope="module")
def judge(specs: Path) -> Judge:
    return Judge.load(specs / "specs" / "yandex-market" / "partner.openapi.json")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cabinet(clock: Clock) -> Iterator[Faulty]:
    shops = [Shop(MAIN, "Основной", 3001), Shop(SPARE, "Запасной", 3002, group=7), Shop(2003, "Чужой", 3003, group=7)]
    with by(clock, Faulty)(journal=True, shops=shops) as sandbox:
        yield sandbox


@pytest.fixture
def connect(cabinet: Faulty, clock: Clock) -> Iterator[Callable[..., YandexMarket]]:
    made: list[YandexMarket] = []

    def connection(**options: Any) -> YandexMarket:
        known = {**cabinet.connection(), "warehouses": {"Основной": MAIN, "Запасной": SPARE}, **options}
        made.append(YandexMarket("ym", YandexMarket.Options(**known), clock=clock))
        return made[-1]

    yield connection
    for ym in made:
        ym.close()


def send_wrong(ym: YandexMarket, cabinet: Faulty, operation: paths.Operation, *bodies: Any, **more: Any) -> None:
    for body in bodies:
        cabinet.wrong.add(encode_json(body))
        with pytest.raises(Refused):
            ym.call(operation, safe=True, json=body, **more)


# -- scenarios: each leaves its exchanges in the journal ---------------------------------------------------


def checks(connect: Callable[..., YandexMarket], cabinet: Faulty, clock: Clock) -> None:
    assert {finding.level for finding in connect().check()} == {"ok", "warning"}
    for number in range(150):
        cabinet.shops[5000 + number] = Shop(5000 + number, f"Склад {number}", 7000 + number)
    cabinet.shops[MAIN].availability = "MANUALLY_DISABLED"
    assert any(finding.level == "problem" for finding in connect().check())
    cabinet.shops = dict(list(cabinet.shops.items())[:3])
    cabinet.shops[MAIN].availability = "AVAILABLE"


def categories(connect: Callable[..., YandexMarket], cabinet: Faulty, clock: Clock) -> None:
    ym = connect()
    assert len(list(ym.categories())) == 15
    assert len(ym.category_attributes("91205")) == 6
    for category in ("91100", "5"):
        with pytest.raises(Refused):
            ym.category_attributes(category)


def cards(connect: Callable[..., YandexMarket], cabinet: Faulty, clock: Clock) -> None:
    ym = connect()
    rules = [
        {"attribute": "Материал", "values": ["металл"], "unit": ""},
        {"attribute": "Цвет товара", "values": ["красный", "фуксия"], "unit": ""},
        {"attribute": "Объём", "values": ["1700"], "unit": "мл"},
        {"attribute": "Подарочная упаковка", "values": ["да"], "unit": ""},
    ]
    cabinet.moderation = 60.0
    old = card("A-0", attributes=rules, group="Чайник", vat=14, vendorCode="Ч-0")
    items = batch("product", old, *(card(f"A-{n}", vat=6) for n in range(1, 100)), known=False)
    (ticket,) = {outcome.ticket for outcome in ym.write("product", items)}
    assert set(kinds(ym.poll("product", ticket, items)).values()) == {"accepted"}, "they are checked still"
    clock.pass_by(minutes=2)
    cabinet.complain("A-7", "Запрещённый товар", "Нужен сертификат")
    polled = kinds(ym.poll("product", ticket, items))
    assert [id_ for id_, kind in polled.items() if kind != "done"] == ["A-7"]
    new = card("A-0", barcodes=[], description="", attributes=rules[:1], pictures=["https://img.example/новое.jpg"])
    assert kinds(ym.write("product", batch("product", new, before={"A-0": old}))) == {"A-0": "accepted"}
    bare = {"offer": {"offerId": "Б", "name": "Без категории"}}
    assert kinds(ym.write("product", batch("product", bare, known=False))) == {"Б": "refused"}
    changed = {"offer": {"offerId": "A-1", "name": "Другое"}}
    assert kinds(ym.write("product", batch("product", changed))) == {"A-1": "accepted"}
    assert len(natives(ym, "product")) == 100
    assert ym.find("product", Item(id="A-7", payload={})) == "A-7"
    assert ym.find("product", Item(id="нет", payload={})) is None


def archive(connect: Callable[..., YandexMarket], cabinet: Faulty, clock: Clock) -> None:
    ym = connect()
    cabinet.sell("A-1", "A-2")
    cabinet.keep_at_market("A-2")
    gone = batch("product", *({"offer": {"offerId": id_}} for id_ in ("A-1", "A-2", "нет")))
    assert list(kinds(ym.write("product", gone, "archive")).values()) == ["done", "later", "later"]
    assert sum(native["offer"]["archived"] for native in natives(ym, "product")) == 1
    assert list(kinds(ym.write("product", gone, "restore")).values()) == ["done", "done", "later"]


def refused_cards(connect: Callable[..., YandexMarket], cabinet: Faulty, clock: Clock) -> None:
    ym = connect()
    whole = {"offer": {"offerId": "A-1", "name": "Чайник", "marketCategoryId": 91201}}
    twice = {"offerMappings": [whole, whole]}
    thick = {"offerMappings": [{"offer": {"offerId": "A-1", "weightDimensions": {"length": 0}}}]}
    both = {"offerMappings": [{"offer": {"offerId": "A-1", "tags": ["а"], "deleteParameters": ["TAGS"]}}]}
    send_wrong(ym, cabinet, paths.OFFERS_SET, {"offerMappings": []}, {}, twice, thick, both)
    send_wrong(ym, cabinet, paths.ARCHIVE, {"offerIds": []})
    wrong_vat = {"offers": [{"offerId": "A-1", "vat": 99}]}
    send_wrong(ym, cabinet, paths.SHOP_OFFERS_SET, wrong_vat, campaign=MAIN)
    values = [
        {"parameterId": 1, "value": "x"},
        {"parameterId": 9120101, "value": "кость"},
        {"parameterId": 9120103, "value": "много"},
        {"parameterId": 9120103, "value": "1", "unitId": 5},
        {"parameterId": 9120104, "value": "да"},
        {"parameterId": 200, "value": "я" * 256},
    ]
    body = {"offerMappings": [{"offer": {**whole["offer"], "parameterValues": values}}]}
    assert ym.call(paths.OFFERS_SET, safe=True, json=body)["status"] == "ERROR"
    for category in (91100, 5):
        body = {"offerMappings": [{"offer": {**whole["offer"], "marketCategoryId": category}}]}
        assert ym.call(paths.OFFERS_SET, safe=True, json=body)["status"] == "ERROR"
    rows = batch("product", card("A-1"), card("A-2"), known=False)
    for forced in ("bad_batch", "moving"):
        cabinet.forced = forced
        with pytest.raises((Refused, Unavailable)):
            list(ym.write("product", rows))
    cabinet.forced = "bad_offer"
    clock.pass_by(hours=1)
    assert set(kinds(ym.write("product", rows)).values()) == {"refused"}


def prices(connect: Callable[..., YandexMarket], cabinet: Faulty, clock: Clock) -> None:
    cabinet.sell(*(f"A-{n}" for n in range(30)))
    for shop in (None, MAIN):
        cabinet.only_default_price = shop is None
        ym = connect(price_campaign=shop)
        rows = [
            price("A-1", 990),
            price("A-2", Decimal("990.5"), 1990, minimumForBestseller=900),
            price("A-3", 990, 1000),
            price("нет", 990),
        ]
        items = batch("price", *rows)
        outcomes = list(ym.write("price", items))
        assert kinds(outcomes) == {"A-1": "accepted", "A-2": "accepted", "A-3": "refused", "нет": "accepted"}
        assert kinds(ym.poll("price", outcomes[-1].ticket, items)) == {"A-1": "done", "A-2": "done"}
        jump = batch("price", price("A-1", 99))
        (accepted,) = ym.write("price", jump)
        assert kinds(ym.poll("price", accepted.ticket, jump)) == {"A-1": "refused"}
        confirming = connect(price_campaign=shop, confirm_quarantine=True)
        assert kinds(confirming.poll("price", accepted.ticket, jump)) == {"A-1": "done"}
        assert len(natives(ym, "price")) == 2
        operation = paths.PRICES_SET if shop is None else paths.SHOP_PRICES_SET
        wrong = [{"offers": []}, {"offers": [price("A-1", 990)] * 2}, {"offers": [price("A-1", 990, 1000)]}]
        euros = {"offers": [{"offerId": "A-1", "price": {"value": 9, "currencyId": "EUR"}}]}
        send_wrong(ym, cabinet, operation, *wrong, euros, campaign=shop)
    cabinet.only_default_price = True
    with pytest.raises(Denied):
        list(connect(price_campaign=MAIN).write("price", batch("price", price("A-1", 990))))


def promotions(connect: Callable[..., YandexMarket], cabinet: Faulty, clock: Clock) -> None:
    skus = [f"A-{n}" for n in range(8)]
    cabinet.sell(*skus)
    ym = connect()
    list(ym.write("price", batch("price", *(price(sku, 990, 1500) for sku in skus))))
    cabinet.promote("Выдуманная распродажа", {"A-1": 790, "A-2": 800, "A-3": 700})
    cabinet.promote("Выдуманная вспышка", {"A-1": 750}, kind="BLUE_FLASH")
    cabinet.promote("Выдуманный промокод", {"A-4": 0}, kind="MARKET_PROMOCODE")
    cabinet.promote("Сами собой", {"A-5": 990}, "PARTIALLY_AUTO")
    cabinet.promote("Ещё не начавшаяся", {"A-6": 500}, begins_in=3600.0)
    best = cabinet.promote("Выдуманные бестселлеры", {"A-6": 850}, "MINIMUM_FOR_PROMOS", bestsellers=True)
    cabinet.promos[best].parts["A-7"] = Part("RENEWED", 840)
    cabinet.promos[best].parts["A-0"] = Part("RENEW_FAILED", 0)
    found = [one for native in natives(ym, "price") if (one := ym.promotion("price", native)) is not None]
    assert {one.id: int(one.live) for one in found} == {"A-1": 750, "A-2": 800, "A-3": 700, "A-6": 850, "A-7": 840}
    cabinet.effect = 3600.0
    del cabinet.offers["A-3"]
    assert sorted(set(ym.leave(found))) == ["A-1", "A-2", "A-7"]
    for body in ({}, {"participation": "PARTICIPATING_NOW"}, {"mechanics": "MARKET_PROMOCODE"}):
        ym.call(paths.PROMOTIONS, safe=True, json=body)
    for id_ in cabinet.promos:
        ym.call(paths.PROMOTION_OFFERS, safe=True, json={"promoId": id_})
    ym.call(paths.PROMOTION_LEAVE, safe=True, json={"promoId": best, "deleteAllOffers": True})
    cabinet.scopes = ["INVENTORY_AND_ORDER_PROCESSING"]
    assert any("promotions" in finding.message for finding in ym.check())
    cabinet.scopes = ["ALL_METHODS"]
    send_wrong(ym, cabinet, paths.PROMOTION_LEAVE, {"promoId": best}, {"promoId": "нет", "offerIds": ["A-1"]}, {})
    send_wrong(ym, cabinet, paths.PROMOTION_OFFERS, {"promoId": "нет"}, {})


def stocks(connect: Callable[..., YandexMarket], cabinet: Faulty, clock: Clock) -> None:
    ym = connect()
    cabinet.sell("A-1", "A-2")
    for _ in range(2):  # the second time Market's clock is known
        rows = [stock("A-1", 5), stock("A-1", 6, SPARE), stock("нет", 7)]
        assert set(kinds(ym.write("stock", batch("stock", *rows))).values()) == {"done"}
    cabinet.forgotten_return("A-2", 1)
    assert len(natives(ym, "stock")) == 4
    assert [native["available"] for native in ym.look_up("stock", ["A-1|2002", "нет|2002"])] == [6]
    one = {"sku": "A-1", "items": [{"count": 1}]}
    future = {"sku": "A-1", "items": [{"count": 1, "updatedAt": "2036-06-15T06:00:00+00:00"}]}
    wrong = ({"skus": []}, {"skus": [one, one]}, {"skus": [{**one, "items": []}]}, {"skus": [future]})
    send_wrong(ym, cabinet, paths.STOCKS_SET, *wrong, campaign=MAIN)
    cabinet.shops[MAIN].availability = "DISABLED_BY_INACTIVITY"
    assert list(kinds(ym.write("stock", batch("stock", stock("A-1", 5)))).values()) == ["later"]
    cabinet.shops[MAIN].availability = "AVAILABLE"


def shut_out(connect: Callable[..., YandexMarket], cabinet: Faulty, clock: Clock) -> None:
    cabinet.forced = "expired_key"
    for entity in ("product", "price", "stock"):
        with pytest.raises(Denied):
            natives(connect(), entity)
    cabinet.forced = ""
    with pytest.raises(Denied):
        natives(connect(business_id=5), "product")
    with pytest.raises(Denied):
        natives(connect(warehouses={"Чужой": 77}), "stock")
    cabinet.scopes = ["PRICING"]
    with pytest.raises(Denied):
        natives(connect(), "product")
    cabinet.scopes, cabinet.forced = ["ALL_METHODS"], "calm_down"
    for entity in ("product", "price"):
        with pytest.raises(Unavailable):
            natives(connect(), entity)


SCENARIOS: list[Callable[..., None]] = [
    checks, categories, cards, archive, refused_cards, prices, promotions, stocks, shut_out,
]  # fmt: skip


# -- the judgement -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_exchange_is_as_specified(scenario, connect, cabinet, clock, judge):
    scenario(connect, cabinet, clock)
    complaints = set()
    for exchange in cabinet.journal:
        said = judge.exchange(exchange)
        if exchange.request_body in cabinet.wrong:
            said = [text for text in said if " answer " in text]
        complaints.update(said)
    assert cabinet.journal
    assert complaints == set()


def test_a_field_that_market_does_not_know_would_be_seen(connect, cabinet, judge):
    cabinet.sell("A-1")
    row = {"sku": "A-1", "items": [{"count": 1, "warehouse": 5}]}
    connect().call(paths.STOCKS_SET, safe=True, campaign=MAIN, json={"skus": [row]})
    (complaint,) = judge.exchange(cabinet.journal[-1])
    assert "warehouse" in complaint


def test_every_method_that_obmen_uses_is_in_the_specification(judge):
    for operation in paths.ALL:
        judge.operation(operation.method, operation.path)


def test_no_method_that_obmen_uses_is_on_its_way_out(judge):
    deprecated = [
        one.group for one in paths.ALL if judge.document["paths"][one.path][one.method.lower()].get("deprecated")
    ]
    assert deprecated == []


def test_every_method_about_goods_is_judged(connect, cabinet, clock):
    for scenario in (checks, categories, cards, archive, prices, promotions, stocks):
        cabinet.reset()
        scenario(connect, cabinet, clock)
    answered = {f"{exchange.method} {exchange.path}" for exchange in cabinet.journal if exchange.status == 200}
    ids = {"businessId": cabinet.business_id, "categoryId": 91205}
    lacking = [
        one.group
        for one in GOODS
        if not any(f"{one.method} {one.at(campaignId=shop, **ids)}" in answered for shop in (MAIN, SPARE))
    ]
    assert lacking == []

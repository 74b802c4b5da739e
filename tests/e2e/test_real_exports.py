"""Real exports of 1C arrive in Ozon whole: every offer's price and rest, compared with the XML by XPath."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from runner.demo.edits import reprice
from tests.e2e.site import Site

NewSite = Callable[..., Site]
NS = {"c": "urn:1C.ru:commerceml_2"}


def trees(folder: Path) -> list[etree._ElementTree]:
    return [etree.parse(path) for path in sorted(folder.glob("*.xml"))]


def texts(folder: Path, path: str) -> list[str]:
    return [str(found) for tree in trees(folder) for found in tree.xpath(path, namespaces=NS)]


def by_xpath(folder: Path) -> dict[str, tuple[Decimal, dict[str, int]]]:
    """Return sku → (price, warehouse → rest), read from the XML without Obmen."""
    names = dict(
        zip(
            texts(folder, "//c:Склады/c:Склад/c:Ид/text()"),
            texts(folder, "//c:Склады/c:Склад/c:Наименование/text()"),
            strict=True,
        )
    )
    deleted = set(texts(folder, "//c:Товар[@Статус='Удален']/c:Ид/text()"))
    skus: dict[str, str] = {}
    prices: dict[str, Decimal] = {}
    rests: dict[str, dict[str, int]] = {}
    for tree in trees(folder):
        for offer in tree.xpath("//c:Предложения/c:Предложение", namespaces=NS):
            ref = offer.xpath("string(c:Ид)", namespaces=NS)
            if ref in deleted:
                continue
            skus.setdefault(ref, ref)
            if article := offer.xpath("string(c:Артикул)", namespaces=NS):
                skus[ref] = article
            for price in offer.xpath("c:Цены/c:Цена/c:ЦенаЗаЕдиницу/text()", namespaces=NS):
                prices[ref] = Decimal(price)
            for place in offer.xpath("c:Склад[@ИдСклада]", namespaces=NS):
                rest = int(Decimal(place.get("КоличествоНаСкладе")))
                rests.setdefault(ref, {})[names[place.get("ИдСклада")]] = max(rest, 0)
            for place in offer.xpath("c:Остатки/c:Остаток/c:Склад", namespaces=NS):
                rest = int(Decimal(place.xpath("string(c:Количество)", namespaces=NS)))
                rests.setdefault(ref, {})[names[place.xpath("string(c:Ид)", namespaces=NS)]] = max(rest, 0)
    return {skus[ref]: (prices[ref], rests[ref]) for ref in skus}


@pytest.mark.parametrize(("name", "offers"), [("ut-2.07", 43), ("bitrix-module-2.09", 978)])
def test_every_offer_of_a_real_export_stands_in_ozon(new_site: NewSite, specs: Path, name: str, offers: int) -> None:
    site = new_site(specs / "data" / "commerceml" / name)
    site.sync()
    expected = by_xpath(site.export)
    products = site.ozon.state()["products"]
    assert len(expected) == offers
    shown = {
        sku: (Decimal(product["price"]), {place: level["free"] for place, level in product["stocks"].items()})
        for sku, product in products.items()
    }
    assert shown == expected
    assert site.set_aside() == []

    written = site.ozon.state()["written"]
    again = site.sync()
    assert site.ozon.state()["written"] == written
    assert all(again[flow].read["unchanged"] == again[flow].read["read"] for flow in ("goods", "prices", "stock"))

    ref = texts(site.export, "//c:Предложение[c:Цены]/c:Ид/text()")[3]
    price_type = texts(site.export, "//c:Цена/c:ИдТипаЦены/text()")[0]
    assert reprice(site.export, {ref}, price_type, lambda amount: amount + 1) == 1
    site.sync()
    now = site.ozon.state()["written"]
    assert {kind: now[kind] - written[kind] for kind in now} == {**dict.fromkeys(now, 0), "prices": 1}
    assert by_xpath(site.export) == {
        sku: (Decimal(product["price"]), {place: level["free"] for place, level in product["stocks"].items()})
        for sku, product in site.ozon.state()["products"].items()
    }


def test_ozons_orders_arrive_in_1c_and_statuses_go_both_ways(new_site: NewSite, specs: Path) -> None:
    site = new_site(specs / "data" / "commerceml" / "ut-2.07")
    site.sync()
    sold = [
        sku
        for sku, product in site.ozon.state()["products"].items()
        if any(level["free"] > 3 for level in product["stocks"].values())
    ]
    placed = [site.ozon.place_order([(sold[n], 1), (sold[n], 2)]) for n in range(4)]
    site.sync()
    orders = {order["НомерПоДаннымКлиента"]: order for order in site.ut.state()["orders"]}
    assert sorted(orders) == sorted(placed)
    assert all(order["Posted"] for order in orders.values())
    assert all(len(order["Товары"]) == 2 for order in orders.values()), "two lines of one SKU stay two lines"
    site.ut.set_status(placed[0], "КОтгрузке")
    site.ozon.cancel_by_buyer(placed[1])
    site.sync()
    postings = site.ozon.state()["postings"]
    assert postings[placed[0]]["status"] == "awaiting_deliver"
    assert site.ut.order(placed[1])["Статус"] == "Закрыт"
    before = site.shown()
    site.sync()
    assert site.shown() == before

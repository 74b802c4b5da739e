"""A base that exchanges in EnterpriseData, a door to it, and goods that have everything the format can say."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from connectors.onec.enterprisedata.door import EnterpriseData
from connectors.onec.enterprisedata.options import EnterpriseDataOptions
from connectors.onec.sandbox import references
from connectors.onec.sandbox.enterprisedata import RETAIL, EnterpriseDataSandbox, envelope
from connectors.onec.sandbox.enterprisedata.description import EXCHANGE
from obmen.records import Batch, Item, Native, Outcome, Page
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault

BASES = ("11.4.2", "11.5.8", "11.5.20")
JACKET = "f06588ab-7924-11df-b33a-0011955cba6b"
JACKET_XL = "b02e2816-720f-11df-b436-0015e92f2802"
HAT = "dff7f6fa-7a0b-11df-b33a-0011955cba6b"
CLOTHES = "11111111-0000-4000-8000-000000000001"
JACKETS = "11111111-0000-4000-8000-000000000002"
WHOLESALE = "ab000000-0000-4000-8000-000000000002"
PRICES = "22222222-0000-4000-8000-000000000001"
BUYER = "33333333-0000-4000-8000-000000000001"
PERSON = "33333333-0000-4000-8000-000000000002"
CARD = "33333333-0000-4000-8000-000000000003"
ORDER = "44444444-0000-4000-8000-000000000001"
STATE = "44444444-0000-4000-8000-000000000002"
REPORT = "55555555-0000-4000-8000-000000000001"
ZONE = ZoneInfo("Europe/Moscow")
MESSAGE = "{http://www.1c.ru/SSL/Exchange/Message}"


@contextmanager
def connected(
    folder: Path, *, options: dict[str, Any] | None = None, clock: FakeClock | None = None, **base: Any
) -> Iterator[tuple[EnterpriseData, EnterpriseDataSandbox]]:
    """A running base and a door to it. ``base`` holds the sandbox's own options."""
    with EnterpriseDataSandbox(journal=True, **base) as sandbox:
        opened = door(sandbox, folder, clock=clock, **(options or {}))
        try:
            yield opened, sandbox
        finally:
            opened.close()


def door(
    sandbox: EnterpriseDataSandbox, folder: Path, *, clock: FakeClock | None = None, **more: Any
) -> EnterpriseData:
    on_step = more.pop("on_step", lambda _step: None)
    told = {**sandbox.connection()["enterprisedata"], "folder": folder, "timeout": 5, **more}
    return EnterpriseData("ut", EnterpriseDataOptions(**told), ZONE, clock or FakeClock(), on_step=on_step)


def fill(sandbox: EnterpriseDataSandbox) -> None:
    """Goods in groups, with characteristics, barcodes and attributes; prices, customers, an order, a report."""
    shelf = sandbox.shelf
    shelf.add_group(CLOTHES, "Одежда")
    shelf.add_group(JACKETS, "Куртки", CLOTHES)
    shelf.add_product(
        JACKET,
        "Куртка «Проба»",
        article="TS-48",
        code="ОБ-00000048",
        full_name="Куртка «Проба» утеплённая",
        group=JACKETS,
        vat="20",
        description="Тёплая & лёгкая.",
        brand="Выдумкино",
        attributes={"Материал": "хлопок"},
        variants={JACKET_XL: "XL"},
    )
    shelf.add_barcode("2900000000018", JACKET, JACKET_XL)
    shelf.put("Справочник.ХарактеристикиНоменклатуры", JACKET_XL, attributes={"Размер": "XL"})
    shelf.add_product(HAT, "Шапка", article="H-1", vat="none", barcodes=["2900000000025", "2900000000032"])
    shelf.put("Справочник.ТипыЦен", WHOLESALE, name="Оптовая", currency="840")
    jacket, hat = (JACKET, JACKET_XL, "1990.50"), (HAT, "", "500")
    shelf.set_prices(PRICES, "2026-06-01T00:00:00", {RETAIL: [jacket, hat], WHOLESALE: [(HAT, "", "4.20")]})
    fill_people(sandbox)
    line = {"product": JACKET, "variant": JACKET_XL, "quantity": "2", "price": "1990.50", "vat": "20"}
    shelf.add_order(ORDER, [line], comment="Позвонить", address="Пример, Выдуманная ул, дом 1", total="3981.00")
    shelf.put("Справочник.СостояниеЗаказа", STATE, order=ORDER, state="Комплектуется")
    sold = {"product": HAT, "quantity": "3", "price": "500"}
    shelf.add_report(REPORT, [sold], [{**sold, "quantity": "1"}], total="1500")


def fill_people(sandbox: EnterpriseDataSandbox) -> None:
    shelf = sandbox.shelf
    name = {"last_name": "Образцов", "first_name": "Пример", "middle_name": "Выдумкович"}
    shelf.put(
        "Справочник.ФизическиеЛица",
        PERSON,
        name="Образцов Пример Выдумкович",
        birthday="1990-05-17",
        gender="Мужской",
        **name,
    )
    shelf.put(
        "Справочник.Контрагенты",
        BUYER,
        name="Образцов Пример",
        legal="ФизическоеЛицо",
        phones=["+7 (900) 000-00-01"],
        emails=["buyer@example.com"],
        address="Пример, Выдуманная ул, дом 1",
        person=PERSON,
    )
    shelf.put("Справочник.ДисконтныеКарты", CARD, number="2900000000117", owner=PERSON)


def natives(pages: Iterable[Page]) -> list[Native]:
    return [native for page in pages for raw in page.slices for native in page.decode(raw)]


def payload(number: str = "0112233-0001-1", **changes: Any) -> Native:
    return {
        "Канал": "ozon",
        "Номер": number,
        "Дата": "2026-06-15T09:50:09",
        "Валюта": "643",
        "Склад": references.WAREHOUSE,
        "АдресДоставки": "Пример, Выдуманная ул, дом 1",
        "ДатаОтгрузки": "2026-06-17T12:00:00",
        "Комментарий": "Позвонить за час",
        "Покупатель": "Образцов Пример, +79000000001",
        "Товары": [
            {"Товар": f"{JACKET}#{JACKET_XL}", "Количество": "2", "Цена": "1990.5", "Сумма": "3981", "СтавкаНДС": "20"},
            {"Товар": HAT, "Количество": "1", "Цена": "500", "СтавкаНДС": "БезНДС"},
        ],
        **changes,
    }


def item(body: Native) -> Item:
    return Item(id=f"{body['Канал']}|{body['Номер']}", payload=body, idempotency_key=f"key of {body['Номер']}")


def write(opened: EnterpriseData, *bodies: Native) -> list[Outcome]:
    return list(opened.write_orders(Batch([item(body) for body in bodies])))


def orders(sandbox: EnterpriseDataSandbox) -> dict[str, Native]:
    """The client's numbers of the base's orders that came from a channel, with the orders."""
    found = sandbox.shelf.named("Документ.ЗаказКлиента").values()
    return {spec["incoming"]: spec for spec in found if spec.get("incoming")}


def custom(name: str, match: str, **more: Any) -> Fault:
    return Fault(kind="custom", name=name, match=f"{match}$", **more)


def calls(sandbox: EnterpriseDataSandbox) -> list[str]:
    """The operations that were called, in order."""
    return [exchange.path.rpartition("/")[2] for exchange in sandbox.journal if exchange.method == "POST"]


def messages(sandbox: EnterpriseDataSandbox) -> tuple[list[etree._Element], list[etree._Element]]:
    """The messages that the base sent, and those that were sent to it, as they passed over the wire."""
    sent: dict[str, list[bytes]] = {}
    put: dict[str, list[bytes]] = {}
    for exchange in sandbox.journal:
        name = exchange.path.rpartition("/")[2]
        if name not in {"GetDataPart", "PutFilePart"}:
            continue
        arguments = envelope.arguments(exchange.request_body, EXCHANGE)
        if name == "PutFilePart":
            put.setdefault(arguments["FileID"], []).append(arguments["PartData"])
        else:
            found = etree.fromstring(exchange.response_body).findtext(".//{*}return") or ""
            sent.setdefault(arguments["FileID"], []).append(base64.b64decode(found))
    return [unzipped(b"".join(parts)) for parts in sent.values()], [unzipped(b"".join(one)) for one in put.values()]


def unzipped(archive: bytes) -> etree._Element:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.namelist() == ["data.xml"]
        return etree.fromstring(opened.read("data.xml"))

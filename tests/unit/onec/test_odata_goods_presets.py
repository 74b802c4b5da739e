"""The presets of goods by OData: their own examples, and the same canonical records as CommerceML gives."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.onec.commerceml import CommerceML
from connectors.onec.sandbox import references
from connectors.onec.sandbox.hands.goods import Variant
from obmen.entities import Price, Product, Record, Stock
from obmen.mapping import load_mapping, run_tests
from obmen.records import Native
from tests.unit.onec.commerceml_kit import catalogue, document, package, write
from tests.unit.onec.commerceml_kit import natives as decoded
from tests.unit.onec.goods_kit import CONTEXT, PRESETS, VERSIONS, Door, bound, door, natives

MODELS: dict[str, type[Record]] = {"product": Product, "price": Price, "stock": Stock}
MAIN, SECOND = "Основной склад", "Второй склад"
SIZES = {"S": ("2000000000022", 90, (2, 0)), "XL": ("2000000000039", 100, (0, 3))}


@pytest.mark.parametrize("entity", list(MODELS))
def test_their_own_examples_pass(entity: str) -> None:
    results = run_tests(load_mapping(PRESETS / "odata" / f"{entity}.yaml"), CONTEXT)
    assert results
    assert [result for result in results if not result.ok] == []


def canonical(entity: str, found: list[Native], folder: str, skus: dict[str, str]) -> dict[str, Record]:
    mapping, refs = bound(entity, folder), {("product", item): sku for item, sku in skus.items()}
    records = [MODELS[entity].model_validate(mapping.pull(native, refs)) for native in found]
    assert len({record.key for record in records}) == len(records)
    return {record.key: record for record in records}


def skus(found: list[Native], folder: str) -> dict[str, str]:
    pull = bound("product", folder).pull
    return {native["Ид"]: pull(native, {})["sku"] for native in found}


def everything(read: dict[str, list[Native]], folder: str) -> dict[str, dict[str, Record]]:
    known = skus(read["product"], folder)
    return {entity: canonical(entity, read[entity], folder, known) for entity in MODELS}


def by_odata(one: Door) -> dict[str, list[Native]]:
    readers = {"product": one.goods().read, "price": one.prices().read, "stock": one.stock().read}
    return {entity: natives(read(None)) for entity, read in readers.items()}


def by_commerceml(folder: Path) -> dict[str, list[Native]]:
    files = CommerceML(folder)
    readers = {"product": files.products, "price": files.prices, "stock": files.stocks}
    return {entity: decoded(read()) for entity, read in readers.items()}


def filled(one: Door) -> tuple[str, str]:
    """Enter a good and one with characteristics."""
    group = one.ut.add_group("Чайники", one.ut.add_group("Кухня"))
    plain = one.ut.add_good(
        "Чайник «Проба»",
        "A-1",
        group=group,
        barcodes=["2000000000015"],
        attributes={"Цвет": "Красный", "Объём": Decimal("1.4")},
        maker="Завод проб",
        vat="10",
        prices={"Розничная": Decimal("1990.50"), "Оптовая": 1500},
        stock={MAIN: 5, SECOND: Decimal("2.5")},
        Описание="Тихий.",
    )
    variants = [
        Variant(
            name, barcodes=[code], prices={"Розничная": amount}, stock=dict(zip((MAIN, SECOND), rests, strict=True))
        )
        for name, (code, amount, rests) in SIZES.items()
    ]
    coat = one.ut.add_good("Куртка", "B-1", characteristics=variants, vat="none")
    return plain, coat


def export(one: Door, plain: str, coat: str, folder: Path) -> None:
    """Write what «Обмен с сайтом» says of the same goods."""
    chief, leaf = (one.ut._once_in_goods(name) for name in ("Кухня", "Чайники"))
    groups = (
        f"<Группы><Группа><Ид>{chief}</Ид><Наименование>Кухня</Наименование><Группы><Группа><Ид>{leaf}</Ид>"
        "<Наименование>Чайники</Наименование></Группа></Группы></Группа></Группы>"
    )
    features = "".join(
        f"<Свойство><Ид>{name}</Ид><Наименование>{name}</Наименование></Свойство>" for name in ("Цвет", "Объём")
    )
    values = "".join(
        f"<ЗначенияСвойства><Ид>{name}</Ид><Значение>{value}</Значение></ЗначенияСвойства>"
        for name, value in (("Цвет", "Красный"), ("Объём", "1,4"))
    )
    unit = '<БазоваяЕдиница Код="796">шт</БазоваяЕдиница>'
    kettle = (
        f"<Товар><Ид>{plain}</Ид><Штрихкод>2000000000015</Штрихкод><Артикул>A-1</Артикул>"
        f"<Наименование>Чайник «Проба»</Наименование>{unit}<Группы><Ид>{leaf}</Ид></Группы><Описание>Тихий.</Описание>"
        f"<Изготовитель><Ид>m</Ид><Наименование>Завод проб</Наименование></Изготовитель>"
        f"<ЗначенияСвойств>{values}</ЗначенияСвойств>{_tax('10')}</Товар>"
    )
    said = f"<Артикул>B-1</Артикул><Наименование>Куртка</Наименование>{unit}{_tax('Без НДС')}"
    jacket = f"<Товар><Ид>{coat}</Ид>{said}</Товар>"
    offers = [
        _offer(plain, "Чайник «Проба»", "2000000000015", {"Розничная": "1990.5", "Оптовая": "1500"}, ("5", "2.5"))
    ]
    for name, (code, amount, rests) in SIZES.items():
        item = one.ut.characteristic(coat, name)
        offers.append(_offer(item, f"Куртка ({name})", code, {"Розничная": str(amount)}, rests))
    types = "".join(
        f"<ТипЦены><Ид>{ref}</Ид><Наименование>{name}</Наименование></ТипЦены>"
        for name, ref in references.PRICE_TYPES.items()
    )
    places = "".join(
        f"<Склад><Ид>{ref}</Ид><Наименование>{name}</Наименование></Склад>"
        for name, ref in references.WAREHOUSES.items()
    )
    head = f"<ТипыЦен>{types}</ТипыЦен><Склады>{places}</Склады>"
    classifier = f"<Классификатор><Ид>k</Ид>{groups}<Свойства>{features}</Свойства></Классификатор>"
    write(folder / "import0_1.xml", document(classifier, catalogue(kettle, jacket)))
    write(folder / "offers0_1.xml", document(package(*offers, head=head)))


def _tax(rate: str) -> str:
    told = f"<Наименование>НДС</Наименование><Ставка>{rate}</Ставка>"
    return f"<СтавкиНалогов><СтавкаНалога>{told}</СтавкаНалога></СтавкиНалогов>"


def _offer(item: str, name: str, code: str, prices: dict[str, str], rests: Any) -> str:
    told = "".join(
        f"<Цена><ИдТипаЦены>{references.PRICE_TYPES[kind]}</ИдТипаЦены><ЦенаЗаЕдиницу>{amount}</ЦенаЗаЕдиницу>"
        "<Валюта>RUB</Валюта><Коэффициент>1</Коэффициент></Цена>"
        for kind, amount in prices.items()
    )
    stores = "".join(
        f'<Склад ИдСклада="{ref}" КоличествоНаСкладе="{rest}"/>'
        for ref, rest in zip(references.WAREHOUSES.values(), rests, strict=True)
    )
    return (
        f"<Предложение><Ид>{item}</Ид><Штрихкод>{code}</Штрихкод><Наименование>{name}</Наименование>"
        f"<Цены>{told}</Цены>{stores}</Предложение>"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_goods_give_the_same_records_as_by_exchange_files(version: str, tmp_path: Path) -> None:
    with door(version) as one:
        plain, coat = filled(one)
        export(one, plain, coat, tmp_path)
        ours = everything(by_odata(one), "odata")
        items = {plain, *(one.ut.characteristic(coat, name) for name in SIZES)}
    theirs = everything(by_commerceml(tmp_path), "commerceml")
    assert set(ours["product"]) == {"A-1", *items - {plain}}
    assert {one.reserved for one in ours["stock"].values()} == {0}, "files do not tell what is kept for others"
    ours["stock"] = {key: one.model_copy(update={"reserved": None}) for key, one in ours["stock"].items()}
    assert ours == theirs
    assert len(ours["price"]) == 4
    assert len(ours["stock"]) == 6


def test_what_files_do_not_tell_is_told_besides() -> None:
    with door() as one:
        one.ut.add_good("Чайник", "A-1", weight=Decimal("1.25"), brand="Выдумка")
        (product,) = everything(by_odata(one), "odata")["product"].values()
    assert product.model_dump(exclude_unset=True)["weight_kg"] == Decimal("1.25")
    assert product.model_dump(exclude_unset=True)["brand"] == "Выдумка"
    assert "images" not in product.model_dump(exclude_unset=True)


@pytest.mark.field("C6")
@pytest.mark.parametrize("version", VERSIONS)
def test_every_vat_rate_becomes_its_percent(version: str) -> None:
    rates = ["none", "0", "10", "20"] if version == "11.4.2" else list(references.VAT)
    with door(version) as one:
        goods = {one.ut.add_good(f"Товар {rate}", vat=rate): rate for rate in rates}
        found = natives(one.goods().read(None))
    pull = bound("product").pull
    assert {native["Ид"]: pull(native, {})["vat"] for native in found} == goods

from __future__ import annotations

from pathlib import Path

from lxml import etree

from connectors.onec.commerceml import CommerceML
from runner.demo.catalogue import write_catalogue
from runner.demo.goods import PRICE_TYPES, WAREHOUSES, comma, make_good
from tests.bench.commerceml_data import write_export
from tests.unit.onec.commerceml_kit import by_id, natives

GOODS = 80


def values(folder: Path) -> dict[str, dict[tuple[str, str], str]]:
    source = CommerceML(folder)
    return {
        "price": {(n["Ид"], n["ТипЦены"]): n["ЦенаЗаЕдиницу"] for n in natives(source.prices())},
        "stock": {(n["Ид"], n["Склад"]): n["Количество"] for n in natives(source.stocks())},
    }


def test_a_catalogue_is_what_its_goods_are(tmp_path: Path) -> None:
    written = write_catalogue(tmp_path, GOODS, 7)
    goods = [make_good(7, number) for number in range(GOODS)]
    products = by_id(natives(CommerceML(tmp_path).products()))
    assert written.goods == GOODS
    assert products.keys() == {variant.id for one in goods for variant in one.variants}
    assert len(products) == written.offers > GOODS
    found = values(tmp_path)
    for one in goods:
        for variant in one.variants:
            native = products[variant.id]
            assert native["Артикул"] == variant.article
            assert native["Штрихкод"] == [variant.barcode]
            assert native["Описание"] == one.description
            assert native["Изготовитель"]["Наименование"] == one.brand
            assert native["ПутьГруппы"] == [one.kind.upper, one.kind.group]
            assert native["СтавкиНалогов"] == {"НДС": one.vat}
            sized = {"Размер": variant.size} if variant.size else {}
            for name, value in {**one.attributes, **sized}.items():
                assert native["Свойства"][name] == value
            for name in PRICE_TYPES:
                assert found["price"][variant.id, name] == comma(variant.prices[name]).replace(",", ".")
            for name in WAREHOUSES:
                assert found["stock"][variant.id, name] == str(variant.stock[name])


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_catalogue(tmp_path / folder, 20, seed)
    for name in ("import0_1.xml", "offers0_1.xml"):
        texts = [(tmp_path / folder / name).read_bytes() for folder in "abc"]
        assert texts[0] == texts[1] != texts[2]
        etree.fromstring(texts[0])


def test_only_the_named_goods_change(tmp_path: Path) -> None:
    write_catalogue(tmp_path, GOODS, 7)
    before, catalogue = values(tmp_path), (tmp_path / "import0_1.xml").read_bytes()
    products = by_id(natives(CommerceML(tmp_path).products()))
    write_catalogue(tmp_path, GOODS, 7, repriced={3, 5}, restocked={4})
    after = values(tmp_path)
    changed = {kind: {key[0] for key in before[kind] if before[kind][key] != after[kind][key]} for kind in before}
    assert changed == {
        "price": {variant.id for number in (3, 5) for variant in make_good(7, number).variants},
        "stock": {variant.id for variant in make_good(7, 4).variants},
    }
    assert {key[1] for key in before["stock"] if before["stock"][key] != after["stock"][key]} == {WAREHOUSES[0]}
    assert (tmp_path / "import0_1.xml").read_bytes() == catalogue
    assert by_id(natives(CommerceML(tmp_path).products())) == products


def test_an_export_for_benches_has_as_many_offers_as_asked_for(tmp_path: Path) -> None:
    written = write_export(tmp_path, 4321)
    products = by_id(natives(CommerceML(tmp_path).products()))
    assert written.offers == len(products) == 4321
    assert len({native["Артикул"] for native in products.values()}) == 4321
    size = (tmp_path / "offers0_1.xml").stat().st_size / 4321
    assert 2300 < size < 2700

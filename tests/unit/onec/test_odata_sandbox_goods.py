"""What is entered into the stand-in of a base is read from its interface: goods, barcodes, pictures, prices."""

import base64
from datetime import datetime
from decimal import Decimal

import pytest

from connectors.onec.sandbox import references
from connectors.onec.sandbox.hands.fill import ean13
from connectors.onec.sandbox.hands.goods import Variant
from tests.unit.onec.sandbox_kit import MAIN, NO_REF, PRICES, PRICES_25, VERSIONS, Client, opened

GOODS = "Catalog_Номенклатура"
FEATURES = "ChartOfCharacteristicTypes_ДополнительныеРеквизитыИСведения"
FILES = "InformationRegister_ДвоичныеДанныеФайлов"


def prices(client: Client, register: str, part: str, **params: str) -> dict[tuple[str, str], Decimal]:
    """Return price by (reference of the characteristic, price type)."""
    return {(row[part], row["ВидЦены_Key"]): row["Цена"] for row in client.rows(f"{register}/SliceLast", **params)}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_good_with_all_that_is_known_of_it(version: str) -> None:
    with opened(version) as (ut, client):
        group = ut.add_group("Чай", ut.add_group("Посуда"))
        good = ut.add_good(
            "Чайник",
            "A-1",
            group=group,
            brand="Рубин",
            vat="10",
            weight=Decimal("1.5"),
            barcodes=["2000000000015"],
            attributes={"Цвет": "Красный", "Объём": Decimal("1.7"), "Со свистком": True, "Год": datetime(2026, 1, 1)},  # noqa: DTZ001 - 1C's own dates are naive
            texts={"Уход": "Мыть вручную"},
        )
        read = client.one(f"{GOODS}(guid'{good}')", expand="Parent,Марка,ЕдиницаИзмерения")
        assert (read["Артикул"], read["Description"], read["IsFolder"]) == ("A-1", "Чайник", False)
        assert (read["Parent"]["Description"], read["Parent"]["IsFolder"]) == ("Чай", True)
        assert (read["Марка"]["Description"], read["ЕдиницаИзмерения"]["Code"]) == ("Рубин", "796")
        assert (read["ВесЧислитель"], read["ВесИспользовать"]) == (1.5, True)
        if version == "11.4.2":
            assert read["СтавкаНДС"] == "НДС10"
        else:
            assert client.one(f"{GOODS}(guid'{good}')/СтавкаНДС")["Description"] == "10%"
        told = {
            client.one(f"{FEATURES}(guid'{row['Свойство_Key']}')")["Description"]: row
            for row in read["ДополнительныеРеквизиты"]
        }
        assert {name: row["Значение_Type"] for name, row in told.items()} == {
            "Цвет": "StandardODATA.Catalog_ЗначенияСвойствОбъектов",
            "Объём": "Edm.Double",
            "Со свистком": "Edm.Boolean",
            "Год": "Edm.DateTime",
            "Уход": "Edm.String",
        }
        colour = client.one(f"Catalog_ЗначенияСвойствОбъектов(guid'{told['Цвет']['Значение']}')", expand="Owner")
        assert (colour["Description"], colour["Owner"]["Description"]) == ("Красный", "Цвет")
        assert (told["Объём"]["Значение"], told["Со свистком"]["Значение"]) == ("1.7", "true")
        assert told["Уход"]["ТекстоваяСтрока"] == "Мыть вручную"
        (barcode,) = client.rows("InformationRegister_ШтрихкодыНоменклатуры")
        assert (barcode["Штрихкод"], barcode["Номенклатура_Key"]) == ("2000000000015", good)


def test_characteristics_belong_to_a_good_or_to_its_kind() -> None:
    with opened() as (ut, client):
        own = ut.add_good("Футболка", characteristics=["Красная", Variant("Синяя", barcodes=["2000000000022"])])
        kind = ut.add_kind("Обувь", ["40", "41"])
        shared = ut.add_good("Ботинки", kind=kind)
        read = client.rows("Catalog_ХарактеристикиНоменклатуры", orderby="Description")
        assert [(row["Description"], row["Owner"], row["Owner_Type"]) for row in read] == [
            ("40", kind, "StandardODATA.Catalog_ВидыНоменклатуры"),
            ("41", kind, "StandardODATA.Catalog_ВидыНоменклатуры"),
            ("Красная", own, "StandardODATA.Catalog_Номенклатура"),
            ("Синяя", own, "StandardODATA.Catalog_Номенклатура"),
        ]
        blue = ut.characteristic(own, "Синяя")
        assert blue.partition("#")[0] == own
        assert ut.characteristic(shared, "41").partition("#")[0] == shared
        (barcode,) = client.rows("InformationRegister_ШтрихкодыНоменклатуры")
        assert f"{barcode['Номенклатура_Key']}#{barcode['Характеристика_Key']}" == blue
        goods = {row["Ref_Key"]: row for row in client.rows(GOODS)}
        assert goods[own]["ИспользованиеХарактеристик"] == "ИндивидуальныеДляНоменклатуры"
        assert goods[shared]["ВладелецХарактеристик_Key"] == kind
        with pytest.raises(KeyError):
            ut.characteristic(own, "Зелёная")


def test_a_barcode_is_taken_away() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник", barcodes=["1", "2"])
        ut.add_barcode(good, "3", ut.add_unit(good, "Коробка", 12))
        ut.remove_barcode("1")
        assert {row["Штрихкод"] for row in client.rows("InformationRegister_ШтрихкодыНоменклатуры")} == {"2", "3"}
        (row,) = client.rows("InformationRegister_ШтрихкодыНоменклатуры", filter="Штрихкод eq '3'", expand="Упаковка")
        assert (row["Упаковка"]["Числитель"], row["Упаковка"]["Owner"]) == (12, good)


def test_pictures_lie_in_a_register_a_catalog_or_where_odata_does_not_reach() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Футболка", characteristics=["Красная"], images=[b"\x89one"])
        inside = ut.add_image(good, b"two", extension="png", stored="catalog")
        outside = ut.add_image(good, b"three", stored="volume")
        red = ut.add_image(ut.characteristic(good, "Красная"), b"four")
        main = client.one(f"{GOODS}(guid'{good}')/ФайлКартинки")
        catalog = "Catalog_НоменклатураПрисоединенныеФайлы"
        key = f"Файл='{main['Ref_Key']}', Файл_Type='StandardODATA.{catalog}'"
        held = client.one(f"{FILES}({key})")
        assert base64.b64decode(held["ДвоичныеДанныеФайла_Base64Data"]) == b"\x89one"
        assert held["ДвоичныеДанныеФайла_Type"] == "image/jpeg"
        assert client.get(f"{FILES}({key})/ДвоичныеДанныеФайла").content == b"\x89one"
        stored = client.get(f"{catalog}(guid'{inside}')/ФайлХранилище/$value")
        assert (stored.content, stored.headers["Content-Type"]) == (b"two", "image/png")
        far = client.one(f"{catalog}(guid'{outside}')")
        assert (far["ТипХраненияФайла"], far["ФайлХранилище_Base64Data"]) == ("ВТомахНаДиске", "")
        assert {row["Файл"] for row in client.rows(FILES)} == {main["Ref_Key"], red}
        (own,) = client.rows("Catalog_ХарактеристикиНоменклатурыПрисоединенныеФайлы", expand="ВладелецФайла")
        assert (own["Ref_Key"], own["ВладелецФайла"]["Description"]) == (red, "Красная")


def test_prices_are_recorded_where_the_version_keeps_them() -> None:
    for version in VERSIONS:
        with opened(version) as (ut, client):
            good = ut.add_good("Футболка", characteristics=[Variant("Красная", prices={"Розничная": 90})])
            ut.set_price(good, "Розничная", Decimal("100.50"))
            red = ut.characteristic(good, "Красная").partition("#")[2]
            if version == "11.4.2":
                assert prices(client, PRICES, "Характеристика_Key") == {
                    (NO_REF, references.RETAIL): 100.5,
                    (red, references.RETAIL): 90,
                }
                continue
            assert client.rows(f"{PRICES}/SliceLast()") == []
            link = client.one(f"Catalog_ХарактеристикиНоменклатуры(guid'{red}')")
            priced = link["ХарактеристикаНоменклатурыДляЦенообразования_Key"]
            assert priced not in {red, NO_REF}
            assert prices(client, PRICES_25, "ХарактеристикаЦО_Key") == {
                (NO_REF, references.RETAIL): 100.5,
                (priced, references.RETAIL): 90,
            }
            assert ut.price(ut.characteristic(good, "Красная"), "Розничная") == 90
            assert ut.price(good, "Розничная") == Decimal("100.50")
            assert ut.price(good, "Оптовая") is None


def test_a_base_that_moved_to_new_pricing_has_old_prices_too() -> None:
    with opened("11.5.8") as (ut, client):
        ut.base.pricing_25 = False
        good = ut.add_good("Чайник", prices={"Розничная": 1})
        ut.base.pricing_25 = True
        ut.move(hours=1)
        ut.set_price(good, "Розничная", 2)
        assert [row["Цена"] for row in client.rows(f"{PRICES}/SliceLast")] == [1]
        assert [row["Цена"] for row in client.rows(f"{PRICES_25}/SliceLast")] == [2]
        assert ut.price(good, "Розничная") == 2


def test_a_slice_tells_the_last_price_at_a_moment_and_without_one_the_future_too() -> None:
    with opened() as (ut, client):
        good = ut.add_good("Чайник")
        setting = ut.set_price(good, "Розничная", 100)
        ut.set_price(good, "Розничная", 110, at="2026-06-20T00:00:00")
        slice_last = f"{PRICES_25}/SliceLast"

        def told(call: str) -> list[int]:
            return [row["Цена"] for row in client.rows(call)]

        assert told(slice_last) == [110]
        assert told(f"{slice_last}(Period=datetime'2026-06-15T12:00:00')") == [100]
        assert told(f"{slice_last}(Period=datetime'2026-06-15T11:59:59')") == []
        assert told(f"{slice_last}(Period=datetime'2026-06-20T00:00:00')") == [110]
        assert [row["Цена"] for row in client.rows(f"{PRICES_25}/SliceFirst")] == [100]
        assert ut.price(good, "Розничная") == 100
        ut.unpost(setting)
        assert told(f"{slice_last}(Period=datetime'2026-06-15T12:00:00')") == []
        assert ut.price(good, "Розничная") is None


def test_a_catalogue_is_invented_the_same_each_time() -> None:
    with opened() as (ut, client), opened() as (other, _):
        made = ut.fill(60)
        assert made == other.fill(60)
        assert len(client.rows(GOODS, filter="IsFolder eq false")) == 60
        assert client.one(f"{GOODS}(guid'{made[0]}')", expand="Parent")["Parent"]["IsFolder"] is True
        assert len(client.rows("Catalog_ХарактеристикиНоменклатуры")) == 30
        codes = [row["Штрихкод"] for row in client.rows("InformationRegister_ШтрихкодыНоменклатуры")]
        assert len(set(codes)) == 80
        assert all(ean13(code[:12]) == code for code in codes)
        state = ut.state()
        assert len(state["prices"]) == 80
        assert set(state["prices"][made[0]]) == set(references.PRICE_TYPES)
        more = ut.fill(10, first=61)
        assert not set(more) & set(made)
        assert MAIN in {place for places in state["stock"].values() for place in places}


def test_the_check_digit_of_a_barcode() -> None:
    assert ean13("460000000001") == "4600000000015"
    assert ean13("200000000001") == "2000000000015"

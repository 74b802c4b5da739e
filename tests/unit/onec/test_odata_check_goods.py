"""What `check` tells of goods, prices and stock by OData: what is missing for which entity, and who else is there."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.onec.checks import check_connection
from connectors.onec.odata.composition import check_composition
from connectors.onec.odata.needs import (
    BARCODES,
    CHARACTERISTICS,
    GOODS,
    NEEDS,
    PRICES,
    PRICES_25,
    STOCK_SOURCES,
    UNITS,
    VAT_RATES,
    russian,
)
from obmen.connector import Finding
from obmen.usage import Usage
from tests.unit.onec.goods_kit import PRESETS, VERSIONS, Door, door
from tests.unit.onec.odata_support import writes

GOODS_AND_ALL = ("product", "price", "stock")


def told_of(one: Door, findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    told: list[tuple[str, str, str]] = [(found.level, found.option, found.message) for found in findings]
    assert writes(one.ut) == []
    return told


def checked(
    one: Door, entities: Sequence[str] = GOODS_AND_ALL, used: Sequence[str] | None = None
) -> list[tuple[str, str, str]]:
    return told_of(one, check_composition(one.base(), one.onec.options, entities, used=usage(used)))


def usage(entities: Sequence[str] | None) -> Usage | None:
    """Return that a flow reads each of these, called by the entity's plural."""
    return None if entities is None else Usage({one: (f"{one}s",) for one in entities}, {})


def of_level(level: str, told: list[tuple[str, str, str]]) -> list[str]:
    return [message for found, _, message in told if found == level]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_base_in_order_tells_its_version_and_its_sources(version: str) -> None:
    with door(version) as one:
        one.ut.fill(5)
        told = told_of(one, check_connection(one.base(), one.onec.options, usage(GOODS_AND_ALL)))
    fine = of_level("ok", told)
    assert {level for level, _, _ in told} == {"ok"}
    assert f"answers: UT {'11.4' if version == '11.4.2' else version};" in fine[0]
    assert "product: 11 elements in Справочник.Номенклатура." in fine
    register = "ЦеныНоменклатуры" if version == "11.4.2" else "ЦеныНоменклатуры25"
    assert f"price: РегистрСведений.{register}; types Закупочная, Оптовая, Розничная." in fine
    source = {"11.4.2": "РегистрНакопления.СвободныеОстатки", "11.5.8": "РегистрСведений.РаспределениеЗапасов"}
    where = source.get(version, "РегистрНакопления.ЗапасыИПотребности")
    assert f"stock: {where}; warehouses Второй склад, Основной склад." in fine


@pytest.mark.parametrize("used", [None, ("price", "stock")])
def test_what_an_entity_cannot_do_without_is_named_with_it(used: tuple[str, ...] | None) -> None:
    with door() as one:
        one.ut.published -= {PRICES, PRICES_25, "Catalog_Валюты"}
        told = checked(one, used=used)
    (message,) = [text for _, _, text in told if text.startswith("price ")]
    assert of_level("problem" if used else "warning", told) == [message]
    name = "price (flow prices)" if used else "price"
    assert message.startswith(
        f"{name} cannot pass by OData: the base does not publish РегистрСведений.ЦеныНоменклатуры25 or"
        " РегистрСведений.ЦеныНоменклатуры, Справочник.Валюты. The administrator of 1C adds it"
    )


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (
            BARCODES,
            "the base does not publish РегистрСведений.ШтрихкодыНоменклатуры, so goods have no barcodes.",
        ),
        (
            VAT_RATES,
            "product (flow products): the base does not publish Справочник.СтавкиНДС, so goods have no VAT rate.",
        ),
        ("Catalog_НоменклатураПрисоединенныеФайлы", "so pictures are not noticed."),
        (
            "ChartOfCharacteristicTypes_ДополнительныеРеквизитыИСведения",
            "publish ПланВидовХарактеристик.ДополнительныеРеквизитыИСведения, so goods have no additional attributes.",
        ),
    ],
)
def test_what_an_entity_can_do_without_is_a_warning_with_what_is_lost(away: str, said: str) -> None:
    with door() as one:
        one.ut.published -= {away}
        told = checked(one, used=GOODS_AND_ALL)
    (warning,) = of_level("warning", told)
    assert said in warning
    assert of_level("problem", told) == []


def test_units_are_missed_by_goods_and_by_prices() -> None:
    with door() as one:
        one.ut.published -= {UNITS}
        warnings = of_level("warning", checked(one))
    assert [warning.partition(":")[0] for warning in warnings] == ["product", "price"]
    assert all("Справочник.УпаковкиЕдиницыИзмерения" in warning for warning in warnings)


def test_an_11_4_has_no_catalog_of_vat_rates_and_misses_none() -> None:
    with door("11.4.2") as one:
        assert VAT_RATES not in one.ut.published
        assert of_level("warning", checked(one)) == []


def test_stock_without_goods_tells_what_becomes_of_what_is_sold_out() -> None:
    with door() as one:
        one.ut.published -= {GOODS, CHARACTERISTICS}
        warnings = of_level("warning", checked(one, ("stock",), used=("stock",)))
        one.ut.published -= set(STOCK_SOURCES)
    assert "missing: zero" in warnings[0]
    assert len(warnings) == 2


@pytest.mark.parametrize(
    ("options", "option", "said"),
    [
        ({"price_types": ("Розничня",)}, "price_types", "Did you mean 'Розничная'"),
        ({"warehouses": ("Основной",)}, "warehouses", "Did you mean 'Основной склад'"),
        ({"stock_source": "СвободныеОстатки"}, "stock_source", "СвободныеОстатки is not published"),
    ],
)
def test_options_that_name_nothing_in_the_base_are_problems(options: dict[str, Any], option: str, said: str) -> None:
    with door(**options) as one:
        told = checked(one)
    ((named, message),) = [(where, text) for level, where, text in told if level == "problem"]
    assert named == option
    assert said in message


def test_a_ut_that_syncs_itself_with_a_marketplace_would_take_each_order_twice() -> None:
    with door(sandbox={"marketplaces": ("Ozon", "Яндекс.Маркет")}) as one:
        (warning,) = of_level("warning", checked(one))
    assert "Справочник.УчетныеЗаписиМаркетплейсов: Ozon, Яндекс.Маркет" in warning
    assert "twice" in warning


def test_a_ut_without_accounts_at_marketplaces_is_no_warning() -> None:
    with door(sandbox={"marketplaces": ("Ozon",)}) as one:
        for ref in one.ut.state()["catalogs"]["Catalog_УчетныеЗаписиМаркетплейсов"]:
            one.ut.mark_deleted(ref["Ref_Key"])
        assert of_level("warning", checked(one)) == []


def test_goods_that_1c_hides_are_a_problem_that_names_the_way_out() -> None:
    with door() as one:
        one.ut.hide(one.ut.add_good("Секрет"))
        told = checked(one)
        ((option, message),) = [(where, text) for level, where, text in told if level == "problem"]
    assert option == "username"
    assert message.startswith("product: ")
    assert "allowed_only: true" in message
    with door(allowed_only=True) as one:
        one.ut.hide(one.ut.add_good("Секрет"))
        told = checked(one)
    assert of_level("problem", told) == []
    assert "product: 0 elements that the user may see in Справочник.Номенклатура." in of_level("ok", told)


def test_of_what_no_flow_carries_nothing_is_said() -> None:
    with door() as one:
        one.ut.published -= {GOODS}
        for used, about in ((None, {"product", "price", "stock"}), ((), set()), (("stock",), {"stock"})):
            told = told_of(one, check_connection(one.base(), one.onec.options, usage(used)))
            found = {re.split("[ :]", text)[0] for level, _, text in told if level != "ok"}
            assert found == about


def test_where_files_bring_the_goods_the_base_need_not_publish_them(tmp_path: Path) -> None:
    with door(commerceml=tmp_path) as one:
        one.ut.published -= {GOODS}
        told = told_of(one, check_connection(one.base(), one.onec.options))
    assert [text for level, where, text in told if level != "ok" and where != "commerceml"] == []


def test_what_other_entities_would_need_is_told_without_a_warning() -> None:
    with door() as one:
        one.ut.published -= {"Catalog_КартыЛояльности", "Document_НачислениеИСписаниеБонусныхБаллов"}
        told = told_of(one, check_connection(one.base(), one.onec.options))
        assert of_level("warning", told) == []
        (line,) = (text for text in of_level("ok", told) if text.startswith("Not published"))
        assert "bonus_account: Справочник.КартыЛояльности;" in line
        assert "bonus_operation: Документ.НачислениеИСписаниеБонусныхБаллов" in line
        carried = usage(("bonus_operation", "customer"))
        used = told_of(one, check_connection(one.base(), one.onec.options, carried))
    (problem,) = of_level("problem", used)
    assert problem.startswith(
        "bonus_operation (flow bonus_operations) cannot pass by OData: the base does not publish Документ.Начисление"
    )
    (warning,) = of_level("warning", used)
    assert warning.startswith(
        "customer (flow customers): the base does not publish Справочник.КартыЛояльности, so customers have"
    )


def test_every_entity_that_goes_by_odata_says_what_it_needs() -> None:
    assert set(NEEDS) >= {
        "product",
        "price",
        "stock",
        "customer",
        "bonus_account",
        "bonus_operation",
        "return",
        "receipt",
    }
    for needs in NEEDS.values():
        assert any(not need.without for need in needs)


@pytest.mark.parametrize("page", ["onec-odata.md", "onec-odata.ru.md"])
def test_the_page_for_administrators_names_every_object_with_its_flow(page: str) -> None:
    text = (PRESETS.parents[1] / "docs" / "how-to" / page).read_text("utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    for entity, needs in NEEDS.items():
        (row,) = (cells for cells in rows if f"`{entity}`" in cells[0])
        for need in needs:
            for name in map(russian, need.objects):
                where = text if need.objects == STOCK_SOURCES else row[2 if need.without else 1]
                assert name in where, (entity, name)


def test_the_flows_that_want_orders_are_named() -> None:
    with door() as one:
        one.ut.published -= {"Document_ЗаказКлиента"}
        carried = Usage({"order_status": ("statuses",)}, {"order": ("site", "ozon")})
        told = told_of(one, check_connection(one.base(), one.onec.options, carried))
        (problem,) = of_level("problem", told)
        assert "Документ.ЗаказКлиента is not published" in problem
        assert "(flows site, ozon, statuses)" in problem
        assert of_level("problem", told_of(one, check_connection(one.base(), one.onec.options, Usage({}, {})))) == []

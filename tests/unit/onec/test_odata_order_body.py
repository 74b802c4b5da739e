"""The body of an order: sums to the kopeck, references, names, and what is refused before it is sent."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onec.odata.metadata import Metadata, Property, read_metadata
from connectors.onec.odata.order_body import DOCUMENT, NUMBER, ROW, channel_of, comment, kopecks, order_body
from connectors.onec.options import OrderOptions
from connectors.onec.sandbox import references
from connectors.onec.sandbox.edmx import metadata
from connectors.onec.sandbox.model import TYPES
from obmen.errors import ConfigurationError, Refused
from obmen.records import Native
from tests.unit.onec.odata_support import SHIRT, SHIRT_RED, payload

KNOWN = read_metadata(metadata(frozenset(TYPES)))
OPTIONS = OrderOptions(**references.ORDER_OPTIONS)


def options(**changes: Any) -> OrderOptions:
    return OrderOptions(**{**references.ORDER_OPTIONS, **changes})


def body(**changes: Any) -> Native:
    return order_body(payload(**changes), OPTIONS, KNOWN)


def line(**changes: Any) -> Native:
    return {"Товар": SHIRT, "Количество": 1, "Цена": 100, **changes}


def row(chosen: OrderOptions = OPTIONS, **changes: Any) -> Native:
    (made,) = order_body(payload(Товары=[line(**changes)]), chosen, KNOWN)["Товары"]
    return made


def test_references_come_from_the_options_and_the_channel_goes_into_the_comment() -> None:
    made = body(Комментарий="Позвонить")
    assert made["Организация_Key"] == references.ORGANIZATION
    assert made["Партнер_Key"] == references.PARTNER
    assert made["Контрагент_Key"] == references.CONTRAGENT
    assert made["Соглашение_Key"] == references.AGREEMENT
    assert made["Приоритет_Key"] == references.PRIORITY
    assert made["Склад_Key"] == references.WAREHOUSE
    assert made["СкидкиРассчитаны"] is True
    assert made["Комментарий"] == "[ozon] Позвонить"
    assert "Канал" not in made
    assert "Договор_Key" not in made


def test_what_the_payload_says_wins_over_the_options() -> None:
    made = body(Склад_Key=references.SECOND_WAREHOUSE, Организация_Key=SHIRT, Статус="НеСогласован")
    assert made["Склад_Key"] == references.SECOND_WAREHOUSE
    assert {row["Склад_Key"] for row in made["Товары"]} == {references.SECOND_WAREHOUSE}
    assert made["Организация_Key"] == SHIRT
    assert made["Статус"] == "НеСогласован"


def test_the_day_of_the_order_carries_no_time() -> None:
    made = body(ДатаОтгрузки="2026-06-17T12:30:00")
    assert made["Date"] == "2026-06-15T09:50:09"
    assert made["ДатаПоДаннымКлиента"] == "2026-06-15T00:00:00"
    assert made["ДатаОтгрузки"] == "2026-06-17T00:00:00"
    assert {row["ДатаОтгрузки"] for row in made["Товары"]} == {"2026-06-17T00:00:00"}


def test_lines_are_numbered_and_sums_are_reckoned() -> None:
    first, second = body()["Товары"]
    assert (first["LineNumber"], second["LineNumber"]) == ("1", "2")
    assert first["Номенклатура_Key"] == SHIRT
    assert first["Характеристика_Key"] == "00000000-0000-0000-0000-000000000000"
    assert f"{second['Номенклатура_Key']}#{second['Характеристика_Key']}" == SHIRT_RED
    assert (first["Сумма"], first["СуммаНДС"], first["СуммаСНДС"]) == (
        Decimal("3981.00"),
        Decimal("663.50"),
        Decimal("3981.00"),
    )
    assert first["КоличествоУпаковок"] == first["Количество"] == 2
    assert first["ВариантОбеспечения"] == "КОбеспечению"
    assert body()["СуммаДокумента"] == Decimal("4281.00")


def test_the_recorded_order_of_a_real_base_has_the_same_sums() -> None:
    """20 000 at 20 % inside and 5 000 at 20 % inside gave 3 333.33 and 833.33 there."""
    made = body(Товары=[line(Количество=2, Цена=10000), line(Цена=5000)])
    assert [row["СуммаНДС"] for row in made["Товары"]] == [Decimal("3333.33"), Decimal("833.33")]
    assert made["СуммаДокумента"] == 25000


def test_half_a_kopeck_goes_up() -> None:
    assert kopecks(Decimal("0.005")) == Decimal("0.01")
    assert row(Количество=Decimal("0.5"), Цена=Decimal("0.01"))["Сумма"] == Decimal("0.01")


def test_a_total_below_the_price_is_a_discount() -> None:
    made = row(Количество=4, Цена=100, Сумма=360)
    assert made["Сумма"] == 360
    assert made["СуммаРучнойСкидки"] == 40
    assert made["ПроцентРучнойСкидки"] == 10
    assert made["СуммаНДС"] == 60


def test_vat_is_added_where_prices_do_not_include_it() -> None:
    made = row(options(price_includes_vat=False), Цена=100)
    assert (made["Сумма"], made["СуммаНДС"], made["СуммаСНДС"]) == (100, 20, 120)


@pytest.mark.parametrize(
    ("ref", "vat"),
    [
        (references.VAT_NONE, "0.00"),
        (references.VAT_0, "0.00"),
        (references.VAT_10, "9.09"),
        (references.VAT_20, "16.67"),
        (references.VAT_22, "18.03"),
    ],
)
def test_each_rate_inside_a_price_of_100(ref: str, vat: str) -> None:
    made = row(СтавкаНДС=ref)
    assert made["СтавкаНДС_Key"] == ref
    assert made["СуммаНДС"] == Decimal(vat)


def test_the_older_version_takes_an_enumeration_and_other_words() -> None:
    types = {name: dict(properties) for name, properties in KNOWN.types.items()}
    types[ROW]["СтавкаНДС"] = types[ROW].pop("СтавкаНДС_Key")
    chosen = options(vat_rates={"20": "НДС20", "none": "БезНДС"})
    (made,) = order_body(payload(Товары=[line()]), chosen, Metadata(types, KNOWN.sets))["Товары"]
    assert made["СтавкаНДС"] == "НДС20"
    assert "СтавкаНДС_Key" not in made
    assert made["ВариантОбеспечения"] == "Требуется"
    assert made["СуммаНДС"] == Decimal("16.67")


def test_an_enum_name_in_the_newer_version_is_a_mistake_of_the_project() -> None:
    with pytest.raises(ConfigurationError, match="Catalog_СтавкиНДС"):
        order_body(payload(), options(vat_rates={"20": "НДС20"}), KNOWN)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"Товар": "A-1"}, "bad_product", "Товар"),
        ({"Товар": "00000000-0000-0000-0000-000000000000"}, "bad_product", "Товар"),
        ({"Товар": f"{SHIRT}#красный"}, "bad_product", "Товар"),
        ({"Количество": 0}, "bad_sum", "Сумма"),
        ({"Количество": -1}, "bad_value", "Количество"),
        ({"Количество": None}, "bad_value", "Количество"),
        ({"Цена": "дорого"}, "bad_value", "Цена"),
        ({"Цена": Decimal("NaN")}, "bad_value", "Цена"),
        ({"Цена": Decimal("1e400")}, "bad_value", "Цена"),
        ({"Сумма": 101}, "bad_sum", "Сумма"),
        ({"СтавкаНДС": SHIRT}, "unknown_vat", "СтавкаНДС"),
        ({"Колво": 1}, "unknown_property", "Товары.Колво"),
    ],
)
def test_a_bad_line_is_refused_by_its_field(changes: Native, code: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        row(**changes)
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Товары": []}, "no_lines"),
        ({"Товары": None}, "no_lines"),
        ({"Date": None}, "no_date"),
        ({"Коментарий": "?"}, "unknown_property"),
    ],
)
def test_a_bad_head_is_refused(changes: Native, code: str) -> None:
    with pytest.raises(Refused) as refused:
        body(**changes)
    assert refused.value.code == code


def test_a_number_that_1c_would_cut_is_refused() -> None:
    assert body(number="1" * 30)[NUMBER] == "1" * 30
    with pytest.raises(Refused, match="31 characters") as refused:
        body(number="1" * 31)
    assert refused.value.code == "number_too_long"


def test_the_base_may_tell_a_longer_number() -> None:
    types = {name: dict(properties) for name, properties in KNOWN.types.items()}
    types[DOCUMENT][NUMBER] = Property("Edm.String", 50)
    longer = Metadata(types, KNOWN.sets)
    assert order_body(payload("1" * 50), OPTIONS, longer)[NUMBER] == "1" * 50
    with pytest.raises(Refused, match="holds 50"):
        order_body(payload("1" * 51), OPTIONS, longer)


@given(
    lines=st.lists(
        st.tuples(st.integers(1, 10_000), st.decimals(0, 1_000_000, places=2), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    included=st.booleans(),
)
def test_sums_add_up_to_the_kopeck(lines: list[tuple[int, Decimal, bool]], included: bool) -> None:
    sent = [
        line(Количество=quantity, Цена=price, СтавкаНДС=references.VAT_20 if taxed else references.VAT_NONE)
        for quantity, price, taxed in lines
    ]
    made = order_body(payload(Товары=sent), options(price_includes_vat=included), KNOWN)
    expected = Decimal(0)
    for (quantity, price, taxed), got in zip(lines, made["Товары"], strict=True):
        assert got["Сумма"] == quantity * price
        rate = Decimal(20) if taxed else Decimal(0)
        exact = got["Сумма"] * rate / (100 + rate if included else 100)
        assert abs(got["СуммаНДС"] - exact) <= Decimal("0.005")
        assert got["СуммаСНДС"] == (got["Сумма"] if included else got["Сумма"] + got["СуммаНДС"])
        expected += got["СуммаСНДС"]
    assert made["СуммаДокумента"] == expected


@given(st.text(alphabet=st.characters(exclude_characters="]"), min_size=1), st.text())
def test_the_channel_is_read_back_from_the_comment(channel: str, text: str) -> None:
    assert channel_of(comment(channel, text)) == (channel, text.strip())


def test_a_comment_of_a_person_tells_no_channel() -> None:
    assert channel_of("Позвонить [после 18]") == ("", "Позвонить [после 18]")


def test_options_are_checked_when_they_are_read() -> None:
    with pytest.raises(ValueError, match="not a reference"):
        options(organization="ООО")
    with pytest.raises(ValueError, match="points to nothing"):
        options(partner="00000000-0000-0000-0000-000000000000")
    with pytest.raises(ValueError, match="vat_rates has no such rate"):
        options(vat="5")
    assert options(organization=SHIRT.upper()).organization == SHIRT

"""Categories: leaves only, values with their ids, numbers in Market's unit, variants on one card."""

import pytest

from connectors.yandex_market import paths
from obmen.errors import Refused
from tests.unit.yandex_market.conftest import batch, card


def attribute(name, *values, unit=""):
    return {"attribute": name, "values": list(values), "unit": unit}


MATERIAL = attribute("Материал", "металл")


def sent(ym, **changes):
    return {value["parameterId"]: value for value in ym.parameter_values({"category": "91201", **changes})}


def test_only_leaves_are_told_with_their_paths(ym):
    nodes = {node.id: node.path for node in ym.categories()}
    assert len(nodes) == 15
    assert nodes["91201"] == ("Дом", "Чайники")


def test_a_category_that_is_no_leaf_is_refused(ym):
    with pytest.raises(Refused, match="not a leaf"):
        ym.category_attributes("91100")
    with pytest.raises(Refused, match="Unknown category"):
        ym.category_attributes("5")


def test_attributes_are_told_as_market_describes_them(ym):
    told = {one.name: one for one in ym.category_attributes("91201")}
    assert told["Материал"].required
    assert told["Материал"].choices
    assert (told["Цвет товара"].choices, told["Цвет товара"].many) == (False, True)
    assert (told["Объём"].kind, told["Объём"].unit) == ("number", "л")
    assert told["Подарочная упаковка"].kind == "boolean"


def test_a_value_of_markets_list_goes_with_its_id_and_another_without(ym):
    values = ym.parameter_values(
        {"category": "91201", "attributes": [MATERIAL, attribute("Цвет товара", "Красный", "фуксия")]}
    )
    assert values == [
        {"parameterId": 9120101, "value": "металл", "valueId": 912010100},
        {"parameterId": 9120102, "value": "Красный", "valueId": 912010201},
        {"parameterId": 9120102, "value": "фуксия"},
    ]


def test_numbers_are_told_in_markets_unit_and_truths_as_words(ym):
    rules = [MATERIAL, attribute("Объём", "1700", unit="мл"), attribute("Подарочная упаковка", "да")]
    values = sent(ym, attributes=rules)
    assert (values[9120103]["value"], values[9120104]["value"]) == ("1.7", "true")


def test_what_is_missing_or_unknown_is_told_all_at_once(ym, market):
    payload = card("A-1", attributes=[attribute("Обьём", "1"), attribute("Материал", "кость")])
    (refused,) = ym.write("product", batch("product", payload, known=False))
    (error,) = refused.errors
    assert "is 'Объём' meant?" in error.message
    assert "'Материал' has no 'кость'" in error.message
    assert market.calls[paths.OFFERS_SET.group] == 0


def test_variants_share_a_card_by_their_group(ym, market):
    rows = [card(f"A-{n}", group="Чайник «Проба»") for n in (1, 2)]
    items = batch("product", *rows, known=False)
    (first, _) = ym.write("product", items)
    list(ym.poll("product", first.ticket, items))
    groups = {native["offer"].get("groupId") for native in ym.look_up("product", ["A-1", "A-2"])}
    assert groups == {"Чайник «Проба»"}
    own = sent(ym, group="А", attributes=[MATERIAL, attribute("200", "Б")])
    assert own[200]["value"] == "Б"


def test_a_category_is_asked_for_once(ym, market):
    rows = [card(f"A-{n}", attributes=[MATERIAL, attribute("Цвет товара", "синий")]) for n in range(50)]
    list(ym.write("product", batch("product", *rows, known=False)))
    assert market.calls[paths.PARAMETERS.group] == 1

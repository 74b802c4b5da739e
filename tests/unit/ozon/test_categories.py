"""Categories: a pair of numbers, attributes that must be filled, and lists that may be too long to read."""

import pytest

from connectors.ozon import paths
from connectors.ozon.sandbox import tree
from obmen.categories import CategoryAttribute
from obmen.errors import IncompleteSource, Refused
from obmen.testing.sandbox import Fault

MUG, SHIRT, ANYTHING = "17000011:91000012", "17000021:91000041", "17000001:91000001"


def attribute(ozon, category, name):
    return next(one for one in ozon.category_attributes(category) if one.name == name)


def test_a_category_is_a_type_in_its_place_and_closed_ones_are_left_out(ozon):
    nodes = {node.id: node.title for node in ozon.categories()}
    assert nodes[MUG] == "Дом и сад / Посуда / Кружка"
    assert len(nodes) == len(tree.LEAVES) - 1 >= 10
    assert not any("Свеча" in title for title in nodes.values())


def test_what_a_card_must_tell(ozon):
    described = {one.name: one for one in ozon.category_attributes(MUG)}
    assert described["Бренд"] == CategoryAttribute("85", "Бренд", required=True, choices=True)
    assert described["Материал"] == CategoryAttribute(
        "5309", "Материал", required=True, choices=True, many=True, most=3
    )
    assert described["Объём, мл"] == CategoryAttribute("6210", "Объём, мл", kind="number", unit="мл")
    assert described["Подарочная упаковка"].kind == "boolean"
    assert [name for name, one in described.items() if one.required] == ["Бренд", "Материал"]


def test_parts_of_an_attribute_are_no_attributes(ozon):
    assert not any("Видео" in one.name for one in ozon.category_attributes(MUG))


def test_what_is_no_category_of_ozons_is_refused_by_name(ozon):
    for wrong in ("кружки", "17000011", "17000011:"):
        with pytest.raises(Refused, match="description_category_id:type_id"):
            ozon.category_attributes(wrong)


def test_a_short_list_is_read_whole_and_once(ozon, sandbox):
    colour = attribute(ozon, MUG, "Цвет товара")
    assert set(ozon.attribute_choices(MUG, colour, ["Белый", "фиолетовый"])) == set(tree.COLOURS)
    ozon.attribute_choices(MUG, colour, ["синий"])
    assert (sandbox.calls[paths.VALUES], sandbox.calls[paths.VALUES_SEARCH]) == (1, 0)


def test_a_long_list_is_searched(ozon, sandbox):
    brand = attribute(ozon, MUG, "Бренд")
    found = ozon.attribute_choices(MUG, brand, ["Образец", "Вымышленная марка", "Марка 0007"])
    assert {found["Образец"], found["Марка 0007"]} <= set(map(str, tree.values_of((17000011, 91000012), 85)))
    assert "Вымышленная марка" not in found
    assert (sandbox.calls[paths.VALUES], sandbox.calls[paths.VALUES_SEARCH]) == (1, 2)


def test_a_list_that_is_the_same_everywhere_is_asked_for_once(ozon, sandbox):
    for category in (MUG, SHIRT):
        assert "Образец" in ozon.attribute_choices(category, attribute(ozon, category, "Бренд"), ["Образец"])
    assert sandbox.calls[paths.VALUES] == 1


def test_a_text_too_short_to_be_searched_is_read_up(ozon, sandbox, monkeypatch):
    monkeypatch.setattr("connectors.ozon.categories._VALUES_LIMIT", 2)
    size = attribute(ozon, SHIRT, "Размер")
    found = ozon.attribute_choices(SHIRT, size, ["M", "L", "XL"])
    assert set(found) >= {"S", "M", "L", "XL"}
    assert "100×150" not in found


def test_a_list_that_does_not_go_on_is_not_read_for_ever(ozon, sandbox):
    brand = attribute(ozon, MUG, "Бренд")
    sandbox.faults.append(Fault(kind="custom", name="endless_values", times=None))
    with pytest.raises(IncompleteSource, match="does not go on"):
        ozon.attribute_choices(MUG, brand, ["Образец"])


def test_all_that_a_card_lacks_is_told_at_once(ozon):
    told = [
        {"attribute": "Материал", "values": ["сталь", "бархат"], "unit": ""},
        {"attribute": "Объем", "values": ["1,5 л"], "unit": ""},
    ]
    with pytest.raises(Refused) as caught:
        ozon.attribute_values({"offer_id": "A", "category": MUG, "attributes": told})
    for word in ("'Бренд' is required", "'бархат'", "'Объем'"):
        assert word in str(caught.value)


def test_attributes_go_out_with_the_ids_of_their_values(ozon):
    told = [
        {"attribute": "Бренд", "values": ["образец"], "unit": ""},
        {"attribute": "Материал", "values": ["Фарфор", "стекло"], "unit": ""},
        {"attribute": "Объём, мл", "values": ["0,35 л"], "unit": ""},
        {"attribute": "Подарочная упаковка", "values": ["да"], "unit": ""},
    ]
    payload = {"offer_id": "A", "name": "Кружка", "category": MUG, "attributes": told, "description": "Для чая."}
    sent = {one["id"]: one["values"] for one in ozon.attribute_values(payload)}
    known = tree.values_of((17000011, 91000012), 5309)
    assert [known[value["dictionary_value_id"]] for value in sent[5309]] == ["фарфор", "стекло"]
    assert (sent[6210], sent[22270]) == ([{"value": "350"}], [{"value": "true"}])
    assert (sent[9048], sent[4191]) == ([{"value": "Кружка"}], [{"value": "Для чая."}])


def test_the_categories_are_remembered(ozon, sandbox):
    for _ in range(3):
        ozon.catalogue.nodes()
        ozon.catalogue.attributes(MUG)
    assert (sandbox.calls[paths.CATEGORY_TREE], sandbox.calls[paths.ATTRIBUTES]) == (1, 1)

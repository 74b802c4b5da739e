"""The sandbox's categories: some branches with types at their ends, and what a card of each must tell.

«Разное» demands nothing beside what every card has; the others want a brand, which comes from a list too long for
one answer, and what their branch is made of. One type is closed, as Ozon closes types now and then.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from connectors.ozon.sandbox import bodies
from connectors.ozon.sandbox.cabinet import Cabinet, Invalid
from obmen.testing.sandbox import Request, Response, route

ANYTHING = (17000001, 91000001)
_BRANCHES: dict[int, tuple[str, dict[int, tuple[str, dict[int, str]]]]] = {
    15000001: (
        "Дом и сад",
        {
            17000011: ("Посуда", {91000011: "Чайник", 91000012: "Кружка", 91000013: "Тарелка"}),
            17000012: ("Кухня", {91000021: "Нож кухонный", 91000022: "Доска разделочная"}),
            17000013: ("Декор", {91000031: "Ваза", 91000032: "Лампа настольная", 91000033: "Свеча"}),
        },
    ),
    15000002: (
        "Одежда и текстиль",
        {17000021: ("Одежда", {91000041: "Футболка", 91000042: "Тапочки", 91000043: "Полотенце", 91000044: "Куртка"})},
    ),
    15000003: (
        "Досуг",
        {17000031: ("Игры и учёба", {91000051: "Тетрадь", 91000052: "Конструктор", 91000053: "Отвёртка"})},
    ),
    15000009: ("Прочее", {ANYTHING[0]: ("Разное", {ANYTHING[1]: "Товар"})}),
}
_CLOSED = {91000033}
BRAND, MODEL, DESCRIPTION, TYPE, COLOUR, MATERIAL, SIZE, VOLUME, GIFT = (
    85, 9048, 4191, 8229, 10096, 5309, 4295, 6210, 22270,
)  # fmt: skip
VIDEO, VIDEO_URL, VIDEO_NAME = 100001, 21841, 21837
COLOURS = ("белый", "красный", "синий", "чёрный")
MATERIALS = (
    "металл", "сталь", "керамика", "фарфор", "стекло", "дерево", "бук", "бамбук", "бумага", "хлопок", "лён",
)  # fmt: skip
_CLOTHES = 17000021
_KITCHEN = {17000011}
_LONG = 2_400

LEAVES = {
    (category, type_id): (branch, name, title)
    for branch, categories in _BRANCHES.values()
    for category, (name, types) in categories.items()
    for type_id, title in types.items()
}
"""(description_category_id, type_id) → the names from the top down to the type."""


def tree() -> list[dict[str, Any]]:
    """Return the tree as ``DescriptionCategoryAPI_GetTree`` tells it."""
    return [
        _node(branch, name, [_node(id_, title, [*_ends(types)]) for id_, (title, types) in categories.items()])
        for branch, (name, categories) in _BRANCHES.items()
    ]


def _node(id_: int, name: str, children: list[dict[str, Any]]) -> dict[str, Any]:
    return {"description_category_id": id_, "category_name": name, "disabled": False, "children": children}


def _ends(types: dict[int, str]) -> Iterator[dict[str, Any]]:
    for id_, name in types.items():
        yield {"type_id": id_, "type_name": name, "disabled": id_ in _CLOSED, "children": []}


def is_open(pair: tuple[int, int]) -> bool:
    """Whether cards can be made there."""
    return pair in LEAVES and pair[1] not in _CLOSED


@cache
def attributes_of(pair: tuple[int, int]) -> tuple[dict[str, Any], ...]:
    """Return a category's attributes as ``DescriptionCategoryAPI_GetAttributes`` tells them."""
    category = pair[0]
    strict, clothes = pair != ANYTHING, category == _CLOTHES
    rows = [
        _row(BRAND, "Бренд", required=strict, dictionary=28732849),
        _row(MODEL, "Название модели (для объединения в одну карточку)", required=strict),
        _row(TYPE, "Тип", required=strict, dictionary=1960, dependent=True),
        _row(DESCRIPTION, "Аннотация", kind="multiline"),
        _row(COLOUR, "Цвет товара", dictionary=1494, aspect=True, many=True),
        _row(GIFT, "Подарочная упаковка", kind="Boolean"),
        _row(VIDEO_URL, "Озон.Видео: ссылка", kind="URL", part_of=VIDEO),
        _row(VIDEO_NAME, "Озон.Видео: название", part_of=VIDEO),
        _row(MATERIAL, "Материал", required=strict and not clothes, dictionary=1650, many=True, most=3),
    ]
    if clothes:
        rows.append(_row(SIZE, "Размер", dictionary=320, aspect=True, many=True, dependent=True))
    if category in _KITCHEN:
        rows.append(_row(VOLUME, "Объём, мл", kind="Decimal"))
    return tuple(rows)


def _row(
    id_: int,
    name: str,
    *,
    kind: str = "String",
    required: bool = False,
    dictionary: int = 0,
    dependent: bool = False,
    aspect: bool = False,
    many: bool = False,
    most: int = 0,
    part_of: int = 0,
) -> dict[str, Any]:
    return {
        "id": id_,
        "attribute_complex_id": part_of,
        "name": name,
        "description": "",
        "type": kind,
        "is_collection": many,
        "is_required": required,
        "is_aspect": aspect,
        "max_value_count": most,
        "group_name": "Характеристики",
        "group_id": 1,
        "dictionary_id": dictionary,
        "category_dependent": dependent,
        "complex_is_collection": part_of != 0,
    }


@cache
def values_of(pair: tuple[int, int], attribute: int) -> dict[int, str]:
    """Return a list's values by their ids; {} where the attribute has no list, or the category no such attribute."""
    row = next((one for one in attributes_of(pair) if one["id"] == attribute), None)
    if row is None or not row["dictionary_id"]:
        return {}
    names: dict[int, tuple[str, ...]] = {
        BRAND: ("Нет бренда", "Выдумкино", *(f"Марка {number:04d}" for number in range(_LONG)), "Образец", "Проба"),
        TYPE: (LEAVES[pair][-1],),
        COLOUR: COLOURS,
        MATERIAL: MATERIALS,
        SIZE: ("S", "M", "L", "XL", "37", "39", "41", "43", "50×90", "70×140", "100×150"),
    }
    first = row["dictionary_id"] * 10_000
    return {first + number: name for number, name in enumerate(names[attribute], start=1)}


class Tree(Cabinet):
    """The calls about categories. Custom fault: ``endless_values`` (a list that does not go on)."""

    @route("POST", "/v1/description-category/tree")
    def category_tree(self, _: Request) -> Response:
        """``DescriptionCategoryAPI_GetTree``."""
        return Response(json={"result": tree()})

    @route("POST", "/v1/description-category/attribute")
    def category_attributes(self, request: Request) -> Response:
        """``DescriptionCategoryAPI_GetAttributes``."""
        asked = self.body(request, bodies.InCategory)
        return Response(json={"result": list(attributes_of(self._leaf(asked)))})

    @route("POST", "/v1/description-category/attribute/values")
    def attribute_values(self, request: Request) -> Response:
        """``DescriptionCategoryAPI_GetAttributeValues``: the values after the last one that was told."""
        asked = self.body(request, bodies.Values)
        known = values_of(self._leaf(asked), asked.attribute_id)
        left = [id_ for id_ in sorted(known) if id_ > asked.last_value_id]
        if self.fault("endless_values"):
            return Response(json={"result": [], "has_next": True})
        rows = [_value(id_, known[id_]) for id_ in left[: asked.limit]]
        return Response(json={"result": rows, "has_next": len(left) > asked.limit})

    @route("POST", "/v1/description-category/attribute/values/search")
    def search_values(self, request: Request) -> Response:
        """``DescriptionCategoryAPI_SearchAttributeValues``: by a part of the word, from two signs on."""
        asked = self.body(request, bodies.FindValues)
        known = values_of(self._leaf(asked), asked.attribute_id)
        found = [_value(id_, text) for id_, text in known.items() if asked.value.casefold() in text.casefold()]
        return Response(json={"result": found[: asked.limit]})

    def _leaf(self, asked: bodies.InCategory) -> tuple[int, int]:
        pair = (asked.description_category_id, asked.type_id)
        if pair not in LEAVES:
            raise Invalid(f"no type {pair[1]} in category {pair[0]}", 404)
        return pair


def _value(id_: int, text: str) -> dict[str, Any]:
    return {"id": id_, "value": text, "info": "", "picture": ""}

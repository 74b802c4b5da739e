"""The sandbox's categories: a few leaves under three branches, each with the same few kinds of characteristics."""

from __future__ import annotations

from typing import Any

from connectors.yandex_market.sandbox.cabinet import Cabinet, Invalid, ok
from obmen.testing.sandbox import Request, Response, route

ROOT = 90401
GROUP = 200
_BRANCHES = {
    "Дом": ("Чайники", "Кружки", "Тарелки", "Ножи", "Полотенца", "Вазы", "Доски разделочные", "Лампы настольные"),
    "Досуг": ("Тетради", "Конструкторы", "Отвёртки", "Рюкзаки"),
    "Одежда": ("Куртки", "Футболки", "Тапочки"),
}
_FIRST_BRANCH, _FIRST_LEAF = 91100, 91201
LEAVES = {
    name: _FIRST_LEAF + number for number, name in enumerate(name for names in _BRANCHES.values() for name in names)
}
"""Name of a category in which cards can be made → its id."""
COLOURS = ("белый", "красный", "синий", "чёрный")
MATERIALS = (
    "металл",
    "керамика",
    "дерево",
    "хлопок",
    "полиэстер",
    "сталь",
    "бук",
    "бумага",
    "лён",
    "бамбук",
    "фарфор",
    "стекло",
)
_LITRE, _MILLILITRE = 61, 62


def tree() -> dict[str, Any]:
    """Return the tree as ``getCategoriesTree`` tells it."""
    branches = [
        {
            "id": _FIRST_BRANCH + number,
            "name": branch,
            "children": [{"id": LEAVES[name], "name": name} for name in names],
        }
        for number, (branch, names) in enumerate(_BRANCHES.items())
    ]
    return {"id": ROOT, "name": "Все товары", "children": branches}


def branches() -> set[int]:
    """Return the ids of categories that have others below them."""
    return {ROOT, *(_FIRST_BRANCH + number for number in range(len(_BRANCHES)))}


def parameters(category: int) -> list[dict[str, Any]]:
    """Return a category's characteristics as ``getCategoryContentParameters`` tells them.

    «Материал» is required and of Market's list only, «Цвет товара» takes other values too, «Объём» is a number
    in litres, 200 joins variants on one card.
    """
    own = category * 100
    return [
        _one(GROUP, "Название группы вариантов", "TEXT", distinctive=True),
        _one(own + 1, "Материал", "ENUM", required=True, filtering=True, values=_values(own + 1, MATERIALS)),
        _one(
            own + 2,
            "Цвет товара",
            "ENUM",
            distinctive=True,
            multivalue=True,
            allowCustomValues=True,
            values=_values(own + 2, COLOURS),
        ),
        _one(
            own + 3,
            "Объём",
            "NUMERIC",
            unit={
                "defaultUnitId": _LITRE,
                "units": [
                    {"id": _LITRE, "name": "л", "fullName": "литр"},
                    {"id": _MILLILITRE, "name": "мл", "fullName": "миллилитр"},
                ],
            },
        ),
        _one(own + 4, "Подарочная упаковка", "BOOLEAN"),
        _one(own + 5, "Дополнительная информация", "TEXT"),
    ]


def _one(id_: int, name: str, kind: str, **more: Any) -> dict[str, Any]:
    usual = dict.fromkeys(("required", "filtering", "distinctive", "multivalue", "allowCustomValues"), False)
    return {"id": id_, "name": name, "type": kind, **usual, **more}


def _values(parameter: int, names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"id": parameter * 100 + number, "value": name} for number, name in enumerate(names)]


class Tree(Cabinet):
    """The calls about categories."""

    @route("POST", "/v2/categories/tree")
    def category_tree(self, _: Request) -> Response:
        """``getCategoriesTree``."""
        return ok(tree())

    @route("POST", r"/v2/category/(?P<category>\d+)/parameters")
    def category_parameters(self, _: Request, category: str) -> Response:
        """``getCategoryContentParameters``."""
        id_ = int(category)
        if id_ in branches():
            raise Invalid("Category is not a leaf.")
        if id_ not in LEAVES.values():
            raise Invalid("Unknown category", 404, "NOT_FOUND")
        return ok({"categoryId": id_, "parameters": parameters(id_)})

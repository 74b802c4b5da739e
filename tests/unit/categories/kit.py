"""A vendor with two categories, who counts what is asked of him."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from obmen.categories import CategoryAttribute, CategoryNode
from obmen.connector import Connector, Options
from obmen.errors import Unavailable

KETTLES, CUPS = "17:91", "17:92"
TYPE = CategoryAttribute("8229", "Тип", required=True, choices=True)
COLOUR = CategoryAttribute("10096", "Цвет товара", choices=True, many=True, most=2)
VOLUME = CategoryAttribute("5000", "Объем", kind="number", unit="мл")
WHISTLE = CategoryAttribute("5001", "Со свистком", kind="boolean")
BRAND = CategoryAttribute("85", "Бренд", required=True)
MODEL = CategoryAttribute("9048", "Название модели")
DESCRIBED = {KETTLES: (TYPE, COLOUR, VOLUME, WHISTLE, BRAND, MODEL), CUPS: (COLOUR, BRAND)}
CHOICES = {
    "8229": {"Чайник": "1", "Чайник электрический": "2"},
    "10096": {"красный": "11", "синий": "12", "зелёный": "13"},
}


class Vendor(Connector):
    """A shop window with categories."""

    title: ClassVar[str] = "Витрина"

    def __init__(self, name: str = "vendor", options: Any = None, **rest: Any) -> None:
        super().__init__(name, options or Options(), **rest)
        self.asked: list[str] = []
        self.down = False
        self.described = dict(DESCRIBED)

    def categories(self) -> Iterator[CategoryNode]:
        self._ask("categories")
        yield CategoryNode(KETTLES, ("Дом", "Посуда", "Чайник"))
        yield CategoryNode(CUPS, ("Дом", "Посуда", "Чашка"))

    def category_attributes(self, category: str) -> Sequence[CategoryAttribute]:
        self._ask(f"attributes {category}")
        return self.described.get(category, ())

    def attribute_choices(self, category: str, attribute: CategoryAttribute, texts: Sequence[str]) -> Mapping[str, str]:
        self._ask(f"choices {attribute.id} {'|'.join(texts)}")
        return {text: id_ for text, id_ in CHOICES[attribute.id].items() if text[:4] in {one[:4] for one in texts}}

    def _ask(self, what: str) -> None:
        if self.down:
            raise Unavailable("The vendor sleeps.")
        self.asked.append(what)


def entry(attribute: str, *values: str, unit: str = "", **more: Any) -> dict[str, Any]:
    return {"attribute": attribute, "values": list(values), "unit": unit, **more}


def card(category: str, *attributes: dict[str, Any]) -> dict[str, Any]:
    return {"offer_id": "A-1", "category": category, "attributes": list(attributes)}

"""A believable invented catalogue of any size, the same for the same seed."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from connectors.onec.sandbox.books import item_id
from connectors.onec.sandbox.hands.goods import GoodsHands
from connectors.onec.sandbox.objects.goods import GOODS
from connectors.onec.sandbox.references import PRICE_TYPES, WAREHOUSES

_GROUPS = {
    "Посуда": ("Чайник", "Кружка", "Сковорода", "Кастрюля", "Салатник", "Поднос"),
    "Текстиль": ("Полотенце", "Плед", "Скатерть", "Наволочка", "Халат"),
    "Свет": ("Лампа", "Светильник", "Гирлянда", "Фонарь", "Торшер"),
    "Сад": ("Лейка", "Секатор", "Грабли", "Кашпо", "Шланг"),
    "Инструмент": ("Отвёртка", "Молоток", "Рулетка", "Ключ", "Пила"),
    "Игрушки": ("Кубики", "Мяч", "Пирамидка", "Конструктор", "Кукла"),
}
_SERIES = ("Рубин", "Ладога", "Искра", "Волна", "Полюс", "Кедр", "Заря", "Гранит", "Мираж", "Бриз")
_MADE_OF = ("стальной", "керамика", "хлопок", "дерево", "пластик", "стекло", "медь", "бамбук")
_COLOURS = ("красный", "синий", "белый", "чёрный", "зелёный", "серый")
_SHARES = (Decimal(1), Decimal("0.85"), Decimal("0.62"))
_WITH_VARIANTS = 6
_BATCH = 500


class FillHands(GoodsHands):
    """Fills a base."""

    random: random.Random

    def fill(self, goods: int, *, first: int = 1) -> list[str]:
        """Enter so many invented goods; return their GUIDs.

        Each has an article, a barcode, a group, a brand, prices of three types and stock at two warehouses; every
        sixth has three characteristics with barcodes, prices and stock of their own. ``first`` numbers the
        articles, for whoever fills a base twice.
        """
        made: list[str] = []
        with self.lock:
            groups = {name: self._once_in_goods(name) for name in _GROUPS}
            batch: list[Any] = []
            for number in range(first, first + goods):
                ref, wanted = self._invented(number, groups)
                made.append(ref)
                batch += wanted
                if len(batch) >= _BATCH:
                    self._stock_up(batch)
                    batch = []
            self._stock_up(batch)
        return made

    def _invented(self, number: int, groups: dict[str, str]) -> tuple[str, list[Any]]:
        draw = self.random
        group = draw.choice(tuple(_GROUPS))
        series = draw.choice(_SERIES)
        material = draw.choice(_MADE_OF)
        name = f"{draw.choice(_GROUPS[group])} «{series}» {material}, {number}"
        varied = number % _WITH_VARIANTS == 0
        good = self.add_good(
            name,
            f"{group[0]}{number:06d}",
            group=groups[group],
            brand=series,
            attributes={"Материал": material},
            weight=Decimal(draw.randrange(50, 5000)) / 1000,
            vat=draw.choice(("20", "20", "10")),
            ИспользованиеХарактеристик="ИндивидуальныеДляНоменклатуры" if varied else "НеИспользовать",
        )
        items = [good]
        if varied:
            colours = draw.sample(_COLOURS, 3)
            items = [item_id(good, self._add_characteristic(good, GOODS, colour, {})) for colour in colours]
        return good, [self._wanted(number, at, item) for at, item in enumerate(items)]

    def _wanted(self, number: int, at: int, item: str) -> Any:
        retail = Decimal(self.random.randrange(9900, 990_000, 100)) / 100
        prices = {
            ref: (retail * share).quantize(Decimal("0.01"))
            for ref, share in zip(PRICE_TYPES.values(), _SHARES, strict=True)
        }
        stock = {ref: self.random.randrange(0, 40) for ref in WAREHOUSES.values()}
        held = {ref: quantity for ref, quantity in stock.items() if quantity}
        return item, [ean13(f"2{number:08d}{at:03d}")], prices, held

    def _once_in_goods(self, name: str) -> str:
        for ref, record in self.base.objects[GOODS].items():
            if record["IsFolder"] and record["Description"] == name:
                return ref
        return self.add_group(name)


def ean13(head: str) -> str:
    """Return a barcode of 13 digits that begins with these twelve."""
    odd, even = (sum(map(int, head[at::2])) for at in (0, 1))
    return f"{head}{-(odd + 3 * even) % 10}"

"""Invented goods: what a shop could sell if it existed.

Demonstrations and benches need catalogues that look like real ones (groups, variants, barcodes, decimal
commas, quotation marks and ampersands in names) and belong to nobody. A good is made from the seed and its
number alone, so any of them can be made again without making the others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from uuid import NAMESPACE_URL, UUID, uuid5

PRICE_TYPES = {"Розничная": Decimal(1), "Оптовая": Decimal("0.85"), "Закупочная": Decimal("0.62")}
WAREHOUSES = ("Основной склад", "Магазин на Садовой", "Дальний склад")
UNIT = ("796", "Штука", "PCE", "шт")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of goods: its group (the upper one and its own), its sizes if it is sold by size.

    ``price`` is in roubles, ``weight`` in grams, ``length`` in mm; each is a lowest and a highest value.
    """

    code: str
    upper: str
    group: str
    title: str
    price: tuple[int, int]
    weight: tuple[int, int]
    length: tuple[int, int]
    materials: tuple[str, ...]
    sizes: tuple[str, ...] = ()


_CLOTH, _CLAY = ("Хлопок", "Лён", "Бамбук"), ("Фарфор", "Керамика", "Стекло")
_SPANS, _SIZES, _FEET = ("50×90", "70×140", "100×150"), ("S", "M", "L", "XL"), ("37", "39", "41", "43")
KINDS = (
    Kind("MUG", "Посуда", "Кружки", "Кружка", (190, 990), (220, 480), (80, 140), _CLAY),
    Kind("PLT", "Посуда", "Тарелки", "Тарелка", (240, 1290), (300, 900), (160, 320), _CLAY),
    Kind("KNF", "Кухня", "Ножи", "Нож кухонный", (450, 3900), (90, 320), (180, 360), ("Сталь",)),
    Kind("BRD", "Кухня", "Доски", "Доска разделочная", (390, 2400), (400, 1900), (220, 450), ("Бук",)),
    Kind("LMP", "Дом", "Лампы", "Лампа настольная", (890, 6900), (600, 2600), (200, 520), ("Сталь",)),
    Kind("VAS", "Дом", "Вазы", "Ваза", (590, 4900), (350, 2400), (120, 420), _CLAY),
    Kind("SCR", "Мастерская", "Отвёртки", "Отвёртка", (120, 890), (60, 220), (120, 300), ("Сталь",)),
    Kind("NTB", "Детям", "Тетради", "Тетрадь", (45, 390), (60, 300), (150, 300), ("Бумага",)),
    Kind("TOY", "Детям", "Конструкторы", "Конструктор", (690, 5900), (250, 2100), (150, 480), ("Бук",)),
    Kind("TWL", "Ткани", "Полотенца", "Полотенце", (290, 1490), (150, 700), (200, 400), _CLOTH, _SPANS),
    Kind("TSH", "Ткани", "Футболки", "Футболка", (590, 2290), (130, 260), (200, 350), _CLOTH, _SIZES),
    Kind("SLP", "Ткани", "Тапочки", "Тапочки", (490, 1790), (180, 420), (240, 330), _CLOTH, _FEET),
)
SERIES = (
    "Тихая гавань",
    "Северный мох",
    "Бумажный кит",
    "Девятый вал",
    "Лунный заяц",
    "Старый маяк",
    "Рыжий клён",
    "Утро в деревне",
    "Стеклянный сад",
    "Медовый спас",
    "Пятница, вечер",
    "Соль & перец",
)
BRANDS = ("Выдумкино", "Небыль", "Дом Которого Нет", "Сказ & Быль", "Мнимая мануфактура")
COLOURS = ("белый", "синий", "зелёный", "терракота", "графит", "молочный", "горчичный")
COUNTRIES = ("Лукоморье", "Тридевятое царство", "Остров Буян")
PHRASES = (
    "Сделано небольшой партией, поэтому рисунок у каждой вещи немного свой.",
    "Хорошо смотрится в подарочной коробке!",
    "Подходит к остальным вещам серии «{series}».",
    'Материал: {material}. Цвет по каталогу: "{colour}".',
    "Легко моется, не боится солнца; хранить при t < 40 °C.",
    "Для кого? Для тех, кто любит простые вещи & долгие вечера.",
)


@dataclass(frozen=True, slots=True)
class Variant:
    """What of a good is put into a basket. ``size`` is empty for a good that is sold in one only."""

    id: str
    article: str
    barcode: str
    size: str
    prices: dict[str, Decimal]
    stock: dict[str, int]


@dataclass(frozen=True, slots=True)
class Good:
    """An invented good with its variants; one without variants has exactly one, with its own id."""

    id: str
    kind: Kind
    article: str
    name: str
    brand: str
    description: str
    vat: str
    attributes: dict[str, str]
    variants: tuple[Variant, ...]

    @property
    def varied(self) -> bool:
        """Whether it is sold by size."""
        return bool(self.variants[0].size)


def make_good(seed: int, number: int) -> Good:
    """Return the good of that number: the same for the same seed, whatever else was made."""
    dice = random.Random(seed * 1_000_003 + number)  # noqa: S311 - invented goods, not secrets
    kind = KINDS[dice.randrange(len(KINDS))]
    series, colour = dice.choice(SERIES), dice.choice(COLOURS)
    material = dice.choice(kind.materials)
    good_id = str(UUID(int=dice.getrandbits(128), version=4))
    article = f"{kind.code}-{number:07d}"
    facts = {"series": series, "material": material.lower(), "colour": colour}
    return Good(
        id=good_id,
        kind=kind,
        article=article,
        name=f"{kind.title} «{series}», {colour}, № {number}",
        brand=dice.choice(BRANDS),
        description=" ".join(phrase.format(**facts) for phrase in dice.sample(PHRASES, 3)),
        vat=dice.choice(("20", "20", "20", "10")),
        attributes={
            "Серия": series,
            "Цвет": colour,
            "Материал": material,
            "Страна": dice.choice(COUNTRIES),
            "Вес_кг": comma(Decimal(dice.randint(*kind.weight)) / 1000),
            "Длина_мм": str(dice.randint(*kind.length)),
            "Ширина_мм": str(dice.randint(*kind.length)),
            "Высота_мм": str(dice.randint(*kind.length)),
        },
        variants=_variants(dice, kind, number, good_id, article),
    )


def _variants(dice: random.Random, kind: Kind, number: int, good_id: str, article: str) -> tuple[Variant, ...]:
    base = Decimal(dice.randint(*kind.price))
    sold = dice.randint(2, len(kind.sizes)) if kind.sizes else 0
    made = []
    for position, size in enumerate(kind.sizes[:sold] or ("",)):
        retail = base + 50 * position
        made.append(
            Variant(
                id=f"{good_id}#{UUID(int=dice.getrandbits(128), version=4)}" if size else good_id,
                article=f"{article}-{position + 1}" if size else article,
                barcode=_barcode(number * 10 + position),
                size=size,
                prices={name: kopecks(retail * share) for name, share in PRICE_TYPES.items()},
                stock={name: max(0, dice.randint(-3, 60)) for name in WAREHOUSES},
            )
        )
    return tuple(made)


def kopecks(amount: Decimal) -> Decimal:
    """Return an amount of money with two places."""
    return amount.quantize(Decimal("0.01"))


def comma(value: Decimal) -> str:
    """Return a number as 1C writes it for people: 0.35 becomes 0,35."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".").replace(".", ",") if "." in text else text


@cache
def fixed_id(name: str) -> str:
    """Return the id of a group, property, price type or warehouse: the same in every catalogue."""
    return str(uuid5(NAMESPACE_URL, f"obmen:demo:{name}"))


def _barcode(number: int) -> str:
    digits = f"29{number % 10**10:010d}"
    total = sum(int(digit) * (3 if position % 2 else 1) for position, digit in enumerate(digits))
    return f"{digits}{-total % 10}"

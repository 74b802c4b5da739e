"""What the sandbox's base holds from the beginning, under fixed references, so that a project can name it.

All names are invented.
"""

from __future__ import annotations

from typing import Any

from connectors.onec.sandbox.model import EXCHANGE_PLAN, Model

USERNAME = "Обмен"
PASSWORD = "песочница"  # noqa: S105 - the sandbox's own, printed for whoever starts it

ORGANIZATION = "a1000000-0000-4000-8000-000000000001"
PARTNER = "a2000000-0000-4000-8000-000000000001"
CONTRAGENT = "a3000000-0000-4000-8000-000000000001"
AGREEMENT = "a4000000-0000-4000-8000-000000000001"
ROUBLE = "a5000000-0000-4000-8000-000000000643"
WAREHOUSE = "a6000000-0000-4000-8000-000000000001"
SECOND_WAREHOUSE = "a6000000-0000-4000-8000-000000000002"
VAT_NONE = "a7000000-0000-4000-8000-0000000000ff"
VAT_0 = "a7000000-0000-4000-8000-000000000000"
VAT_5 = "a7000000-0000-4000-8000-000000000005"
VAT_7 = "a7000000-0000-4000-8000-000000000007"
VAT_10 = "a7000000-0000-4000-8000-000000000010"
VAT_20 = "a7000000-0000-4000-8000-000000000020"
VAT_22 = "a7000000-0000-4000-8000-000000000022"
PRIORITY = "a8000000-0000-4000-8000-000000000001"
CANCEL_REASON = "a9000000-0000-4000-8000-000000000001"
PIECE = "aa000000-0000-4000-8000-000000000796"
KILOGRAM = "aa000000-0000-4000-8000-000000000166"
GRAM = "aa000000-0000-4000-8000-000000000163"
METRE = "aa000000-0000-4000-8000-000000000006"
MILLIMETRE = "aa000000-0000-4000-8000-000000000003"
KIND = "ab000000-0000-4000-8000-000000000001"
RETAIL = "ac000000-0000-4000-8000-000000000001"
WHOLESALE = "ac000000-0000-4000-8000-000000000002"
PURCHASE = "ac000000-0000-4000-8000-000000000003"
PHONE_KIND = "ad000000-0000-4000-8000-000000000001"
EMAIL_KIND = "ad000000-0000-4000-8000-000000000002"
ADDRESS_KIND = "ad000000-0000-4000-8000-000000000003"
PROGRAM = "ae000000-0000-4000-8000-000000000001"
CARD_KIND = "ae000000-0000-4000-8000-000000000002"
CASH_REGISTER = "af000000-0000-4000-8000-000000000001"
THIS_NODE = "b0000000-0000-4000-8000-000000000001"
NODE = "b0000000-0000-4000-8000-000000000002"

WAREHOUSES = {"Основной склад": WAREHOUSE, "Второй склад": SECOND_WAREHOUSE}
PRICE_TYPES = {"Розничная": RETAIL, "Оптовая": WHOLESALE, "Закупочная": PURCHASE}

VAT = {
    "none": (VAT_NONE, "Без НДС", "БезНДС"),
    "0": (VAT_0, "0%", "НДС0"),
    "5": (VAT_5, "5%", "НДС5"),
    "7": (VAT_7, "7%", "НДС7"),
    "10": (VAT_10, "10%", "НДС10"),
    "20": (VAT_20, "20%", "НДС20"),
    "22": (VAT_22, "22%", "НДС22"),
}
"""Each VAT rate: its reference and name in the catalog of 11.5, and its name in the enumeration."""

_UNITS = {
    PIECE: ("796", "шт", "КоличествоШтук", 1, 1),
    KILOGRAM: ("166", "кг", "Вес", 1, 1),
    GRAM: ("163", "г", "Вес", 1, 1000),
    METRE: ("006", "м", "Длина", 1, 1),
    MILLIMETRE: ("003", "мм", "Длина", 1, 1000),
}

ORDER_OPTIONS: dict[str, Any] = {
    "organization": ORGANIZATION,
    "partner": PARTNER,
    "contragent": CONTRAGENT,
    "agreement": AGREEMENT,
    "priority": PRIORITY,
    "cancel_reason": CANCEL_REASON,
    "currencies": {"RUB": ROUBLE},
    "warehouses": WAREHOUSES,
    "vat": "20",
    "vat_rates": {"none": VAT_NONE, "0": VAT_0, "10": VAT_10, "20": VAT_20, "22": VAT_22},
}
"""An `order:` section that fits a base of 11.5."""


def order_options(version: str) -> dict[str, Any]:
    """Return an `order:` section that fits a base of the version, and reserves the goods of each order."""
    options = {**ORDER_OPTIONS, "supply": "СоСклада"}
    if version == "11.4.2":
        options["vat_rates"] = {rate: VAT[rate][2] for rate in ("none", "0", "10", "20")}
    return options


def seed(model: Model) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what a base of this model holds from the beginning, by type and reference."""
    held = {**_SEED, EXCHANGE_PLAN: _NODES}
    if not model.vat_names:
        held["Catalog_СтавкиНДС"] = {
            ref: {"Description": name, "Ставка": int(rate) if rate.isdigit() else 0, "ПеречислениеСтавкаНДС": enum}
            for rate, (ref, name, enum) in VAT.items()
        }
    return held


_NODES: dict[str, dict[str, Any]] = {
    THIS_NODE: {"Description": "Эта база", "Code": "УТ"},
    NODE: {"Description": "Каналы продаж", "Code": "КАН"},
}
_SEED: dict[str, dict[str, dict[str, Any]]] = {
    "Catalog_Организации": {ORGANIZATION: {"Description": "ООО «Образец»"}},
    "Catalog_Партнеры": {PARTNER: {"Description": "Покупатели площадок", "Клиент": True}},
    "Catalog_Контрагенты": {CONTRAGENT: {"Description": "Розничный покупатель", "Партнер_Key": PARTNER}},
    "Catalog_СоглашенияСКлиентами": {AGREEMENT: {"Description": "Продажи через площадки", "Партнер_Key": PARTNER}},
    "Catalog_Валюты": {ROUBLE: {"Description": "RUB", "Code": "643", "НаименованиеПолное": "Российский рубль"}},
    "Catalog_Склады": {ref: {"Description": name} for name, ref in WAREHOUSES.items()},
    "Catalog_Приоритеты": {PRIORITY: {"Description": "Средний"}},
    "Catalog_ПричиныОтменыЗаказовКлиентов": {CANCEL_REASON: {"Description": "Отказ покупателя"}},
    "Catalog_УпаковкиЕдиницыИзмерения": {
        ref: {
            "Code": code,
            "Description": name,
            "ТипИзмеряемойВеличины": measures,
            "Числитель": numerator,
            "Знаменатель": denominator,
        }
        for ref, (code, name, measures, numerator, denominator) in _UNITS.items()
    },
    "Catalog_ВидыНоменклатуры": {
        KIND: {
            "Description": "Товары",
            "ТипНоменклатуры": "Товар",
            "ИспользоватьХарактеристики": True,
            "ИспользованиеХарактеристик": "ИндивидуальныеДляНоменклатуры",
            "ЕдиницаИзмерения_Key": PIECE,
        }
    },
    "Catalog_ВидыЦен": {
        ref: {
            "Description": name,
            "ВалютаЦены_Key": ROUBLE,
            "ЦенаВключаетНДС": True,
            "ИспользоватьПриПродаже": name != "Закупочная",
            "СпособЗаданияЦены": "Вручную",
            "Идентификатор": name,
        }
        for name, ref in PRICE_TYPES.items()
    },
    "Catalog_ВидыКонтактнойИнформации": {
        PHONE_KIND: {"Description": "Телефон", "Тип": "Телефон"},
        EMAIL_KIND: {"Description": "Электронная почта", "Тип": "АдресЭлектроннойПочты"},
        ADDRESS_KIND: {"Description": "Адрес доставки", "Тип": "Адрес"},
    },
    "Catalog_БонусныеПрограммыЛояльности": {
        PROGRAM: {
            "Description": "Бонусная программа",
            "КурсКонвертацииБонусовВВалюту": 1,
            "МаксимальныйПроцентОплатыБонусами": 30,
            "ВалютаКонвертацииБонусов_Key": ROUBLE,
        }
    },
    "Catalog_ВидыКартЛояльности": {
        CARD_KIND: {
            "Description": "Карта покупателя",
            "Статус": "Действует",
            "Персонализирована": True,
            "ТипКарты": "Штриховая",
            "Организация_Key": ORGANIZATION,
            "БонуснаяПрограммаЛояльности_Key": PROGRAM,
        }
    },
    "Catalog_КассыККМ": {CASH_REGISTER: {"Description": "Касса 1", "Владелец_Key": ORGANIZATION}},
}

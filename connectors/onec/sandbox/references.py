"""What the sandbox's base holds from the beginning, under fixed references, so that a project can name it.

All names are invented.
"""

from __future__ import annotations

from typing import Any

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
VAT_10 = "a7000000-0000-4000-8000-000000000010"
VAT_20 = "a7000000-0000-4000-8000-000000000020"
VAT_22 = "a7000000-0000-4000-8000-000000000022"
PRIORITY = "a8000000-0000-4000-8000-000000000001"
CANCEL_REASON = "a9000000-0000-4000-8000-000000000001"

WAREHOUSES = {"Основной склад": WAREHOUSE, "Второй склад": SECOND_WAREHOUSE}

SEED: dict[str, dict[str, dict[str, Any]]] = {
    "Catalog_Организации": {ORGANIZATION: {"Description": "ООО «Образец»"}},
    "Catalog_Партнеры": {PARTNER: {"Description": "Покупатели площадок", "Клиент": True}},
    "Catalog_Контрагенты": {CONTRAGENT: {"Description": "Розничный покупатель", "Партнер_Key": PARTNER}},
    "Catalog_СоглашенияСКлиентами": {AGREEMENT: {"Description": "Продажи через площадки", "Партнер_Key": PARTNER}},
    "Catalog_Валюты": {ROUBLE: {"Description": "RUB", "Code": "643"}},
    "Catalog_Склады": {ref: {"Description": name} for name, ref in WAREHOUSES.items()},
    "Catalog_СтавкиНДС": {
        VAT_NONE: {"Description": "Без НДС"},
        VAT_0: {"Description": "0%"},
        VAT_10: {"Description": "10%"},
        VAT_20: {"Description": "20%"},
        VAT_22: {"Description": "22%"},
    },
    "Catalog_Приоритеты": {PRIORITY: {"Description": "Средний"}},
    "Catalog_ПричиныОтменыЗаказовКлиентов": {CANCEL_REASON: {"Description": "Отказ покупателя"}},
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
"""An `order:` section that fits this base."""

"""Shops' receipts and reports, documents that move stock and set prices, accounts at marketplaces."""

from __future__ import annotations

from connectors.onec.sandbox.kinds import Type, catalog, document, rows, without
from connectors.onec.sandbox.objects.orders import older

RECEIPT = "Document_ЧекККМ"
RECEIPT_RETURN = "Document_ЧекККМВозврат"
RETAIL_REPORT = "Document_ОтчетОРозничныхПродажах"
RETAIL_RETURNS = "Document_ОтчетОРозничныхВозвратах"
PRICE_SETTING = "Document_УстановкаЦенНоменклатуры"
SURPLUS = "Document_ОприходованиеИзлишковТоваров"
SHORTAGE = "Document_СписаниеНедостачТоваров"
REGISTERS_OF_CASH = "Catalog_КассыККМ"
MARKETPLACES = "Catalog_УчетныеЗаписиМаркетплейсов"

_SOLD = rows(
    guids="Номенклатура_Key Характеристика_Key Упаковка_Key СтавкаНДС_Key",
    strings="УдалитьСтавкаНДС",
    numbers="""КоличествоУпаковок Количество Цена Сумма СуммаНДС ПроцентАвтоматическойСкидки
        СуммаАвтоматическойСкидки ПроцентРучнойСкидки СуммаРучнойСкидки""",
    longs="КлючСвязи",
)
_PAID = rows(
    guids="ЭквайринговыйТерминал_Key",
    strings="НомерПлатежнойКарты СсылочныйНомер",
    flags="ОплатаОтменена",
    numbers="Сумма",
)


def _receipt(version: str, *, back: bool = False) -> Type:
    sold = _SOLD if version == "11.5.8" else without(_SOLD, "УдалитьСтавкаНДС")
    if version == "11.5.8":
        sold = without(sold, "СуммаРучнойСкидки")
    return document(
        guids="""Валюта_Key КассаККМ_Key Склад_Key КартаЛояльности_Key Партнер_Key КассоваяСмена_Key
            Организация_Key"""
        + (" ЧекККМ_Key" if back else ""),
        strings="Статус Комментарий",
        numbers="СуммаДокумента ПолученоНаличными",
        longs="НомерЧекаККМ" if version == "11.5.20" else "",
        sections={"Товары": sold, "ОплатаПлатежнымиКартами": _PAID},
    )


def _report() -> Type:
    return document(
        guids="Валюта_Key КассаККМ_Key Склад_Key КассоваяСмена_Key Организация_Key",
        strings="Комментарий НалогообложениеНДС",
        numbers="СуммаДокумента",
        flags="ЦенаВключаетНДС",
        sections={
            "Товары": rows(
                guids="Номенклатура_Key Характеристика_Key Упаковка_Key СтавкаНДС_Key Партнер_Key",
                numbers="КоличествоУпаковок Количество Цена Сумма СуммаНДС",
            ),
            "ОплатаПлатежнымиКартами": _PAID,
        },
    )


def _stock() -> Type:
    return document(
        guids="Организация_Key Склад_Key Подразделение_Key ВидЦены_Key",
        strings="Комментарий",
        sections={
            "Товары": rows(
                guids="Номенклатура_Key Характеристика_Key Назначение_Key Серия_Key",
                numbers="Количество Цена Сумма",
            )
        },
    )


def _price_setting() -> Type:
    return document(
        guids="Ответственный_Key",
        strings="Комментарий Статус",
        flags="Согласован",
        sections={
            "ВидыЦен": rows(guids="ВидЦены_Key"),
            "Товары": rows(
                guids="Номенклатура_Key Характеристика_Key ВидЦены_Key Упаковка_Key",
                numbers="Цена",
            ),
        },
    )


def retail_types(version: str) -> dict[str, Type]:
    """Return the documents of shops and warehouses as the version has them."""
    types = {
        RECEIPT: _receipt(version),
        RECEIPT_RETURN: _receipt(version, back=True),
        RETAIL_REPORT: _report(),
    }
    if version == "11.4.2":
        types = {name: older(kind) for name, kind in types.items()}
    else:
        types[RETAIL_RETURNS] = _report()
    types |= {
        PRICE_SETTING: _price_setting(),
        SURPLUS: _stock(),
        SHORTAGE: _stock(),
        REGISTERS_OF_CASH: catalog(code=False, guids="Владелец_Key Склад_Key", strings="ТипКассы СерийныйНомер"),
    }
    if version == "11.5.20":
        types[MARKETPLACES] = catalog(guids="Организация_Key", strings="ВидМаркетплейса")
    return types

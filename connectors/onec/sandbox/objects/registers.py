"""Registers: prices, barcodes, stock, bonus points, files."""

from __future__ import annotations

from connectors.onec.sandbox.kinds import Register, fields

BARCODES = "InformationRegister_ШтрихкодыНоменклатуры"
PRICES = "InformationRegister_ЦеныНоменклатуры"
PRICES_25 = "InformationRegister_ЦеныНоменклатуры25"
FILES = "InformationRegister_ДвоичныеДанныеФайлов"
FREE_STOCK = "AccumulationRegister_СвободныеОстатки"
SUPPLY_AND_NEED = "AccumulationRegister_ЗапасыИПотребности"
ALLOCATION = "InformationRegister_РаспределениеЗапасов"
ON_HAND = "AccumulationRegister_ТоварыНаСкладах"
ORDERS = "AccumulationRegister_ЗаказыКлиентов"
POINTS = "AccumulationRegister_БонусныеБаллы"
MARKS_IN_FULL = "InformationRegister_ПулКодовМаркировкиСУЗ"

_ITEM = "Номенклатура_Key Характеристика_Key"
_AMOUNTS = """РезервироватьПоМереПоступления КОбеспечениюБезРезерва ОтложитьРезервирование Резервировать
    НеОбеспечивать Зарезервировано Обеспечено НеОбеспечено Запас Резерв Свободно ВНаличии"""


def _barcodes(version: str) -> Register:
    older = fields(guids="Партнер_Key Производитель_Key") if version == "11.4.2" else {}
    return Register(
        dimensions={**fields(strings="Штрихкод"), **older},
        resources=fields(guids=f"{_ITEM} Упаковка_Key"),
        recorded=False,
    )


def _prices(version: str) -> Register:
    return Register(
        dimensions=fields(guids=f"{_ITEM} ВидЦены_Key"),
        resources=fields(numbers="Цена", guids="Упаковка_Key Валюта_Key"),
        attributes={} if version == "11.4.2" else fields(strings="Формула", guids="МаркетинговоеМероприятие_Key"),
    )


def _on_hand(version: str) -> Register:
    return Register(
        dimensions=fields(guids=f"{_ITEM} Назначение_Key Склад_Key Помещение_Key Серия_Key"),
        resources=fields(numbers="ВНаличии КОтгрузке"),
        attributes=fields(flags="КонтролироватьОстатки" + ("" if version == "11.4.2" else " Сторно")),
        balance=True,
    )


def _points(version: str) -> Register:
    attributes = {"11.4.2": {}, "11.5.8": fields(flags="Сторно")}.get(
        version, fields(flags="Сторно", moments="ДатаНачалаДействия ДатаКОбработке")
    )
    held = " Зарезервировано" if version == "11.5.20" else ""
    return Register(
        dimensions=fields(guids="БонуснаяПрограммаЛояльности_Key Партнер_Key"),
        resources=fields(numbers=f"Начислено КСписанию{held}"),
        attributes=attributes,
        balance=True,
    )


def _orders(version: str) -> Register:
    return Register(
        dimensions=fields(anys="ЗаказКлиента", guids=f"{_ITEM} Склад_Key Серия_Key", longs="КодСтроки"),
        resources=fields(numbers="Заказано КОформлению КПередаче Сумма"),
        attributes=fields(guids="ПричинаОтмены_Key", flags="" if version == "11.4.2" else "Сторно"),
        balance=True,
    )


def _supply_and_need() -> Register:
    return Register(
        dimensions=fields(guids=f"{_ITEM} Назначение_Key", moments="ДатаСобытия", anys="Склад Заказ"),
        resources=fields(
            numbers="""ВНаличии Поступит Заказано РезервироватьНаСкладе РезервироватьПоМереПоступления
                ОтложитьРезервирование КОбеспечению НеОбеспечивать"""
        ),
        attributes=fields(
            numbers="ЗакрытьГрафикПоступления ЗакрытьГрафикОтгрузки",
            strings="ТипЗаписи",
            flags="Сторно",
            anys="ОтгружаемыйЗаказ",
        ),
        balance=True,
    )


def _allocation(version: str) -> Register:
    more = " Излишек" if version == "11.5.20" else ""
    flags = "РезервПревышаетОстатки" if version == "11.5.8" else ""
    return Register(
        dimensions=fields(
            guids=f"{_ITEM} Назначение_Key",
            strings="Состояние",
            moments="ЖелаемаяДатаОтгрузки ДатаПоступления",
            shorts="ТипЗаписиРаспределенияЗапасов",
            anys="Склад ЗаказНаОтгрузку ЗаказНаПоступление",
        ),
        resources=fields(numbers=_AMOUNTS + more, flags=flags),
        attributes=fields(numbers="РезервироватьПоМереПоступленияИтогНаДату НеОбеспеченоКОбеспечению"),
        recorded=False,
    )


def register_types(version: str) -> dict[str, Register]:
    """Return the registers that the version has."""
    registers = {
        BARCODES: _barcodes(version),
        PRICES: _prices(version),
        ON_HAND: _on_hand(version),
        POINTS: _points(version),
        FILES: Register(
            dimensions=fields(anys="Файл"), resources=fields(storages="ДвоичныеДанныеФайла"), recorded=False
        ),
    }
    if version == "11.4.2":
        stock = {"Номенклатура_Key", "Характеристика_Key", "Склад_Key"}
        return registers | {
            FREE_STOCK: Register(
                dimensions=fields(guids=" ".join(sorted(stock))),
                resources=fields(numbers="ВНаличии ВРезервеСоСклада ВРезервеПодЗаказ"),
                balance=True,
            ),
            ORDERS: _orders(version),
        }
    registers |= {PRICES_25: _prices_25(), ALLOCATION: _allocation(version), MARKS_IN_FULL: _marks_in_full()}
    if version == "11.5.8":
        return registers | {ORDERS: _orders(version)}
    return registers | {SUPPLY_AND_NEED: _supply_and_need()}


def _marks_in_full() -> Register:
    return Register(
        dimensions=fields(
            anys="ДокументОснование",
            guids="ЗаказНаЭмиссию_Key",
            strings="КодМаркировки ХешСуммаКодаМаркировки",
        ),
        resources=fields(strings="Статус"),
        attributes=fields(guids=f"{_ITEM} ШтрихкодУпаковки_Key", strings="ПолныйКодМаркировки ТипШтрихкода"),
        recorded=False,
    )


def _prices_25() -> Register:
    return Register(
        dimensions=fields(guids="Номенклатура_Key ХарактеристикаЦО_Key СерияЦО_Key УпаковкаЦО_Key ВидЦены_Key"),
        resources=fields(numbers="Цена", guids="Упаковка_Key Валюта_Key"),
        attributes=fields(guids="МаркетинговоеМероприятие_Key", strings="Формула"),
    )


def hidden_registers(version: str) -> dict[str, Register]:
    """Return registers that the sandbox reckons with where the version has none of that name to show."""
    return {SUPPLY_AND_NEED: _supply_and_need()} if version == "11.5.8" else {}

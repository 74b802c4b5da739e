"""The types of the sandbox's base, in the shape of UT 11.5: names and EDM types as facts of its metadata.

Where a type stands in the public recording of a real base too, the two must agree; a contract test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

ORDER = "Document_ЗаказКлиента"
GUID, STRING, MOMENT, FLAG = "Edm.Guid", "Edm.String", "Edm.DateTime", "Edm.Boolean"
NUMBER, LONG, SHORT = "Edm.Double", "Edm.Int64", "Edm.Int16"
KEYS = frozenset({"Ref_Key", "LineNumber"})
STATUSES = ("НеСогласован", "КОбеспечению", "КОтгрузке", "Закрыт")
SUPPLY = (
    "Отгрузить",
    "СоСклада",
    "РезервироватьПоМереПоступления",
    "КОбеспечению",
    "НеТребуется",
    "ПереданРанее",
)
LENGTHS: Mapping[str, int] = MappingProxyType({"Number": 11, "НомерПоДаннымКлиента": 30})
"""The lengths to which 1C cuts a string without a word; the metadata of a real base does not tell them."""


@dataclass(frozen=True, slots=True)
class Type:
    """An object's own properties by name with their EDM types, and those of each tabular section's rows."""

    properties: Mapping[str, str]
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def is_document(self) -> bool:
        """Whether it can be posted."""
        return "Posted" in self.properties


def _properties(**names: str) -> dict[str, str]:
    kinds = {
        "guids": GUID,
        "strings": STRING,
        "moments": MOMENT,
        "flags": FLAG,
        "numbers": NUMBER,
        "longs": LONG,
        "shorts": SHORT,
    }
    return {name: kinds[kind] for kind, several in names.items() for name in several.split()}


def _catalog(*, hierarchical: bool = False, code: bool = True, **names: str) -> Type:
    own = _properties(
        guids="Ref_Key" + (" Parent_Key" if hierarchical else ""),
        strings="DataVersion Description PredefinedDataName" + (" Code" if code else ""),
        flags="DeletionMark Predefined" + (" IsFolder" if hierarchical else ""),
    )
    return Type({**own, **_properties(**names)})


_ORDER_OWN = _properties(
    guids="""Ref_Key Партнер_Key Контрагент_Key Организация_Key Соглашение_Key Сделка_Key Валюта_Key
        ГрафикОплаты_Key Склад_Key Менеджер_Key БанковскийСчет_Key БанковскийСчетКонтрагента_Key Касса_Key
        Грузоотправитель_Key Грузополучатель_Key БанковскийСчетГрузоотправителя_Key
        БанковскийСчетГрузополучателя_Key ГруппаФинансовогоУчета_Key КартаЛояльности_Key Договор_Key
        Подразделение_Key Назначение_Key ПеревозчикПартнер_Key ЗонаДоставки_Key КонтактноеЛицо_Key
        Руководитель_Key ГлавныйБухгалтер_Key Приоритет_Key НаправлениеДеятельности_Key ОбъектРасчетов_Key
        Сборщик_Key Курьер_Key""",
    strings="""DataVersion Number ДополнительнаяИнформация ДокументОснование Статус ФормаОплаты АдресДоставки
        НалогообложениеНДС ХозяйственнаяОперация Комментарий НомерПоДаннымКлиента Автор ПорядокРасчетов
        СпособДоставки АдресДоставкиПеревозчика АдресДоставкиЗначенияПолей
        АдресДоставкиПеревозчикаЗначенияПолей ДополнительнаяИнформацияПоДоставке
        СостояниеЗаполненияМногооборотнойТары НазначениеПлатежа ИдентификаторПлатежа
        ОсобыеУсловияПеревозкиОписание УдалитьПорядокОплаты АдресДоставкиЗначение
        АдресДоставкиПеревозчикаЗначение ЭтапГосконтрактаЕИС ДокументОснование_Type Автор_Type""",
    moments="Date ДатаСогласования ДатаОтгрузки ДатаПоДаннымКлиента ВремяДоставкиС ВремяДоставкиПо",
    flags="""DeletionMark Posted ЦенаВключаетНДС НеОтгружатьЧастями Согласован СкидкиРассчитаны
        ВернутьМногооборотнуюТару ТребуетсяЗалогЗаТару ОсобыеУсловияПеревозки ОплатаВВалюте
        ЭтоЗаказКакСчет""",
    numbers="СуммаДокумента СуммаАвансаДоОбеспечения СуммаПредоплатыДоОтгрузки СуммаВозвратнойТары",
    longs="МаксимальныйКодСтроки",
    shorts="СрокВозвратаМногооборотнойТары",
)

_GOODS = _properties(
    guids="""Номенклатура_Key Характеристика_Key Упаковка_Key ВидЦены_Key СтавкаНДС_Key ПричинаОтмены_Key
        Склад_Key Серия_Key НоменклатураНабора_Key ХарактеристикаНабора_Key Подразделение_Key
        НоменклатураПартнера_Key""",
    strings="""УдалитьСтавкаНДС Содержание ВариантОбеспечения ИдентификаторСтроки
        ВариантОбеспеченияДоИзмененияОбновлениемИБ""",
    moments="ДатаОтгрузки",
    flags="Отменено Обособленно",
    numbers="""КоличествоУпаковок Количество Цена Сумма СуммаНДС СуммаСНДС ПроцентРучнойСкидки
        СуммаРучнойСкидки ПроцентАвтоматическойСкидки СуммаАвтоматическойСкидки СуммаБонусныхБалловКСписанию
        СуммаБонусныхБалловКСписаниюВВалюте СуммаНачисленныхБонусныхБалловВВалюте""",
    longs="LineNumber КодСтроки КлючСвязи СрокПоставки",
    shorts="СтатусУказанияСерий",
)

_ORDER_SECTIONS = {
    "Товары": _GOODS,
    "ЭтапыГрафикаОплаты": _properties(
        strings="ВариантОплаты ВариантОтсчета",
        moments="ДатаПлатежа",
        numbers="""ПроцентПлатежа СуммаПлатежа ПроцентЗалогаЗаТару СуммаЗалогаЗаТару
            СуммаОтклоненияМерныхТоваров""",
        longs="LineNumber Сдвиг",
    ),
    "СкидкиНаценки": _properties(
        guids="СкидкаНаценка_Key", flags="НапомнитьПозже", numbers="Сумма", longs="LineNumber КлючСвязи"
    ),
    "НачислениеБонусныхБаллов": _properties(
        guids="БонуснаяПрограммаЛояльности_Key",
        moments="ДатаНачисления ДатаСписания",
        numbers="СуммаБонусныхБаллов",
        longs="LineNumber КлючСвязи",
    ),
    "ДополнительныеРеквизиты": _properties(
        guids="Свойство_Key", strings="Значение ТекстоваяСтрока Значение_Type", longs="LineNumber"
    ),
}

TYPES: Mapping[str, Type] = MappingProxyType(
    {
        "Catalog_Номенклатура": _catalog(
            hierarchical=True,
            guids="ЕдиницаИзмерения_Key ВидНоменклатуры_Key Марка_Key Производитель_Key СтавкаНДС_Key",
            strings="Артикул НаименованиеПолное Описание ТипНоменклатуры ИспользованиеХарактеристик",
            numbers="ВесЧислитель ВесЗнаменатель",
        ),
        "Catalog_ХарактеристикиНоменклатуры": _catalog(
            code=False,
            guids="ВидНоменклатуры_Key",
            strings="Owner Owner_Type НаименованиеПолное КиЗГИСМGTIN",
        ),
        "Catalog_Партнеры": _catalog(
            hierarchical=True,
            guids="БизнесРегион_Key ГруппаДоступа_Key ОсновнойМенеджер_Key",
            strings="НаименованиеПолное Комментарий ЮрФизЛицо",
            moments="ДатаРегистрации",
            flags="Клиент Поставщик Конкурент Перевозчик ПрочиеОтношения",
        ),
        "Catalog_Контрагенты": _catalog(
            code=False,
            guids="Партнер_Key ГоловнойКонтрагент_Key СтранаРегистрации_Key",
            strings="НаименованиеПолное ИНН КПП КодПоОКПО ЮрФизЛицо ДополнительнаяИнформация",
            flags="ОбособленноеПодразделение",
        ),
        "Catalog_Организации": _catalog(strings="НаименованиеПолное ИНН КПП"),
        "Catalog_СоглашенияСКлиентами": _catalog(guids="Партнер_Key Контрагент_Key Организация_Key"),
        "Catalog_Склады": _catalog(
            hierarchical=True,
            code=False,
            guids="Подразделение_Key РозничныйВидЦены_Key",
            strings="ТипСклада",
            flags="ИспользоватьОрдернуюСхемуПриОтгрузке",
        ),
        "Catalog_Валюты": _catalog(strings="НаименованиеПолное"),
        "Catalog_СтавкиНДС": _catalog(code=False),
        "Catalog_Приоритеты": _catalog(code=False),
        "Catalog_ПричиныОтменыЗаказовКлиентов": _catalog(code=False),
        ORDER: Type(_ORDER_OWN, _ORDER_SECTIONS),
    }
)

TARGETS: Mapping[str, str] = MappingProxyType(
    {
        "Номенклатура": "Catalog_Номенклатура",
        "НоменклатураНабора": "Catalog_Номенклатура",
        "Характеристика": "Catalog_ХарактеристикиНоменклатуры",
        "Партнер": "Catalog_Партнеры",
        "Контрагент": "Catalog_Контрагенты",
        "Грузоотправитель": "Catalog_Контрагенты",
        "Грузополучатель": "Catalog_Контрагенты",
        "Организация": "Catalog_Организации",
        "Соглашение": "Catalog_СоглашенияСКлиентами",
        "Склад": "Catalog_Склады",
        "Валюта": "Catalog_Валюты",
        "СтавкаНДС": "Catalog_СтавкиНДС",
        "Приоритет": "Catalog_Приоритеты",
        "ПричинаОтмены": "Catalog_ПричиныОтменыЗаказовКлиентов",
    }
)
"""What references of these names point to; 1C gives navigation properties only to published objects."""

_EMPTY = {
    GUID: "00000000-0000-0000-0000-000000000000",
    STRING: "",
    MOMENT: "0001-01-01T00:00:00",
    FLAG: False,
    NUMBER: 0,
    LONG: "0",
    SHORT: 0,
}


def empty(properties: Mapping[str, str]) -> dict[str, object]:
    """Return every property with the value that 1C gives to one that was never filled."""
    return {
        name: "StandardODATA.Undefined" if name.endswith("_Type") else _EMPTY[kind] for name, kind in properties.items()
    }

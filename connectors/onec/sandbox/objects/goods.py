"""Goods and what describes them: characteristics, units, kinds, groups, properties, pictures."""

from __future__ import annotations

from connectors.onec.sandbox.kinds import Properties, Type, catalog, fields, rows, without

GOODS = "Catalog_Номенклатура"
CHARACTERISTICS = "Catalog_ХарактеристикиНоменклатуры"
PRICED_CHARACTERISTICS = "Catalog_ХарактеристикиНоменклатурыДляЦенообразования"
UNITS = "Catalog_УпаковкиЕдиницыИзмерения"
KINDS = "Catalog_ВидыНоменклатуры"
BRANDS = "Catalog_Марки"
MAKERS = "Catalog_Производители"
VAT_RATES = "Catalog_СтавкиНДС"
PRICE_TYPES = "Catalog_ВидыЦен"
WAREHOUSES = "Catalog_Склады"
CURRENCIES = "Catalog_Валюты"
PICTURES = "Catalog_НоменклатураПрисоединенныеФайлы"
CHARACTERISTIC_PICTURES = "Catalog_ХарактеристикиНоменклатурыПрисоединенныеФайлы"
FEATURES = "ChartOfCharacteristicTypes_ДополнительныеРеквизитыИСведения"
FEATURE_VALUES = "Catalog_ЗначенияСвойствОбъектов"

ADDITIONAL: Properties = rows(guids="Свойство_Key", anys="Значение", strings="ТекстоваяСтрока")
"""Rows of ДополнительныеРеквизиты: any object may have them."""

_GOODS = catalog(
    hierarchical=True,
    guids="""ЕдиницаИзмерения_Key ВесЕдиницаИзмерения_Key ВидАлкогольнойПродукции_Key ВидНоменклатуры_Key
        ГруппаДоступа_Key ДлинаЕдиницаИзмерения_Key Марка_Key НаборУпаковок_Key ГруппаФинансовогоУчета_Key
        НоменклатураМногооборотнаяТара_Key Производитель_Key ПроизводительИмпортерКонтрагент_Key
        СкладскаяГруппа_Key СтавкаНДС_Key ТоварнаяКатегория_Key ФайлКартинки_Key ФайлОписанияДляСайта_Key
        ОбъемЕдиницаИзмерения_Key ХарактеристикаМногооборотнаяТара_Key ПлощадьЕдиницаИзмерения_Key
        СхемаОбеспечения_Key СпособОбеспеченияПотребностей_Key ЦеноваяГруппа_Key ШаблонЦенника_Key
        ЕдиницаДляОтчетов_Key ШаблонЭтикетки_Key СезоннаяГруппа_Key КоллекцияНоменклатуры_Key
        РейтингПродаж_Key ГруппаАналитическогоУчета_Key КодТНВЭД_Key КодОКВЭД_Key КодОКП_Key
        ВладелецСерий_Key ВладелецХарактеристик_Key ВладелецТоварныхКатегорий_Key КодОКВЭД2_Key
        КодОКПД2_Key ЕдиницаИзмеренияТНВЭД_Key СтранаПроисхождения_Key""",
    strings="""Артикул ВариантОформленияПродажи НаименованиеПолное ЕдиницаИзмеренияСрокаГодности
        ИспользованиеХарактеристик Качество КодДляПоиска Описание УдалитьСтавкаНДС ТипНоменклатуры
        ОсобенностьУчета КиЗГИСМВид КиЗГИСМСпособВыпускаВОборот КиЗГИСМGTIN КиЗГИСМРазмер
        КодРаздел7ДекларацииНДС КодВидаНоменклатурнойКлассификации
        НаименованиеВидаНоменклатурнойКлассификации КодТРУ НаименованиеЯзык1 НаименованиеЯзык2""",
    flags="""ВесИспользовать ВесМожноУказыватьВДокументах ВестиУчетПоГТД ВестиУчетСертификатовНоменклатуры
        АлкогольнаяПродукция ЕстьТоварыДругогоКачества ИмпортнаяАлкогольнаяПродукция ДлинаИспользовать
        ДлинаМожноУказыватьВДокументах ИспользоватьИндивидуальныйШаблонЦенника
        ИспользоватьИндивидуальныйШаблонЭтикетки ИспользоватьУпаковки ПодакцизныйТовар
        ПоставляетсяВМногооборотнойТаре ОбъемИспользовать ОбъемМожноУказыватьВДокументах
        ПлощадьИспользовать ПлощадьМожноУказыватьВДокументах ОбособленнаяЗакупкаПродажа
        ОблагаетсяНДПИПоПроцентнойСтавке ПродукцияМаркируемаяДляГИСМ КиЗГИСМ ПодконтрольнаяПродукцияВЕТИС
        АлкогольнаяПродукцияВоВскрытойТаре ОблагаетсяНДСУПокупателя ПрослеживаемыйТовар""",
    numbers="""ВесЗнаменатель ВесЧислитель ДлинаЗнаменатель ДлинаЧислитель ОбъемДАЛ ОбъемЗнаменатель
        ОбъемЧислитель ПлощадьЗнаменатель ПлощадьЧислитель КоэффициентЕдиницыДляОтчетов Крепость""",
    longs="СрокГодности",
    anys="Принципал Контрагент",
    sections={
        "ДополнительныеРеквизиты": ADDITIONAL,
        "ДрагоценныеМатериалы": rows(
            guids="ЕдиницаИзмерения_Key", strings="ДрагоценныйМатериал Расположение Комментарий", numbers="Количество"
        ),
        "Представления": rows(strings="КодЯзыка НаименованиеПолное Наименование"),
    },
)
_NEWER = "УдалитьСтавкаНДС СтавкаНДС_Key ПрослеживаемыйТовар КодТРУ НаименованиеЯзык1 НаименованиеЯзык2"


def _files() -> Type:
    return catalog(
        code=False,
        guids="ВладелецФайла_Key Том_Key",
        strings="Описание ПутьКФайлу Расширение СтатусИзвлеченияТекста ТипХраненияФайла",
        moments="ДатаСоздания ДатаМодификацииУниверсальная",
        flags="ПодписанЭП Зашифрован",
        longs="Размер",
        shorts="ИндексКартинки",
        storages="ФайлХранилище",
    )


def _goods(version: str) -> Type:
    if version != "11.4.2":
        return _GOODS
    older = without(_GOODS.properties, _NEWER)
    sections = {name: own for name, own in _GOODS.sections.items() if name != "Представления"}
    return Type({**older, **fields(strings="СтавкаНДС")}, sections)


def _characteristics(version: str) -> Type:
    guids, strings, flags = {
        "11.4.2": ("ФайлКартинки_Key", "", "РегПересчет"),
        "11.5.8": (
            """ВидНоменклатуры_Key УдалитьВидНоменклатуры_Key КР_Размер_Key КР_КодТНВЭД_Key
            ХарактеристикаНоменклатурыДляЦенообразования_Key""",
            "КР_Штрихкод",
            "",
        ),
        "11.5.20": ("ВидНоменклатуры_Key ХарактеристикаНоменклатурыДляЦенообразования_Key", "", ""),
    }[version]
    return catalog(
        code=False,
        owner="several",
        sections={"ДополнительныеРеквизиты": ADDITIONAL},
        guids=guids,
        strings=f"НаименованиеПолное КиЗГИСМGTIN {strings}",
        flags=flags,
        anys="Принципал Контрагент",
    )


def goods_types(version: str) -> dict[str, Type]:
    """Return the catalogs of goods as the version has them."""
    types = {
        GOODS: _goods(version),
        CHARACTERISTICS: _characteristics(version),
        UNITS: catalog(
            owner="several",
            strings="НаименованиеПолное МеждународноеСокращение ТипИзмеряемойВеличины ТипУпаковки",
            numbers="Числитель Знаменатель КоличествоУпаковок Вес Объем Длина Ширина Высота",
        ),
        KINDS: catalog(
            hierarchical=True,
            code=False,
            guids="ЕдиницаИзмерения_Key НаборСвойств_Key НаборСвойствХарактеристик_Key ВладелецХарактеристик_Key",
            strings="Описание ТипНоменклатуры ИспользованиеХарактеристик",
            flags="ИспользоватьХарактеристики",
        ),
        BRANDS: catalog(hierarchical=True, code=False, guids="Производитель_Key"),
        MAKERS: catalog(hierarchical=True, code=False),
        PRICE_TYPES: catalog(
            code=False,
            guids="ВалютаЦены_Key",
            strings="Идентификатор СпособЗаданияЦены",
            flags="ЦенаВключаетНДС ИспользоватьПриПродаже",
        ),
        WAREHOUSES: catalog(
            hierarchical=True,
            code=False,
            guids="Подразделение_Key РозничныйВидЦены_Key",
            strings="ТипСклада",
            flags="ИспользоватьОрдернуюСхемуПриОтгрузке",
        ),
        CURRENCIES: catalog(strings="НаименованиеПолное"),
        PICTURES: _files(),
        CHARACTERISTIC_PICTURES: _files(),
        FEATURES: catalog(
            code=False,
            guids="НаборСвойств_Key ВладелецДополнительныхЗначений_Key",
            strings="Заголовок Имя Комментарий",
            flags="ЭтоДополнительноеСведение ДополнительныеЗначенияИспользуются",
        ),
        FEATURE_VALUES: catalog(hierarchical=True, owner="one", code=False, strings="ПолноеНаименование"),
    }
    if version != "11.4.2":
        types[PRICED_CHARACTERISTICS] = catalog(code=False, guids="ВидНоменклатуры_Key")
        types[VAT_RATES] = catalog(code=False, strings="ПеречислениеСтавкаНДС", numbers="Ставка")
    return types
